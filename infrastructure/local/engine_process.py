"""The engine's process: MiniStack with five things mended. Run by the engine's own Python.

A restart. MiniStack keeps each stream reader's position over a restart, but not the stream, so it
would skip as many new records as it had read before, and lose what it had not read yet. Here the
stream's records are kept with the table they belong to. (Private names of the pinned release.)

A sudden death. MiniStack saves its services one after the other; killed in between, it would come
back with a queue of now and a table of before. Here a save counts when it is whole.

A cold start. MiniStack unpacks a function and its layers for each process that runs it: thousands
of files each time. Here each archive is unpacked once, and the processes share it.

A burst. MiniStack starts a process for each request that finds none free, and twenty starting at
once take all the time there is. Here requests beyond a function's `WIDTH` wait for a free one.

The hub's end. However the hub goes, its end of the pipe closes; the engine then stops in order,
saves its state and leaves no process behind.
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

WIDTH = 2 * (os.cpu_count() or 1)
STREAM_STORES = ("_stream_records", "_stream_trimmed")


def keep_streams(dynamodb: ModuleType) -> None:
    """Let the engine's DynamoDB save and restore its streams' records with its tables."""
    save, restore = dynamodb.get_state, dynamodb.load_persisted_state

    def get_state() -> dict[str, Any]:
        streams = {name: getattr(dynamodb, name) for name in STREAM_STORES}
        return {**save(), **streams}

    def load_persisted_state(data: dict[str, Any]) -> None:
        for name in STREAM_STORES:
            getattr(dynamodb, name).update(data.pop(name, {}))
        restore(data)

    vars(dynamodb).update(get_state=get_state, load_persisted_state=load_persisted_state)


def save_whole(app: ModuleType, persistence: ModuleType) -> None:
    """Let the engine's services be saved together, or not at all."""
    save_all, state = app.save_all, Path(persistence.STATE_DIR)
    saving, saved = state / "saving", state / "saved"

    def take_over() -> None:
        for file in saved.iterdir() if saved.exists() else ():
            file.replace(state / file.name)
        shutil.rmtree(saved, ignore_errors=True)

    def save_all_whole(services: Mapping[str, Any]) -> None:
        vars(persistence).update(STATE_DIR=str(saving))
        save_all(services)
        saving.rename(saved)  # from here on it counts
        take_over()

    shutil.rmtree(saving, ignore_errors=True)
    take_over()
    vars(app).update(save_all=save_all_whole)


def unpack_once(lambda_runtime: ModuleType) -> None:
    """Let the engine's workers share one unpacked copy of each archive."""
    lock = threading.Lock()

    class SharedZipFile(zipfile.ZipFile):
        def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
            archive = Path(str(self.filename)).read_bytes()
            unpacked = Path(tempfile.gettempdir(), "unpacked", hashlib.sha256(archive).hexdigest())
            with lock:
                if not unpacked.exists():
                    super().extractall(unpacked)
            for entry in unpacked.iterdir():
                Path(path, entry.name).symlink_to(entry)

    shared = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedZipFile})
    vars(lambda_runtime).update(zipfile=shared)


def wait_for_worker(lambda_service: ModuleType) -> None:
    """Let an invocation wait for a free worker when its function has `WIDTH` of them."""
    lease = lambda_service.acquire_worker

    def acquire_worker(*which: Any, **more: Any) -> tuple[Any, str]:
        while True:
            worker, reason = lease(*which, **{**more, "max_concurrency": WIDTH})
            if worker is not None:
                return worker, reason
            time.sleep(0.01)

    vars(lambda_service).update(acquire_worker=acquire_worker)


def stop_when_orphaned() -> None:
    os.read(0, 1)  # standard input: returns when the hub closes its end, or dies
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    app = import_module("ministack.app")
    save_whole(app, import_module("ministack.core.persistence"))
    keep_streams(import_module("ministack.services.dynamodb"))
    unpack_once(import_module("ministack.core.lambda_runtime"))
    wait_for_worker(import_module("ministack.services.lambda_svc"))
    threading.Thread(target=stop_when_orphaned, daemon=True).start()
    del sys.argv[1:]  # MiniStack would read them as its own
    app.main()


if __name__ == "__main__":
    main()

"""Starting and stopping the engine, MiniStack, which serves AWS on 127.0.0.1."""

import os
import shutil
import signal
import socket
import subprocess
import threading

import requests

from infrastructure.local import engine_process
from infrastructure.local.aws import REGION, LocalAws
from infrastructure.local.console import HubError, end_group, wait_for
from infrastructure.local.place import ENGINE_PYTHON, Place

STOPPING_TAKES = 20.0  # seconds the engine has to save its state
ENGINE_DIED = signal.SIGUSR1  # what the main thread gets when the engine ends by itself


class Engine:
    """One MiniStack process, its state in the hub's place.

    When it ends by itself, the main thread gets the signal ENGINE_DIED.
    """

    def __init__(self, place: Place, port: int, mail_url: str) -> None:
        self.aws = LocalAws(f"http://127.0.0.1:{port}")
        self._place = place
        self._port = port
        self._mail_url = mail_url
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def start(self) -> None:
        """Start the engine and wait until it answers; raises HubError when it does not."""
        self._place.engine_state.mkdir(parents=True, exist_ok=True)
        self._move_to_this_port()
        shutil.rmtree(self._place.temporary, ignore_errors=True)
        self._place.temporary.mkdir()
        with self._place.engine_log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # a command of our own
                # The last argument is for whoever reads the list of processes.
                [ENGINE_PYTHON, engine_process.__file__, self._place.directory],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        threading.Thread(target=self._watch, args=[self._process], daemon=True).start()
        wait_for("the engine starts", self._answers)

    def _move_to_this_port(self) -> None:
        """The engine finds a queue by its URL, and would find none of another port's."""
        kept = self._place.port_file
        before, now = kept.read_text() if kept.exists() else "", f"127.0.0.1:{self._port}/"
        if before not in ("", now):
            for file in self._place.engine_state.glob("*.json"):
                file.write_text(file.read_text().replace(before, now))
        kept.write_text(now)

    def stop(self) -> None:
        """Let the engine save its state and end, with everything it started."""
        self._stopping = True
        if self._process:
            end_group(self._process, patience=STOPPING_TAKES)
            if self._process.stdin:
                self._process.stdin.close()
        shutil.rmtree(self._place.temporary, ignore_errors=True)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if not self._stopping and (main := threading.main_thread().ident):
            signal.pthread_kill(main, ENGINE_DIED)

    def _answers(self) -> bool | None:
        try:
            answer = requests.get(f"{self.aws.endpoint_url}/_ministack/health", timeout=5)
        except requests.ConnectionError:
            return None
        return True if answer.ok else None

    def _environment(self) -> dict[str, str]:
        """Nothing but this: what the engine has in its environment, the functions get too."""
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return {
            **inherited,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "GATEWAY_PORT": str(self._port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._place.engine_state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._place.engine_state / "s3"),
            "TMPDIR": str(self._place.temporary),
            # The functions' mail goes through the stand-in, which shows all of it and reports back.
            "AWS_ENDPOINT_URL_SESV2": self._mail_url,
        }


def require_free(*ports: int) -> None:
    """Raise HubError when one of the ports on 127.0.0.1 is taken."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                message = f"port {port} is in use; stop what uses it, or `make run PORT=<another>`"
                raise HubError(message) from error

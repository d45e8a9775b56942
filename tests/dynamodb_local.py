"""DynamoDB Local: real conditions and real concurrency, where Java and Maven are there."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_POM = _ROOT / "infrastructure" / "dynamodb-local" / "pom.xml"
_HOME = _ROOT / ".venvs" / "dynamodb-local"
_START_SECONDS = 60


def is_there() -> bool:
    """Whether this machine can fetch and run it."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


@contextmanager
def running() -> Iterator[str]:
    """The endpoint URL of a server of its own, empty, in memory; stopped at the end."""
    _fetch()
    port = _free_port()
    server = subprocess.Popen(
        [
            "java",
            "-Xmx512m",
            f"-Djava.library.path={_HOME / 'lib'}",
            "-cp",
            f"{_HOME / 'lib'}/*",
            "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
            "-inMemory",
            "-sharedDb",
            "-disableTelemetry",
            "-port",
            str(port),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def _fetch() -> None:
    """Once a machine; a fetch that was cut short is made again."""
    done = _HOME / "fetched"
    wanted = _POM.read_text()
    if done.exists() and done.read_text() == wanted:
        return
    subprocess.run(
        [
            "mvn",
            "--quiet",
            "--batch-mode",
            f"--file={_POM}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={_HOME / 'lib'}",
        ],
        check=True,
        timeout=300,
    )
    done.write_text(wanted)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"DynamoDB Local ended with {server.returncode} while starting")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"DynamoDB Local did not start within {_START_SECONDS} s")

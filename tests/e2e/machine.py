"""A hub of the tests' own: `make run`'s process, with its directory and ports apart."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infrastructure.local.aws import LocalAws
from tests.e2e.overheard import logged

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_START = 300  # seconds: it may have to build the functions
STOPPING = 60  # seconds: on a busy machine the engine takes its time to save its state


class Machine:
    """One hub that can be started, stopped and started again with its data."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.earlier: list[str] = []  # what was logged before the last start

    def start(self, *arguments: str) -> float:
        """Start, wait until the hub is ready, and return how many seconds that took."""
        started = time.monotonic()
        process = self.launch(*arguments)
        while "Up until Ctrl-C" not in self.output():
            if process.poll() is not None or time.monotonic() > started + FIRST_START:
                self.stop()
                raise AssertionError(f"the hub did not start:\n{self.output()}")
            time.sleep(0.05)
        return time.monotonic() - started

    def launch(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start without waiting."""
        command = [sys.executable, "-m", "infrastructure.local", "--directory", str(self.directory)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "run", "--port", str(self.port), *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the hub as Ctrl-C or a supervisor would; returns its exit code."""
        assert self.process is not None
        if self.hub_file.exists():
            self.earlier.append(self.logs())
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.process.kill()  # which ends the engine too
            self.process.wait()
            raise

    @property
    def hub_file(self) -> Path:
        return self.directory / "hub.json"

    @property
    def hub(self) -> dict[str, Any]:
        """What the running hub offers to programs."""
        hub: dict[str, Any] = json.loads(self.hub_file.read_text())
        return hub

    @property
    def log(self) -> Path:
        return self.directory / f"run-{self.port}.log"

    def output(self) -> str:
        """All that the hub printed since it was launched."""
        return self.log.read_text(errors="replace")

    def logs(self) -> str:
        """All that functions logged since the last start, and what the engine printed."""
        engine = (self.directory / "engine.log").read_text(errors="replace")
        said = (
            line for line in engine.splitlines() if " INFO [ses-v2] " not in line
        )  # its own words
        return "\n".join((*logged(LocalAws(self.hub["aws"]["endpoint_url"])), *said))

    def processes(self) -> list[str]:
        """The command lines of all processes that name this hub's directory."""
        listed = subprocess.run(
            ["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        own = str(os.getpid())
        return [line for line in listed if str(self.directory) in line and line.split()[0] != own]


def free_ports() -> int:
    """A port on 127.0.0.1 that is free, and so is the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port

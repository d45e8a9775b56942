"""What the person at the terminal sees: lines, signs of life, and one clear line when it fails."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
SIGN_OF_LIFE = 4.0  # seconds of silence at most


class HubError(Exception):
    """The run cannot go on; the message is the one line that says why."""


class Stopped(BaseException):
    """The run ends here and now: it was asked to, or something it needs has died."""

    def __init__(self, failure: str | None = None) -> None:
        super().__init__(failure)
        self.failure = failure


def say(text: str = "") -> None:
    print(text, flush=True)


def run_quietly(
    what: str,
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str],
) -> None:
    """Run a command to its end with its output in `log`, saying now and then that it still runs.

    Raises HubError with the output's last line when it fails. Never leaves it running.
    """
    started = time.monotonic()
    next_sign = started + SIGN_OF_LIFE
    with log.open("ab") as output:
        start_of_output = output.tell()
        process = subprocess.Popen(  # noqa: S603  # commands of our own
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if time.monotonic() > next_sign:
                    next_sign += SIGN_OF_LIFE
                    say(f"  {what} ({time.monotonic() - started:.0f} s)")
                time.sleep(0.05)
        finally:
            end_group(process)
    if process.returncode:
        lines = log.read_bytes()[start_of_output:].decode(errors="replace").split("\n")
        words = [line.strip() for line in lines if line.strip()]
        raise HubError(f"{what} failed: {words[-1] if words else 'no output'} (all of it: {log})")


def end_group(process: subprocess.Popen[bytes], patience: float = 0) -> None:
    """Stop a process started in its own session, and whatever it started.

    It has `patience` seconds to end by itself after a SIGTERM.
    """
    if patience and process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(what: str, probe: Callable[[], T | None], seconds: float = 60) -> T:
    """Ask `probe` until it has an answer, and return that.

    Raises HubError, naming what did not come true, after `seconds`.
    """
    started = time.monotonic()
    next_sign = started + SIGN_OF_LIFE
    while (answer := probe()) is None:
        now = time.monotonic()
        if now > started + seconds:
            raise HubError(f"{what}: did not come true within {seconds:.0f} s")
        if now > next_sign:
            next_sign += SIGN_OF_LIFE
            say(f"  waiting: {what} ({now - started:.0f} s)")
        time.sleep(0.1)
    return answer

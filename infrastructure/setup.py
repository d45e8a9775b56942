"""Install the pinned, hashed environments the project's verbs run in (`make setup`).

The development tools, SAM CLI and the engine each have their own: resolved together they hold each
other back at old releases. An environment whose requirement file has not changed is left alone.
Standard library only, and any Python from 3.11 on: it runs before anything is installed.
"""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPENDENCIES = ROOT / "infrastructure" / "dependencies"
INSTALLER = ROOT / ".venvs" / "installer"
ENVIRONMENTS = {
    "development": ROOT / ".venv",
    "sam": ROOT / ".venvs" / "sam",
    "engine": ROOT / ".venvs" / "engine",
    "checkov": ROOT / ".venvs" / "checkov",
}
PROGRESS_EVERY = 4  # seconds between two signs of life
REPORTED_LINES = 12  # of a failed installation's last words


class SetupError(Exception):
    """An environment could not be installed; the message says why."""


def main() -> int:
    """Bring every environment up to date; returns the process's exit code."""
    stale = [name for name in ENVIRONMENTS if not is_current(name, ENVIRONMENTS[name])]
    if not stale:
        return 0
    started = time.monotonic()
    try:
        if not is_current("installer", INSTALLER):
            print("setup: installing the installer (uv)", flush=True)
            run_together({"installer": installer_commands()})
        run_together({name: commands(name) for name in stale})
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(f"setup: done in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def installer_commands() -> list[list[str]]:
    """The commands that make the installer's environment with nothing but this Python."""
    requirements = str(DEPENDENCIES / "installer.txt")
    python = str(INSTALLER / "bin" / "python")
    return [
        [sys.executable, "-m", "venv", "--clear", str(INSTALLER)],
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements],
    ]


def commands(name: str) -> list[list[str]]:
    """The commands that make one environment exactly what its requirement file says."""
    uv, target = str(INSTALLER / "bin" / "uv"), ENVIRONMENTS[name]
    create = [uv, "venv", "--quiet", "--clear", "--no-python-downloads"]
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes"]
    return [
        [*create, "--python", sys.executable, str(target)],
        [*sync, "--python", str(target / "bin" / "python"), str(DEPENDENCIES / f"{name}.txt")],
    ]


def run_together(work: dict[str, list[list[str]]]) -> None:
    """Run each environment's commands in order, the environments side by side.

    Raises SetupError with the last lines of the first one that fails; the others are stopped.
    """
    waiting = {name: list(steps) for name, steps in work.items()}
    running: dict[str, subprocess.Popen[str]] = {}
    last_sign, started = time.monotonic(), time.monotonic()
    try:
        while waiting or running:
            for name in [name for name in waiting if name not in running]:
                running[name] = launch(waiting[name].pop(0))
            for name, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                if process.returncode:
                    raise SetupError(f"installing {name} failed:\n{last_words(process)}")
                if not waiting[name]:
                    del waiting[name]
                    stamp(name)
                    print(f"setup: {name} ready", flush=True)
            if running and time.monotonic() - last_sign > PROGRESS_EVERY:
                last_sign = time.monotonic()
                elapsed = last_sign - started
                print(f"setup: installing {', '.join(waiting)} ({elapsed:.0f} s)", flush=True)
            time.sleep(0.05)
    finally:
        for process in running.values():
            process.terminate()
            process.wait()


def launch(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # commands of our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )


def last_words(process: subprocess.Popen[str]) -> str:
    output = process.stdout.read() if process.stdout else ""
    return "\n".join(output.strip().splitlines()[-REPORTED_LINES:])


def is_current(name: str, directory: Path) -> bool:
    stamp_file = directory / "throughline-stamp"
    is_usable = stamp_file.is_file() and (directory / "bin" / "python").exists()
    return is_usable and stamp_file.read_text() == fingerprint(name)


def stamp(name: str) -> None:
    directory = ENVIRONMENTS.get(name, INSTALLER)
    (directory / "throughline-stamp").write_text(fingerprint(name))


def fingerprint(name: str) -> str:
    """What an environment depends on: its pinned requirements and this interpreter."""
    requirements = (DEPENDENCIES / f"{name}.txt").read_bytes()
    interpreter = f"{sys.version} {Path(sys.executable).resolve()}".encode()
    return hashlib.sha256(requirements + interpreter).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

"""Where a hub keeps what is its own."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / ".local" / "build"  # shared: what is built depends on the sources alone
SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"
ENGINE_PYTHON = ROOT / ".venvs" / "engine" / "bin" / "python"


@dataclass(frozen=True)
class Place:
    """One hub's directory: `.local`, or a test's own."""

    directory: Path

    @property
    def hub_file(self) -> Path:
        """What a running hub offers to programs (design.md §11); gone when it stops."""
        return self.directory / "hub.json"

    @property
    def authorization_file(self) -> Path:
        """The header line with the agent's token, for `curl -H @file`; gone when the hub stops."""
        return self.directory / "authorization"

    @property
    def data(self) -> Path:
        """Everything that outlives a stop; `FRESH=1` deletes it."""
        return self.directory / "data"

    @property
    def engine_state(self) -> Path:
        return self.data / "engine"

    @property
    def port_file(self) -> Path:
        """The port that the engine's state names in its URLs."""
        return self.data / "port"

    @property
    def credentials_file(self) -> Path:
        return self.data / "credentials.json"

    @property
    def issuer_key_file(self) -> Path:
        return self.data / "issuer.pem"

    @property
    def outbox_file(self) -> Path:
        return self.data / "outbox.json"

    @property
    def temporary(self) -> Path:
        """The engine's own temporary files, which it leaves behind; deleted when the hub stops."""
        return self.directory / "tmp"

    @property
    def engine_log(self) -> Path:
        return self.directory / "engine.log"

    @property
    def deploy_log(self) -> Path:
        return self.directory / "deploy.log"

    @property
    def failure_log(self) -> Path:
        """Where a failure that nobody foresaw is written down."""
        return self.directory / "failure.log"

    @property
    def lock_file(self) -> Path:
        return self.directory / "lock"

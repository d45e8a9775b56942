"""What the places where things are kept have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A stack: its outputs, and clients of the services it uses."""

    outputs: Mapping[str, str]
    client: Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One thing that could not be processed.

    `look` gives all of it; `replay` brings it the ordinary way again, says why that failed or
    nothing, and removes it here when it went well. Twice does no harm.
    """

    id: str
    channel: str
    at: datetime
    reason: str
    look: Callable[[], str]
    replay: Callable[[], str]

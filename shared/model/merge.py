"""Decisions about who is who: always with who made them, when and why, and always revocable."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What stands for a provider on the entries that tell of such decisions, beside the decision's id.
DECISIONS = "throughline"


class MergeState(StrEnum):
    """Whether a merge is in force."""

    ACTIVE = "active"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """`other` was declared to be the same person as `survivor`.

    `pair` names the two addresses that it was suggested for, by proof or by weaker evidence.
    """

    id: str
    survivor: str
    other: str
    by: str
    at: datetime
    reason: str
    state: MergeState = MergeState.ACTIVE
    pair: tuple[str, ...] = ()
    undone_by: str = ""
    undone_at: datetime | None = None
    undone_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`address` and its own history were declared to be another person's.

    `done` once the history has moved from `source` to `target`.
    """

    id: str
    address: str
    source: str
    target: str
    by: str
    at: datetime
    reason: str
    done: bool = False

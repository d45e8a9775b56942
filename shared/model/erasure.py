"""What is left to know of a person who was erased."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """That a person was erased: all contacts they were, who asked, when, and how much is gone.

    While `finished_at` is None the erasure is under way, and the counts say how far it has come.
    `objects` are files and large bodies, each with all its versions; `provider_copies` are
    messages that a provider still keeps and is to be told to delete.
    """

    members: tuple[str, ...]
    by: str
    requested_at: datetime
    finished_at: datetime | None = None
    addresses: int = 0
    conversations: int = 0
    entries: int = 0
    objects: int = 0
    provider_copies: int = 0

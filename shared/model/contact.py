"""One customer: the profile, and what only the root of merged contacts holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.erasure import Certificate

Edge = tuple[str, str, str]
"""One active merge: its id, the survivor, the other."""

OPEN_CAP = 30
"""More open conversations than this are no matters any more: messages join the newest.

A split may have to continue each of them apart, which takes three parts of a transaction that may
have a hundred.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One person: the contact that speaks for all, its members, and the merges that join them."""

    root: str
    members: frozenset[str]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A contact's own item. `root` is the contact it belongs to now (itself, until merged).

    Only a root holds `members` (contact ids, itself included), `edges` (the active merges, oldest
    first) and `open` (conversation id to its home); `revision` guards
    all three. `addresses` are the keys of the identities homed here. `moving` and `arriving` map
    an address whose history a split is moving to where it goes and where it comes from.
    `erasing` is when an erasure was asked for; a root holds its `certificate` then.
    """

    id: str
    root: str
    first_seen_at: datetime
    name: str = ""
    locale: str = ""
    time_zone: str = ""
    preferred_channel: str = ""
    assignee: str = ""
    addresses: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    edges: tuple[Edge, ...] = ()
    open: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1
    erasing: datetime | None = None
    moving: Mapping[str, str] = field(default_factory=dict)
    arriving: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None

    @property
    def is_root(self) -> bool:
        """Whether this profile speaks for itself and its members."""
        return self.root == self.id

    @property
    def is_full(self) -> bool:
        """Whether no further conversation may be opened."""
        return len(self.open) >= OPEN_CAP

"""Where a list goes on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position that a list goes on behind, in the store's own words.

    `alone`: the contact had no other members when its timeline was first read, so going on in its
    own partition needs no look at its profile.
    """

    position: str
    alone: bool = False

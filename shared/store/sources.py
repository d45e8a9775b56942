"""In which partitions a contact's history lies, also while a split is moving part of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.model.contact import Profile


@dataclass(frozen=True, slots=True)
class Source:
    """A partition to read; while an address is split off, only its entries or all but its."""

    home: str
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def moves(self) -> bool:
        """Whether an address is on its way to or from here."""
        return bool(self.only or self.without)

    def admits(self, address_key: str) -> bool:
        """Whether what came through this address is to be taken from here."""
        if self.only:
            return address_key in self.only
        return address_key not in self.without


def sources(profiles: Sequence[Profile]) -> list[Source]:
    """What to read, in an order in which nothing on its way to another partition is missed."""
    members = {profile.id for profile in profiles}
    arriving = [
        Source(home, only=frozenset({address}))
        for profile in profiles
        for address, home in sorted(profile.arriving.items())
        if home not in members
    ]
    own = [
        Source(
            profile.id,
            without=frozenset(a for a, to in profile.moving.items() if to not in members),
        )
        for profile in sorted(profiles, key=lambda profile: not profile.moving)
    ]
    return arriving + own

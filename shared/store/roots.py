"""Which contact an id belongs to at this moment, and who else does."""

from collections.abc import Iterable

from shared.model.contact import Profile
from shared.model.errors import GoneError, UnavailableError
from shared.store import items, keys
from shared.store.contacts import get_profile
from shared.store.table import Table

_TRIES = 5


def root_of(table: Table, profile: Profile) -> Profile:
    """The profile that speaks for `profile` now, and lists it among its members.

    Raises GoneError for one who was erased, UnavailableError when merges keep moving it.
    """
    asked = profile.id
    for _ in range(_TRIES):
        if not profile.is_root:
            profile = get_profile(table, profile.root)
        elif profile.certificate:
            raise GoneError(profile.certificate)
        elif asked in profile.members:
            return profile
        else:  # a merge was undone between two reads
            profile = get_profile(table, asked)
    raise UnavailableError("this contact is being merged; try again")


def members_of(table: Table, root: Profile, *known: Profile) -> list[Profile]:
    """The profiles of a root's members, in one read where they are not all known."""
    profiles = {profile.id: profile for profile in (*known, root)}
    profiles |= _read(table, root.members - profiles.keys())
    return [profiles[member] for member in sorted(root.members) if member in profiles]


def roots_of(table: Table, homes: Iterable[str]) -> dict[str, str]:
    """The contact that each of up to 100 ids belongs to now, in one read."""
    return {home: profile.root for home, profile in _read(table, homes).items()}


def _read(table: Table, contact_ids: Iterable[str]) -> dict[str, Profile]:
    found = table.get_many(keys.profile(contact_id) for contact_id in sorted(set(contact_ids)))
    profiles = (items.read_profile(item) for item in found.values())
    return {profile.id: profile for profile in profiles}

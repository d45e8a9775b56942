"""Where an entry lies that a split has moved, for those who know only where it lay before."""

from datetime import datetime

from shared.store import keys
from shared.store.table import Table


def find_home(table: Table, home: str, at: datetime, entry_id: str) -> str | None:
    """The contact an entry has moved to from `home`, perhaps in several splits, or None.

    Asked when it was not found at `home`: two reads for each split in the way.
    """
    asked, seen = {home}, {home}
    while asked:
        profiles = table.get_many(keys.profile(contact_id) for contact_id in sorted(asked))
        heirs = {heir for item in profiles.values() for heir in item.get("moved_to", ())} - seen
        found = table.get_many(keys.entry(heir, at, entry_id) for heir in sorted(heirs))
        for item in found.values():
            return str(item["home"])
        asked, seen = heirs, seen | heirs
    return None

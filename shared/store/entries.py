"""One entry by where it lies."""

from datetime import datetime

from shared.model.entry import Entry
from shared.model.errors import NotFoundError
from shared.store import items, keys
from shared.store.moved import find_home
from shared.store.table import Table


def get(table: Table, home: str, at: datetime, entry_id: str) -> Entry:
    """The entry as the table holds it, wherever a split has moved it. Raises NotFoundError."""
    item = table.get(keys.entry(home, at, entry_id))
    if item is None and (moved_to := find_home(table, home, at, entry_id)):
        item = table.get(keys.entry(moved_to, at, entry_id))
    if item is None:
        raise NotFoundError("no such entry")
    return items.read_entry(item)

"""Writing an entry that came through no address, beside its marker, at the contact it names."""

from collections.abc import Iterable
from datetime import datetime

from shared.model.entry import Entry
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.recording import MarkedEntry, Marker
from shared.store import items, keys
from shared.store.pointers import marker_leg, place_of, pointer_item, read_marked_entry
from shared.store.table import Check, Leg, Put, Table, TransactionRefusedError


def find(table: Table, marker: Marker) -> MarkedEntry | None:
    """What the marker stands for already, or None."""
    item = table.get(keys.delivery(marker.provider, marker.id))
    return read_marked_entry(item) if item else None


def write(
    table: Table,
    entry: Entry,
    marker: Marker,
    change: Change,
    *,
    now: datetime,
    beside: Iterable[Leg] = (),
) -> MarkedEntry | None:
    """Write an entry at its home, and what is written or removed beside it in the same moment.

    What the marker stands for already is returned instead. Raises NotFoundError, ConflictError (the
    contact is being erased; something beside it has changed), UnavailableError.
    """
    marked_at, home_at = keys.delivery(marker.provider, marker.id), keys.profile(entry.home)
    place = place_of(entry, request_hash=marker.request_hash)
    beside = tuple(beside)
    living = Check(home_at, "attribute_exists(PK) AND attribute_not_exists(erasing)")
    legs = (
        marker_leg(marker, pointer_item(place), now),
        Put(
            keys.entry(entry.home, entry.occurred_at, entry.id),
            items.entry_item(entry, change) | {"marker": marked_at.pk},
        ),
        # A transaction takes one leg an item; what changes the contact proves as much of it.
        *(() if any(leg.key == home_at for leg in beside) else (living,)),
        *beside,
    )
    try:
        table.write_when_free(*legs)
    except TransactionRefusedError as error:
        if before := error.failed.get(marked_at):
            return read_marked_entry(before)
        if home_at in error.failed:
            home = error.failed[home_at]
            if home is None:
                raise NotFoundError("no such contact") from error
            if "erasing" in home:
                raise ConflictError("this contact is being erased") from error
        raise ConflictError("what it tells of has just changed") from error
    return None

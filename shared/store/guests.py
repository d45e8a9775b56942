"""What people who are not in a conversation wrote on it; it lies on timelines of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.entry import Entry
from shared.model.receipt import Receipt
from shared.store import items, keys
from shared.store.moved import find_home
from shared.store.table import Table

_AT_ONCE = 33  # each with its receipt and its home's profile; a batch read takes a hundred keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """Guests' entries, by where they would lie on the conversation's own timeline.

    `contacts` says whom each is of now. All as far as `edge` are here; None: there are no more.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    edge: str | None


def read(
    table: Table,
    conversation_id: str,
    *,
    between: tuple[str, str],
    after: str | None,
    ascending: bool,
) -> Guests:
    """The next of a conversation's guests: one Query, and one batch read where there are any.

    `between` and `after` are sort keys of entries.
    """
    low, high = (keys.guest_position(position) for position in between)
    found = table.query(
        keys.conversation(conversation_id).pk,
        between=(low, high),
        limit=_AT_ONCE,
        ascending=ascending,
        after=keys.guest_position(after) if after else None,
    )
    rows = {keys.guests_entry(row["SK"]): row["home"] for row in found.items}
    guests = Guests(edge=next(reversed(rows)) if found.last_key else None)
    _add(table, guests, rows)
    lost = {key: home for key, home in rows.items() if key not in guests.entries}
    moved = {
        key: find_home(table, home, *keys.read_entry_position(key)) for key, home in lost.items()
    }
    _add(table, guests, {key: home for key, home in moved.items() if home})
    return guests


def _add(table: Table, guests: Guests, homes: Mapping[str, str]) -> None:
    """Read entries by their sort keys and homes; what is not there is left out."""
    at = {key: keys.Key(keys.contact(home), key) for key, home in homes.items()}
    found = table.get_many(
        [
            *at.values(),
            *(keys.Key(entry.pk, entry.sk + keys.RECEIPT) for entry in at.values()),
            *(keys.profile(home) for home in homes.values()),
        ]
    )
    for key, entry_at in at.items():
        if entry_at not in found:
            continue
        guests.entries[key] = items.read_entry(found[entry_at])
        guests.contacts[key] = found[keys.profile(homes[key])]["root"]
        if receipt := found.get(keys.Key(entry_at.pk, entry_at.sk + keys.RECEIPT)):
            guests.receipts[key] = items.read_receipt(receipt)

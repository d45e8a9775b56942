"""The ledger's items: entries with their estimates, deltas to them, and totals on identities."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from shared.model.entry import Channel, Direction
from shared.model.errors import InvalidRequestError
from shared.model.ledger import CostLine, LineKind
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.contacts import get_profile
from shared.store.keys import Key
from shared.store.roots import members_of, root_of
from shared.store.sources import Source, sources
from shared.store.table import Leg, Put, Table, Update

# An entry is booked when it is received; its time of occurrence is never further away from that
# than rules/ordering.py lets it be. Imports keep their dates, and cost nothing.
_EARLIER, _LATER = timedelta(days=7), timedelta(minutes=5)
_READ_AT_ONCE = 1_000
MOST_LINES = 20_000
FEES, BILL = "fees:", "bill:"  # what the ids of such lines begin with


def read_ledger(
    table: Table, contact_id: str, since: datetime | None = None, until: datetime | None = None
) -> list[CostLine]:
    """What was booked for a contact from `since` to before `until`, newest first, read strongly.

    Entries with their estimates and deltas, over all that is merged; one Query for each of the two
    in a member's partition and 1 MB. Raises NotFoundError, GoneError, UnavailableError, and
    InvalidRequestError where there are more than 20 000.
    """
    asked = get_profile(table, contact_id)
    root = root_of(table, asked)
    found: dict[str, CostLine] = {}
    for source in sources(members_of(table, root, asked)):
        for line in _lines(table, source, since, until):
            if (since is None or line.at >= since) and (until is None or line.at < until):
                found[line.id] = line
        if len(found) > MOST_LINES:
            raise InvalidRequestError(f"more than {MOST_LINES} lines: ask for less time", "from")
    return sorted(found.values(), key=lambda line: (line.at, line.id), reverse=True)


def _lines(
    table: Table, source: Source, since: datetime | None, until: datetime | None
) -> Iterator[CostLine]:
    low, high = keys.LINES, keys.LINES + keys.HIGHEST
    entries_low, entries_high = keys.ENTRY, keys.ENTRY + keys.HIGHEST
    if since:
        low = keys.lines(since)
        entries_low = keys.entry_position(since - _EARLIER)
    if until:
        high = keys.lines(until) + keys.HIGHEST
        entries_high = keys.entry_position(until + _LATER)
    for between in ((low, high), (entries_low, entries_high)):
        partition = keys.contact(source.home)
        for item in table.walk(partition, between=between, at_once=_READ_AT_ONCE):
            line = read_line(item) if item["type"] in ("entry", "cost_line") else None
            if line and source.admits(line.address_key):
                yield line


def fee_lines(table: Table, day: date, now: datetime) -> list[CostLine]:
    """What was booked until now over a day's estimates of carriers' fees."""
    return _unallocated(table, f"{day:%Y-%m}", f"{FEES}{day}:", now)


def bill_lines(table: Table, month: str, now: datetime) -> list[CostLine]:
    """What was booked until now over what the lines of `month` (`2026-10`) hold of AWS's bill."""
    return _unallocated(table, month, f"{BILL}{month}:", now)


def _unallocated(table: Table, month: str, ids: str, now: datetime) -> list[CostLine]:
    """Nobody's lines that were booked from a month on until now, and whose ids begin so."""
    found = table.walk(
        keys.contact(keys.UNALLOCATED),
        between=(f"{keys.LINES}{month}#", keys.lines(now) + keys.HIGHEST),
        at_once=_READ_AT_ONCE,
    )
    return [line for item in found if (line := read_line(item)) and line.id.startswith(ids)]


def line_key(line: CostLine) -> Key:
    """Where a delta lies: by the month it was booked in."""
    return Key(keys.contact(line.home), f"{keys.lines(line.at)}{line.id}")


def booking_legs(line: CostLine) -> list[Leg]:
    """Book a delta once, and add it to the totals of its address."""
    legs: list[Leg] = [Put(line_key(line), _line_item(line))]
    if line.address_key:
        legs.append(
            Update(
                keys.identity(line.address_key),
                f"ADD cost_total :amount, cost_{line.channel} :amount REMOVE #change",
                "attribute_exists(PK) AND attribute_not_exists(erased_at)",
                {":amount": line.cost.total_micro_usd},
                {"#change": "change"},
            )
        )
    return legs


def kept_leg(line: CostLine) -> Put:
    """Keep an amount that was counted before, under another name; nothing is added to it again."""
    return Put(line_key(line), _line_item(line) | {"moved": True})


def read_line(item: Item) -> CostLine | None:
    """The amount that an entry or a cost line stands for; None for an entry that cost nothing."""
    if "cost" not in item:
        return None
    is_entry = item["type"] == "entry"
    return CostLine(
        id=item["id"],
        home=item["home"],
        entry_id=item["id"] if is_entry else item.get("entry", ""),
        channel=Channel(item["channel"]),
        direction=Direction(item["direction"]),
        at=keys.read_timestamp(item["received_at"] if is_entry else item["at"]),
        cost=items.read_cost(item["cost"]),
        kind=LineKind.ESTIMATE if is_entry else LineKind(item["kind"]),
        entry_at=items.optional_time(item.get("occurred_at" if is_entry else "entry_at")),
        address_key=item.get("address_key", ""),
        native=items.read_price(item.get("native")),
    )


def _line_item(line: CostLine) -> Item:
    return {
        "type": "cost_line",
        "schema": items.SCHEMA,
        "id": line.id,
        "home": line.home,
        "entry": line.entry_id,
        "channel": str(line.channel),
        "direction": str(line.direction),
        "address_key": line.address_key,
        "at": keys.timestamp(line.at),
        "entry_at": items.stored_time(line.entry_at),
        "kind": str(line.kind),
        "cost": items.stored_cost(line.cost),
        "native": items.stored_price(line.native),
    }

"""The ledger's items: entries with their estimates, deltas to them, and totals on identities."""

from shared.model.entry import Channel, Direction
from shared.model.ledger import CostLine, LineKind
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.keys import Key
from shared.store.table import Leg, Put, Update


def line_key(line: CostLine) -> Key:
    """Where a delta lies: by the month it was booked in."""
    return Key(keys.contact(line.home), f"COST#{keys.timestamp(line.at)[:7]}#{line.id}")


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

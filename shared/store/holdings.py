"""Everything that is held about somebody, item by item, for those who are to have all of it."""

from collections.abc import Iterator
from typing import Any

from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.ledger import read_line
from shared.store.table import Table

_READ_AT_ONCE = 250
# What says where an item lies and who is told of it says nothing about the person.
_KEYS = frozenset({"PK", "SK", "GSI1PK", "GSI1SK"})
_OURS = _KEYS | {"type", "schema", "change", "expires_at", "marker", "copies", "moved"}

Holding = tuple[str, Any]
"""The type of an item, and the noun it holds, or its attributes where there is no such noun."""


def with_contact(table: Table, contact_id: str) -> Iterator[Holding]:
    """What lies with exactly this contact id, oldest entries first; bodies as stored."""
    for item in _partition(table, keys.contact(contact_id), keys.ENTRY + keys.HIGHEST):
        match item["type"]:
            case "entry":
                yield "entry", items.read_entry(item)
            case "receipt":
                yield "receipt", items.read_receipt(item)
            case "cost_line":
                yield "cost_line", read_line(item)
            case "due":
                continue
            case kind:
                yield kind, _bare(item)


def with_address(table: Table, address_key: str) -> Iterator[Holding]:
    """What lies beside an address: the history of what they allowed. Suggestions name others."""
    at = keys.identity(address_key)
    for item in _partition(table, at.pk, keys.HIGHEST):
        if item["SK"] != at.sk and item["type"] != "suggested":
            yield item["type"], _bare(item)


def _partition(table: Table, partition: str, high: str) -> Iterator[Item]:
    return table.walk(partition, between=(keys.LOWEST, high), at_once=_READ_AT_ONCE)


def _bare(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _OURS}

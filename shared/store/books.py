"""One month's whole ledger, over all contacts: an operator's reading, with their own rights.

It scans the table: no index lists costs, since writing it would cost more than the scan does. No
function may do that, and none imports this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.model.ledger import CostLine
from shared.store import keys
from shared.store.attributes import Item, from_wire
from shared.store.ledger import BILL, read_line

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ = [
    "type",
    "id",
    "home",
    "root",
    "kind",
    "channel",
    "direction",
    "conversation",
    "received_at",
    "occurred_at",
    "at",
    "entry",
    "entry_at",
    "cost",
    "native",
    "price",
    "price_micro_usd",
]
_WANTED = (
    "(#type = :entry AND attribute_exists(#cost) AND begins_with(#received_at, :month))"
    " OR (#type = :line AND begins_with(#at, :month))"
    " OR (#type = :line AND begins_with(#id, :bill))"
    " OR (#type = :receipt AND attribute_exists(#price))"
    " OR #type = :profile"
)


@dataclass(kw_only=True)
class Books:
    """The lines booked in a month, by id, and what is needed to make sense of them.

    `roots`: whom each contact belongs to now. `billed`: what providers charged for an entry, in
    micro-USD, where that is known. `conversations`: an entry's. `bill`: what was booked over the
    month's lines when AWS's bill of it came.
    """

    lines: dict[str, CostLine] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    billed: dict[str, int] = field(default_factory=dict)
    conversations: dict[str, str] = field(default_factory=dict)
    bill: dict[str, CostLine] = field(default_factory=dict)


def read_books(client: "DynamoDBClient", table_name: str, month: str) -> Books:
    """The books of `month` (`2026-11`). Reads the whole table, eventually consistent.

    What is written meanwhile may be missing, and what a split moves meanwhile; nothing is there
    twice.
    """
    books = Books()
    for item in _scan(client, table_name, month):
        match item["type"]:
            case "profile":
                books.roots[item["id"]] = item["root"]
            case "receipt":
                books.billed[item["entry"]] = item.get("price_micro_usd", 0)
            case _:
                if line := read_line(item):
                    if line.id.startswith(f"{BILL}{month}:"):
                        books.bill[line.id] = line
                    if keys.month(line.at) == month:
                        books.lines[line.id] = line
                        books.conversations[line.id] = item.get("conversation", "")
    return books


def _scan(client: "DynamoDBClient", table_name: str, month: str) -> Iterator[Item]:
    values: Mapping[str, str] = {
        ":entry": "entry",
        ":line": "cost_line",
        ":receipt": "receipt",
        ":profile": "profile",
        ":month": month,
        ":bill": f"{BILL}{month}:",
    }
    request: dict[str, Any] = {
        "TableName": table_name,
        "FilterExpression": _WANTED,
        "ProjectionExpression": ", ".join(f"#{name}" for name in _READ),
        "ExpressionAttributeNames": {f"#{name}": name for name in _READ},
        "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
    }
    for page in client.get_paginator("scan").paginate(**request):
        for wire in page["Items"]:
            yield from_wire(wire)  # type: ignore[arg-type]  # stubs

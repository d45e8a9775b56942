"""A table restored from a backup: reading it, and putting back what is missing here."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from shared.model.due import Due
from shared.model.errors import UnavailableError
from shared.model.notification import NoticeKind
from shared.model.receipt import Receipt
from shared.store import items, keys
from shared.store.attributes import Item, from_wire
from shared.store.due import RECEIPT, put_leg
from shared.store.keys import Key
from shared.store.table import Put, Table, TransactionRefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# What was to be done by then may have been done since; a receipt is looked into instead.
_LEFT_OUT = frozenset({RECEIPT, *NoticeKind})
_COUNTED = ("entry", "cost_line")


def read_all(client: "DynamoDBClient", table_name: str) -> Iterator[Item]:
    """Every item of the restored table, those last that only lead to others."""
    leading: list[Item] = []
    for page in client.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True):
        for wire in page["Items"]:
            item = from_wire(wire)  # type: ignore[arg-type]  # the stubs know every type of value
            if item["type"] == "reference":
                leading.append(item)
            else:
                yield item
    yield from leading


def begin(table: Table, now: datetime) -> None:
    """From now on no event of before leads to a notification: it may have been told since."""
    item: Item = {"type": "restored", "schema": items.SCHEMA, "at": keys.timestamp(now)}
    table.write(Put(keys.restored(), item, condition=""))


def put_back(
    table: Table, item: Item, doubted: Callable[[Receipt], Receipt | None], look_at: datetime
) -> bool:
    """Put an item of a backup where there is none; whether it did.

    It announces nothing, and the meter does not count it again. A receipt of which `doubted` gives
    what it is now is looked into at `look_at`. What is of somebody who was erased since stays away.
    Raises UnavailableError.
    """
    if item["type"] == "due" and item.get("kind") in _LEFT_OUT or _is_gone(table, item):
        return False
    at = Key(item["PK"], item["SK"])
    silent = {name: value for name, value in item.items() if name not in ("PK", "SK", "change")}
    if item["type"] in _COUNTED:
        silent["moved"] = True
    legs = [Put(at, silent)]
    if item["type"] == "receipt" and (after := doubted(items.read_receipt(item))):
        due = Due(key=after.key, at=look_at, revision=after.revision, address_key=after.address_key)
        legs = [Put(at, items.receipt_item(after)), put_leg(due)]
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        if error.conflict:
            raise UnavailableError("the table is busy; do it again") from error
        return False
    return True


def _is_gone(table: Table, item: Item) -> bool:
    """Whether an item belongs to, or leads to, what an erasure has taken away since."""
    if item["type"] == "reference":
        return table.get(keys.conversation(item["conversation"])) is None
    partition, _, name = item["PK"].partition("#")
    if partition == "IDENTITY":
        owner = table.get(keys.identity(name)) or {}
        if "erased_at" in owner:
            return True
    home = name if partition == "CONTACT" else item.get("home", "")
    return bool(home) and "erasing" in (table.get(keys.profile(home)) or {})

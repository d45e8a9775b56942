"""Stream records as Lambda hands them to a function."""

import base64
from collections.abc import Iterator
from itertools import count
from typing import Any

from shared.store.attributes import Item, from_wire, to_wire
from shared.store.table import Table

CREATED_AT = 1_795_176_000  # 2026-11-20T12:00:00Z

_numbers = count(1)


def record(new: Item | None, old: Item | None = None) -> dict[str, Any]:
    """The record of one write."""
    images = {"NewImage": new, "OldImage": old}
    number = next(_numbers)
    return {
        "eventID": f"event-{number}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": float(CREATED_AT),
            "SequenceNumber": f"{number:021}",
            **{name: _image(item) for name, item in images.items() if item is not None},
        },
    }


def written(table: Table) -> Iterator[Item]:
    """Every item there is."""
    for page in table._client.get_paginator("scan").paginate(TableName=table.name):
        yield from (from_wire(wire) for wire in page["Items"])  # type: ignore[arg-type]


def _image(item: Item) -> dict[str, Any]:
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in to_wire(item).items()
    }

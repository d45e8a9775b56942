"""What moto spends most of a test's time on, spared.

It copies the whole table once a leg of each transaction: here it copies what is changed. It looks
for each of the ten members of each attribute's value under several names: here a value is taken as
it is, which is what it is on the wire.
"""

import base64
import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.model import Shape
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_update_item = DynamoDBBackend.update_item
_serialize_structure = BaseJSONSerializer._serialize_type_structure


@contextmanager
def cheap_moto() -> Iterator[None]:
    """While this is entered; a transaction that fails is rolled back as ever."""
    with (
        patch.object(BaseJSONSerializer, "_serialize_type_structure", _take_values_as_they_are),
        patch.object(Table, "__deepcopy__", _with_the_same_items, create=True),
        patch.object(DynamoDBBackend, "update_item", _update_a_copy),
    ):
        yield


def _with_the_same_items(table: Table, _: Any) -> Table:
    """Items are put and deleted whole, so the rows are enough."""
    kept = copy.copy(table)
    rows = {partition: dict(items) for partition, items in table.items.items()}
    kept.items = defaultdict(dict, rows)
    if table.stream_shard is not None:
        kept.stream_shard = copy.copy(table.stream_shard)
        kept.stream_shard.items = list(table.stream_shard.items)
        kept.stream_shard.table = kept
    return kept


def _update_a_copy(
    backend: DynamoDBBackend,
    table_name: str,
    key: dict[str, dict[str, Any]],
    *args: Any,
    **more: Any,
) -> Any:
    """An update changes an item in its place, which the rows that were kept name too."""
    table = backend.get_table(table_name)
    partition, sort = backend.get_keys_value(table, key)
    if sort in table.items.get(partition, {}):
        table.items[partition][sort] = copy.deepcopy(table.items[partition][sort])
    return _update_item(backend, table_name, key, *args, **more)


def _take_values_as_they_are(
    serializer: BaseJSONSerializer, serialized: Any, value: Any, shape: Shape, key: str
) -> None:
    if shape.name == "AttributeValue":
        serializer._default_serialize(serialized, plain(value), shape, key)
    else:
        _serialize_structure(serializer, serialized, value, shape, key)  # type: ignore[arg-type]


def plain(value: Any) -> Any:
    """What moto keeps, as it is on the wire."""
    match value:
        case DynamoType():
            return plain(value.to_json())
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list() | set() | tuple():
            return [plain(part) for part in value]
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value

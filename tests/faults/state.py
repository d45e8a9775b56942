"""What moto's services hold: kept in one moment, put back in another."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.s3.models import s3_backends
from moto.ses.models import ses_backends
from moto.sqs.models import sqs_backends

from shared.runtime import clients

TABLE, REGION = "throughline", "us-east-1"
BUCKETS = ("content", "mail")

Rows = dict[Any, dict[Any, Any]]
Objects = dict[tuple[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Held:
    """The table's rows and the buckets' objects."""

    rows: Rows
    objects: Objects


def hold() -> Held:
    """What there is now. Items are never changed in place (tests/cheap_moto.py)."""
    return Held(rows(), objects())


def put_back(held: Held) -> None:
    """All is as it was; queues and the outbox of SES are empty."""
    copied = {partition: dict(items) for partition, items in held.rows.items()}
    _table().items = defaultdict(dict, copied)
    for at, content in objects().items():
        if held.objects.get(at) != content:
            _keys(at[0]).pop(at[1])
    there = objects()
    for (bucket, key), content in held.objects.items():
        if (bucket, key) not in there:
            clients.s3().put_object(Bucket=bucket, Key=key, Body=content)
    for queue in sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues.values():
        queue._messages.clear()
    ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()


def rows() -> Rows:
    """The table's items by their keys."""
    return {partition: dict(items) for partition, items in _table().items.items()}


def items() -> Iterator[dict[str, Any]]:
    """Every item, as the stream would show it."""
    for partition in _table().items.values():
        for item in partition.values():
            yield image(item)


def objects() -> Objects:
    """Every object by bucket and key."""
    return {(name, key): kept.value for name in BUCKETS for key, kept in _keys(name).items()}


def image(item: Any) -> dict[str, Any]:
    """An item with its bytes in base64, as Lambda hands it over."""
    return {name: _wire(value) for name, value in item.attrs.items()}


def _wire(value: DynamoType) -> dict[str, Any]:
    if value.is_map():
        return {"M": {name: _wire(part) for name, part in value.value.items()}}
    if value.is_list():
        return {"L": [_wire(part) for part in value.value]}
    if value.type == "B":
        return {"B": b64encode(value.value).decode()}
    return {value.type: value.value}


def _table() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[TABLE]


def _keys(bucket: str) -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys

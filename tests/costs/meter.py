"""Counts what the functions ask of AWS: operations, capacity units and bytes."""

import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from logging import StreamHandler
from typing import TYPE_CHECKING, Any

from shared.runtime import clients
from shared.runtime.telemetry import logger
from shared.store.attributes import from_wire
from tests import streams
from tests.costs.capacity import Wire, index_units, read_units, size, write_units

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITES = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}


@dataclass(slots=True)
class Usage:
    """What one invocation of a function used. `records` are what it left in the table's stream."""

    calls: Counter[str] = field(default_factory=Counter)
    read_units: int = 0
    write_units: int = 0
    index_units: int = 0
    log_bytes: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)


class Meter:
    """Listens to every client the functions have. `reader` sees the table from outside."""

    def __init__(self, reader: "DynamoDBClient", table: str) -> None:
        self._reader, self._table = reader, table
        self._usage = Usage()
        self._before: dict[str, Wire | None] = {}
        for make in (clients.dynamodb, clients.s3, clients.sqs, clients.events, clients.sesv2):
            client: Any = make()
            client.meta.events.register("before-call.*.*", self._count)
        dynamodb: Any = clients.dynamodb()
        dynamodb.meta.events.register("provide-client-params.dynamodb.*", self._see)
        dynamodb.meta.events.register("after-call.dynamodb.*", self._weigh)

    @contextlib.contextmanager
    def running(self) -> Iterator[Usage]:
        """What is used until the block ends."""
        self._usage = usage = Usage()
        printed = io.StringIO()
        lines = [each for each in logger().handlers if isinstance(each, StreamHandler)]
        before = [each.setStream(printed) for each in lines]
        with contextlib.redirect_stdout(printed):
            yield usage
        for each, stream in zip(lines, before, strict=True):
            each.setStream(stream or sys.stdout)
        usage.log_bytes = len(printed.getvalue().encode())

    def _count(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        name = f"{model.service_model.service_name}.{model.name}"
        self._usage.calls[name] += 1
        if model.name == "PutEvents":
            self._usage.calls["events.entries"] += len(json.loads(params["body"])["Entries"])

    def _see(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Before a write: what is there now. For a read: ask what was read, by its items."""
        self._request = params
        self._before = {json.dumps(at): self._image(at) for at in _keys(model.name, params)}

    def _weigh(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        refused = parsed["ResponseMetadata"]["HTTPStatusCode"] >= 300
        match model.name:
            case "BatchGetItem":
                wanted = self._request["RequestItems"][self._table]["Keys"]
                for at in wanted:
                    image = self._image(at)
                    self._usage.read_units += read_units(1, size(image))
            case "GetItem":
                image = self._image(self._request["Key"])
                self._usage.read_units += read_units(1, size(image))
            case "Query":
                total = sum(size(item) for item in parsed["Items"])
                self._usage.read_units += read_units(len(parsed["Items"]), total)
            case _:
                self._write(model.name == "TransactWriteItems", refused)

    def _write(self, in_transaction: bool, refused: bool) -> None:
        for at, before in self._before.items():
            after = before if refused else self._image(json.loads(at))
            units = write_units(before, after, in_transaction=in_transaction)
            self._usage.write_units += units
            self._usage.index_units += index_units(before, after)
            if before != after:
                old, new = (from_wire(dict(i)) if i else None for i in (before, after))  # type: ignore[arg-type]
                self._usage.records.append(streams.record(new, old))

    def _image(self, at: Any) -> Wire | None:
        found = self._reader.get_item(TableName=self._table, Key=at, ConsistentRead=True)
        return found.get("Item")


def _keys(operation: str, params: Mapping[str, Any]) -> Iterator[Any]:
    legs = [(_WRITES[operation], params)] if operation in _WRITES else []
    for leg in params.get("TransactItems", ()):
        legs += leg.items()
    for verb, request in legs:
        at = request["Item"] if verb == "Put" else request["Key"]
        yield {name: at[name] for name in ("PK", "SK")}

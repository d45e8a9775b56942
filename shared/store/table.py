"""The one DynamoDB table: reads, conditional writes and transactions, with errors in our words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import uniform
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError
from shared.model.identity import Address
from shared.store import keys
from shared.store.attributes import Item, WireItem, encode, from_wire, to_wire
from shared.store.keys import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_READ = 100  # items in one BatchGetItem
_READ_TRIES = 5
_WRITE_TRIES = 6


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item. Without a condition it replaces what is there."""

    key: Key
    item: Item
    condition: str = "attribute_not_exists(PK)"
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Change parts of an item, if the condition holds."""

    key: Key
    expression: str
    condition: str
    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an item, if the condition holds."""

    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """Let the transaction fail unless the condition holds."""

    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


Leg = Put | Update | Delete | Check


def delete_as_read(item: Item) -> Delete:
    """Remove an item, if it is still in the revision it was read in."""
    at = Key(item["PK"], item["SK"])
    for number in ("revision", "rev"):
        if number in item:
            return Delete(at, f"{number} = :seen", {":seen": item[number]})
    return Delete(at, "attribute_exists(PK)")


class TransactionRefusedError(Exception):
    """Some conditions did not hold. `failed` maps each such key to the item there, or None.

    `conflict`: another transaction held an item just then; the same one may succeed at once.
    """

    def __init__(self, failed: Mapping[Key, Item | None], conflict: bool) -> None:
        super().__init__(f"{len(failed)} conditions did not hold")
        self.failed = failed
        self.conflict = conflict


@dataclass(frozen=True, slots=True)
class Found:
    """A page of items, and the key to go on from (None at the end)."""

    items: tuple[Item, ...]
    last_key: Item | None


class Table:
    """The table of one deployment. `identity_key` keys the hashes that stand for addresses."""

    def __init__(self, client: "DynamoDBClient", name: str, identity_key: bytes) -> None:
        self._client = client
        self.name = name
        self._identity_key = identity_key

    def address_key(self, address: Address) -> str:
        """The key that stands for an address in this table."""
        return keys.address_key(self._identity_key, address)

    def get(self, key: Key) -> Item | None:
        """One item, read strongly, or None."""
        answer = self._call(
            self._client.get_item, TableName=self.name, Key=_wire_key(key), ConsistentRead=True
        )
        return from_wire(answer["Item"]) if "Item" in answer else None

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        """The items that exist of up to 100 keys, read strongly in one call."""
        found: dict[Key, Item] = {}
        pending = [_wire_key(key) for key in dict.fromkeys(wanted)]
        for attempt in range(_READ_TRIES):
            if not pending:
                return found
            if attempt:
                sleep(uniform(0, 0.05 * 2**attempt))  # noqa: S311 jitter is no secret
            request: Any = {self.name: {"Keys": pending, "ConsistentRead": True}}
            answer = self._call(self._client.batch_get_item, RequestItems=request)
            for wire in answer["Responses"].get(self.name, []):
                item = from_wire(wire)
                found[Key(item["PK"], item["SK"])] = item
            pending = answer["UnprocessedKeys"].get(self.name, {}).get("Keys", [])
        if pending:
            raise UnavailableError("the table is throttling reads")
        return found

    def query(
        self,
        partition: str,
        *,
        between: tuple[str, str],
        limit: int,
        ascending: bool = False,
        after: str | None = None,
        index: str | None = None,
        start: Item | None = None,
    ) -> Found:
        """One page of a partition, sort keys within `between` (inclusive), at most `limit` read.

        An empty lower bound is none: DynamoDB takes no empty string for a key.

        `after` goes on behind that sort key. Reads of an index are eventually consistent.
        """
        pk, sk = ("GSI1PK", "GSI1SK") if index else ("PK", "SK")
        low, high = between
        within = "BETWEEN :low AND :high" if low else "<= :high"
        bounds = {":pk": partition, ":high": high} | ({":low": low} if low else {})
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": f"{pk} = :pk AND {sk} {within}",
            "ExpressionAttributeValues": _values(bounds),
            "Limit": limit,
            "ScanIndexForward": ascending,
        }
        if index:
            request["IndexName"] = index
        else:
            request["ConsistentRead"] = True
        if after is not None:
            request["ExclusiveStartKey"] = to_wire({"PK": partition, "SK": after})
        elif start is not None:
            request["ExclusiveStartKey"] = to_wire(start)
        answer = self._call(self._client.query, **request)
        last = answer.get("LastEvaluatedKey")
        return Found(
            items=tuple(from_wire(wire) for wire in answer["Items"]),
            last_key=from_wire(last) if last else None,
        )

    def walk(
        self, partition: str, *, between: tuple[str, str], at_once: int, index: str | None = None
    ) -> Iterator[Item]:
        """All of a partition within `between`, ascending, by as many queries as that takes.

        `at_once` is how many items each reads; otherwise as `query`.
        """
        start: Item | None = None
        while True:
            found = self.query(
                partition, between=between, limit=at_once, ascending=True, index=index, start=start
            )
            yield from found.items
            start = found.last_key
            if start is None:
                return

    def write(self, *legs: Leg) -> None:
        """All legs or none. Raises TransactionRefusedError with what stands in the way.

        A single leg is written plainly: a transaction would cost twice as much.
        """
        wire = [_wire_leg(self.name, leg) for leg in legs]
        try:
            if len(legs) == 1 and not isinstance(legs[0], Check):
                self._write_one(wire[0])
            else:
                self._client.transact_write_items(TransactItems=wire)
        except self._client.exceptions.TransactionCanceledException as error:
            raise _refusal(legs, error.response) from error
        except self._client.exceptions.ConditionalCheckFailedException as error:
            found: Any = error.response.get("Item")
            raise TransactionRefusedError(
                {legs[0].key: from_wire(found) if found else None}, conflict=False
            ) from error
        except self._client.exceptions.TransactionConflictException as error:
            raise TransactionRefusedError({}, conflict=True) from error
        except ClientError as error:
            if error.response["Error"]["Code"] == "TransactionInProgressException":
                raise TransactionRefusedError({}, conflict=True) from error
            raise UnavailableError("the table did not take the transaction") from error
        except BotoCoreError as error:
            raise UnavailableError("the table did not answer") from error

    def write_when_free(self, *legs: Leg) -> None:
        """As `write`, but another transaction on the same items is waited out, unless it lasts."""
        for attempt in range(_WRITE_TRIES):
            try:
                return self.write(*legs)
            except TransactionRefusedError as error:
                if error.failed:
                    raise
                sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
        raise UnavailableError("the table stayed busy with these items")

    def _write_one(self, wire: Any) -> None:
        ((verb, request),) = wire.items()
        operations: dict[str, Callable[..., Any]] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        operations[verb](**request)

    def _call(self, operation: Callable[..., Any], **request: Any) -> Any:
        try:
            return operation(**request)
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the table did not answer") from error


def _wire_key(key: Key) -> WireItem:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}


def _values(values: Mapping[str, Any]) -> WireItem:
    return {name: encode(value) for name, value in values.items()}


def _wire_leg(table: str, leg: Leg) -> Any:
    request: dict[str, Any] = {"TableName": table}
    match leg:
        case Put(key=key):
            verb = "Put"
            request["Item"] = _wire_key(key) | to_wire(leg.item)
        case Update(key=key):
            verb = "Update"
            request["Key"] = _wire_key(key)
            request["UpdateExpression"] = leg.expression
        case Delete(key=key):
            verb = "Delete"
            request["Key"] = _wire_key(key)
        case Check(key=key):
            verb = "ConditionCheck"
            request["Key"] = _wire_key(key)
    if leg.condition:
        request["ConditionExpression"] = leg.condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if leg.values:
        request["ExpressionAttributeValues"] = _values(leg.values)
    if not isinstance(leg, Delete) and leg.names:
        request["ExpressionAttributeNames"] = dict(leg.names)
    return {verb: request}


_CONFLICTS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def _refusal(legs: Sequence[Leg], response: Any) -> TransactionRefusedError:
    failed: dict[Key, Item | None] = {}
    conflict = False
    for leg, reason in zip(legs, response.get("CancellationReasons", []), strict=True):
        code = reason.get("Code", "None")
        if code == "ConditionalCheckFailed":
            failed[leg.key] = from_wire(reason["Item"]) if reason.get("Item") else None
        elif code in _CONFLICTS:
            conflict = True
        elif code != "None":
            raise UnavailableError(f"the table refused a write: {code}")
    return TransactionRefusedError(failed, conflict)

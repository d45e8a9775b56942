"""The calls a handler makes, made again with a client of botocore's and nothing around it."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shared.runtime import clients
from tests.benchmarks.deployment import Deployment
from tests.benchmarks.measuring import Work, cpu

Call = tuple[str, dict[str, Any]]


def recorded(work: Work) -> Sequence[Call]:
    """What a handler asks of DynamoDB, as it was given to botocore."""
    calls: list[Call] = []
    events = clients.dynamodb().meta.events

    def keep(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((model.name, copy.deepcopy(params)))

    events.register_first("provide-client-params.dynamodb.*", keep)
    cpu(work)
    events.unregister("provide-client-params.dynamodb.*", keep)
    return calls


def again(hub: Deployment, asked: Sequence[Call], number: int) -> Work:
    """The same calls for one more message: what it is known by is named anew."""
    operations: dict[str, Callable[..., Any]] = {
        "BatchGetItem": hub.client.batch_get_item,
        "TransactWriteItems": hub.client.transact_write_items,
    }
    names = {name: f"{name[:-6]}B{number:05d}" for name in _names(asked)}
    params = [_renamed(given, names) for _, given in asked]
    named = [operations[name] for name, _ in asked]

    def work() -> None:
        for operation, given in zip(named, params, strict=True):
            operation(**given)

    return work


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case str():
            for name, new in names.items():
                value = value.replace(name, new)
            return value
        case dict():
            return {key: _renamed(inner, names) for key, inner in value.items()}
        case list():
            return [_renamed(inner, names) for inner in value]
        case _:
            return value


def _names(asked: Sequence[Call]) -> Iterator[str]:
    """The entry's id, and the keys of the markers that stand for this one message."""
    (transaction,) = (params for name, params in asked if name == "TransactWriteItems")
    for put in (leg["Put"] for leg in transaction["TransactItems"] if "Put" in leg):
        item = put["Item"]
        if item["type"] == {"S": "entry"}:
            yield item["id"]["S"]
        elif "attribute_not_exists" in put.get("ConditionExpression", ""):
            yield item["PK"]["S"]

"""Fixtures that every kind of test may use."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import settings
from moto import mock_aws

from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.cheap_moto import cheap_moto
from tests.table_schema import create_table

# A loaded machine is no reason to fail; what must be fast has a test that measures it. CI tells the
# same examples each time: a change is to blame for what fails. Everybody else tells new ones.
settings.register_profile("throughline", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("throughline")

REGION = "us-east-1"
BUCKET = "content"
IDENTITY_KEY = b"a key for tests"
_WRITES = {"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"}


@cache
def _session() -> boto3.Session:
    """One for all tests: it reads the services' large descriptions once, not once a client."""
    return boto3.Session()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS account in this process, by moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), cheap_moto():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session())
        yield


@pytest.fixture
def table(aws: None) -> Table:
    """An empty table as template.yaml describes it."""
    client = boto3.client("dynamodb", region_name=REGION)
    create_table(client, "throughline")
    return Table(client, "throughline", IDENTITY_KEY)


@pytest.fixture
def bodies(aws: None) -> Bodies:
    """An empty content bucket."""
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=BUCKET)
    return Bodies(lambda: client, BUCKET)


@pytest.fixture
def aws_calls(table: Table) -> list[str]:
    """The names of the calls made to the table from here on."""
    calls: list[str] = []
    events = table._client.meta.events
    events.register("before-call.dynamodb.*", lambda model, **_: calls.append(model.name))
    return calls


@pytest.fixture
def refuse_transactions(table: Table) -> Callable[[int], None]:
    """Let the next n writes fail by a conflict, as DynamoDB words it."""
    left = 0

    def set_left(number: int) -> None:
        nonlocal left
        left = number

    def conflict(model: Any, params: Any, **_: Any) -> Any:
        nonlocal left
        if model.name not in _WRITES or left == 0:
            return None
        left -= 1
        body = json.loads(params["body"])
        parsed: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0}}
        if model.name == "TransactWriteItems":
            reasons = [{"Code": "TransactionConflict"} for _ in body["TransactItems"]]
            parsed["CancellationReasons"] = reasons
            parsed["Error"] = {"Code": "TransactionCanceledException", "Message": "conflict"}
        else:
            parsed["Error"] = {"Code": "TransactionConflictException", "Message": "conflict"}
        response: Any = AWSResponse(params["url"], 400, {}, None)  # type: ignore[arg-type]  # stubs
        return response, parsed

    table._client.meta.events.register("before-call.dynamodb.*", conflict)
    return set_left


@pytest.fixture
def at_call(table: Table) -> Callable[[int, str, BaseException], None]:
    """Let the nth call to the table from now on raise, `before` or `after` it took effect."""
    numbers = count(1)
    plan: dict[str, Any] = {}

    def hit(when: str) -> Callable[..., None]:
        def handler(**_: Any) -> None:
            if when == "before":
                plan["now"] = next(numbers)
            if (plan.get("number"), plan.get("when")) == (plan["now"], when):
                plan["number"] = 0
                raise plan["error"]

        return handler

    events = table._client.meta.events
    events.register("before-call.dynamodb.*", hit("before"))
    events.register("after-call.dynamodb.*", hit("after"))

    def arm(number: int, when: str, error: BaseException) -> None:
        nonlocal numbers
        numbers = count(1)
        plan.update(number=number, when=when, error=error)

    return arm

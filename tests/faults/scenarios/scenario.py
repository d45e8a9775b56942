"""What a scenario is, and how those who bring something try again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

from tests.faults.account import Account
from tests.http_events import AGENT, http_event

_CONTENT = (200, 201, 202, 204, 302)
_SCOPES = (
    "timeline:read timeline:write messages:send contacts:write contacts:merge contacts:erase "
    "conversations:write consent:write costs:read messages:override"
)

# Takes which try it is, from 1; says whether whoever brings it is content.
Attempt = Callable[[int], bool]


class RefusedError(Exception):
    """Whoever brought it was told that it is not done, and does not try again."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` sets the stage and gives the attempt.

    `between` is how long its maker waits before the next try.
    """

    function: str
    name: str
    prepare: Callable[[Account], Attempt]
    between: timedelta = timedelta(minutes=1)


def by_webhook(account: Account, function: str, make: Callable[[], Any]) -> Attempt:
    """A provider's request, which it repeats until it is answered well."""
    return lambda number: account.invoke(function, make())["statusCode"] in _CONTENT


def by_queue(account: Account, function: str, *bodies: str, tried: int = 0) -> Attempt:
    """A queue's batch, whose failed messages come again; it was `tried` as often before."""
    left: list[int] = []

    def attempt(number: int) -> bool:
        if number == 1:
            left[:] = range(len(bodies))
        event = {"Records": [_message(each, bodies[each], tried + number) for each in left]}
        failed = account.invoke(function, event)["batchItemFailures"]
        again = {each["itemIdentifier"] for each in failed}
        left[:] = [each for each in left if f"m-{each}" in again]
        return not left

    return attempt


def _message(number: int, body: str, tries: int) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(tries)},
        "eventSource": "aws:sqs",
    }


def by_stream(account: Account, function: str, records: Sequence[Any]) -> Attempt:
    """The stream's batch, which comes again from the record on that the answer names."""
    left: list[Any] = []

    def attempt(number: int) -> bool:
        if number == 1:
            left[:] = records
        answer = account.invoke(function, {"shardId": "shard-1", "Records": list(left)})
        for each in answer["batchItemFailures"]:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in left]
            del left[: numbers.index(each["itemIdentifier"])]
            return False
        return True

    return attempt


def by_schedule(account: Account, function: str, event: Any) -> Attempt:
    """A schedule, whose next turn comes anyhow: one by a clock that went back is not the last."""
    staged = account.now

    def attempt(number: int) -> bool:
        account.invoke(function, event)
        return account.now >= staged

    return attempt


def by_app(account: Account, method: str, path: str, body: Any = None, *, done: int = 0) -> Attempt:
    """An agent's app, which repeats its request under the same key, unless it is refused.

    `done` is how it is refused once it has been done, where it takes no key.
    """
    path, _, query = path.partition("?")

    def attempt(number: int) -> bool:
        status = call(account, method, path, body, query=query)["statusCode"]
        if status in _CONTENT or (number > 1 and status == done):
            return True
        if status in range(400, 500):
            raise RefusedError(f"{method} {path}: {status}")
        return False

    return attempt


def call(account: Account, method: str, path: str, body: Any = None, *, query: str = "") -> Any:
    """One request of an agent's app, whose key is the same for the same words."""
    event = http_event(
        method,
        path,
        query=query,
        body=body,
        headers={"idempotency-key": f"{crc32(f'{method} {path} {json.dumps(body)}'.encode())}"},
        claims={**AGENT, "scope": _SCOPES},
    )
    return account.invoke("timeline_api", event)

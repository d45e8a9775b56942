"""Whichever single call fails or dies, before or after it took effect, and the provider's retry."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from botocore.exceptions import EndpointConnectionError

from functions.inbound_email import handler as inbound_email
from functions.inbound_sms import handler as inbound_sms
from shared.runtime import clients
from tests.benchmarks.deployment import Deployment
from tests.benchmarks.figures import Figure
from tests.benchmarks.mails import announced
from tests.benchmarks.measuring import cpu
from tests.benchmarks.webhooks import text
from tests.mails import mail

_numbers = count(1)
_PHASES = {"before": "before-call.{}", "after": "after-call.{}"}


class _Dead(BaseException):
    """The process is gone; nobody handles that."""


def measure(hub: Deployment) -> Iterator[Figure]:
    """A first contact's text and mail, each call of theirs failing and dying, both sides of it."""
    wrong = tried = 0
    for receive, calls in ((_text, ("BatchGetItem", "TransactWriteItems")), (_mail, _MAIL)):
        for call in calls:
            for phase in _PHASES:
                for error in (_Dead(), EndpointConnectionError(endpoint_url="https://table")):
                    wrong += _entries_after(hub, receive, call, phase, error) != 1
                    tried += 1
    yield Figure(
        name=f"messages lost or doubled, {tried} ways of a call to fail or die",
        value=wrong,
        unit="",
        target=0,
    )


_MAIL = ("s3.GetObject", "BatchGetItem", "TransactWriteItems")


def _entries_after(
    hub: Deployment, receive: Callable[[], Callable[[], object]], call: str, phase: str, error: Any
) -> int:
    """How many entries there are once a call has died and the sender has come again."""
    service, _, operation = call.rpartition(".")
    event = _PHASES[phase].format(f"{service or 'dynamodb'}.{operation}")
    client: Any = clients.s3() if service == "s3" else clients.dynamodb()
    before = _entries(hub)
    deliver = receive()

    def die(**_: Any) -> None:
        raise error

    client.meta.events.register_first(event, die)
    try:
        cpu(deliver)
    except _Dead:
        pass
    finally:
        client.meta.events.unregister(event, die)
    cpu(deliver)
    return _entries(hub) - before


def _entries(hub: Deployment) -> int:
    pages = hub.client.get_paginator("scan").paginate(
        TableName="throughline",
        FilterExpression="#type = :entry",
        ExpressionAttributeNames={"#type": "type"},
        ExpressionAttributeValues={":entry": {"S": "entry"}},
        Select="COUNT",
    )
    return sum(page["Count"] for page in pages)


def _text() -> Callable[[], object]:
    number = next(_numbers)
    event = text(10**9 + number, f"+1416{number:07d}")
    return lambda: inbound_sms.lambda_handler(event, None)


def _mail() -> Callable[[], object]:
    number = next(_numbers)
    raw = mail(f"Message-ID: <d{number}@example.org>", sender=f"From: a{number}@example.org")
    event: Any = announced(f"inbound/d{number}", raw)
    return lambda: inbound_email.lambda_handler(event, None)  # type: ignore[arg-type]

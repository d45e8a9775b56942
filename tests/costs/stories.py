"""What happens to a message on its way through the functions, told by running them on moto."""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from itertools import count
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from functions.timeline_api.routes import ROUTES
from shared.model.events import detail
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, OutboundMessage
from shared.providers.twilio import status_url
from shared.runtime import secrets
from shared.store.attributes import from_wire
from shared.store.stream import announced
from tests import streams
from tests.costs.meter import Meter, Usage
from tests.deployment import deploy
from tests.http_events import http_event
from tests.mails import captured
from tests.table_schema import create_table
from tests.template import FUNCTIONS, MAPPINGS, package, told_by_default
from tests.webhooks import BASE, form_body, twilio_event

TABLE, BUCKETS = "throughline", ("content", "mail")
SID = "SM66666666666666666666666666666666"
_MORE = {
    "AWS_ACCESS_KEY_ID": "costs",
    "AWS_SECRET_ACCESS_KEY": "costs",
    "AWS_DEFAULT_REGION": "us-east-1",
    "MAIL_BUCKET": "mail",
    "MAIL_DOMAIN": "in.example.com",
    "MAIL_SENDER": "support@in.example.com",
    "SMS_SENDER": "+15005550006",
    "SES_CONFIGURATION_SET": "throughline",
    "TWILIO_API_URL": "https://api.twilio.com",
    "BUS_NAME": "throughline",
    "BUSINESS_HOURS": "mon-fri 09:00-17:00",
    "CLOSED_DAYS": "",
    "FIRST_RESPONSE_MINUTES": "0",
    "NEXT_RESPONSE_MINUTES": "0",
    "TIME_ZONE": "UTC",
    "COUNTRIES": "",
    "NOTIFICATIONS_PER_HOUR": "5",
    "TEXTS_PER_BLOCK": "100",
    "NOTIFY_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/notify",
}


_sequence = count(1)
_TOGETHER = 10  # messages that the meter takes at once, at one a second (template.yaml: 10 s)
OUT = "message out, three receipts"
NOTICE = "notification, decided and written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One invocation of a function, and what led to it.

    `trigger`: http, stream, queue (an event's rule and a queue before it) or mail (S3's word in a
    queue). `batch`: how many such messages this invocation was for, at one message a second.
    `waiting_ms`: for others than AWS.
    """

    function: str
    trigger: str
    usage: Usage
    batch: int = 1
    waiting_ms: int = 0


@dataclass(slots=True)
class Story:
    """The steps of one message."""

    steps: list[Step] = field(default_factory=list)


class Functions:
    """The functions as deployed, each step of theirs on the meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def run(self, story: Story, function: str, trigger: str, event: Any, **step: int) -> Any:
        """Invoke one function and keep what it used; what it wrote goes through the stream."""
        handler = import_module(f"functions.{function}.handler").lambda_handler
        with self._meter.running() as usage:
            answer = handler(event, _Context())
        story.steps.append(Step(function=function, trigger=trigger, usage=usage, **step))
        if trigger != "stream":
            self._stream(story, usage.records)
        return answer

    def _stream(self, story: Story, records: list[dict[str, Any]]) -> None:
        """The table's two readers, each with what its filter lets through."""
        for_bus = [each for each in records if _passes("PublishEventsMapping", each)]
        for_meter = [each for each in records if _passes("MeterCostsMapping", each)]
        if for_bus:
            self.run(story, "publish_events", "stream", {"Records": for_bus})
        if for_meter:
            event = {"shardId": "shard-1", "Records": _as_ten(for_meter)}
            self.run(story, "meter_costs", "stream", event, batch=_TOGETHER)


def _passes(mapping: str, record: dict[str, Any]) -> bool:
    """Whether a mapping's filters let a record through, as the template has them."""
    filters = MAPPINGS[mapping]["FilterCriteria"]["Filters"]
    return any(_fits(json.loads(each["Pattern"]), record) for each in filters)


def _fits(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        return all(_fits(part, (value or {}).get(name)) for name, part in pattern.items())
    return value in pattern or ({"exists": True} in pattern and value is not None)


def _as_ten(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, and as many each of other contacts that come meanwhile."""
    batch = []
    for number in range(_TOGETHER):
        for record in records:
            home = record["dynamodb"]["NewImage"]["home"]["S"]
            other = home if number == 0 else f"ctc_{number:026d}"
            copied = json.loads(json.dumps(record, default=_base64).replace(home, other))
            copied["dynamodb"]["SequenceNumber"] = f"{next(_sequence):021}"
            batch.append(copied)
    return batch


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


class _Context(LambdaContext):
    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # a property there
        return 60_000


class _Twilio:
    """Takes everything."""

    def send(self, message: OutboundMessage) -> Accepted:
        return Accepted(SID)


@contextmanager
def account() -> Iterator[Callable[[str], Functions]]:
    """An empty account; gives the functions in fresh containers, their clocks shifted."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**told_by_default(), **_MORE}.items():
            patch.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
            patch.delenv(name, raising=False)
        stack.enter_context(mock_aws())
        for function in FUNCTIONS:
            import_module(f"functions.{package(function)}.handler")
        _forget()
        stack.callback(_forget)
        deploy(patch)
        reader = boto3.client("dynamodb")
        create_table(reader, TABLE)
        for bucket in BUCKETS:
            boto3.client("s3").create_bucket(Bucket=bucket)
        boto3.client("events").create_event_bus(Name="throughline")
        boto3.client("sqs").create_queue(QueueName="notify")
        courier = import_module("functions.deliver_message.courier")
        way_out = courier.outlet
        patch.setattr(courier, "outlet", lambda to: replace(way_out(to), sender=_Twilio()))

        def functions(clock_offset: str) -> Functions:
            patch.setenv("CLOCK_OFFSET", clock_offset)
            _forget()
            return Functions(Meter(reader, TABLE))

        yield functions


def _forget() -> None:
    """Empty every cache that a function keeps from one invocation to the next."""
    names = [name for name in sys.modules if name.startswith(("functions.", "shared.runtime."))]
    for name in names:
        for member in vars(sys.modules[name]).values():
            if hasattr(member, "cache_clear") and getattr(member, "__module__", "") == name:
                member.cache_clear()
    for reader in vars(secrets).values():
        if isinstance(reader, secrets.Kept):
            reader.forget()


def tell() -> dict[str, Story]:
    """Each story, warm: a customer who has written before, minutes apart from one to the next."""
    stories = {name: Story() for name in ("SMS in", "e-mail in", OUT, "timeline page", NOTICE)}
    with account() as functions:
        run = functions("-9m")
        _text(run, Story(), 1)
        _mail(run, Story(), 1)
        run = functions("-6m")
        _text(run, stories["SMS in"], 2)
        _mail(run, stories["e-mail in"], 2)
        home = _entries("sms")[0]["home"]
        run = functions("-3m")
        _message_out(run, stories[OUT], home)
        page = http_event("GET", f"/v1/contacts/{home}/timeline")
        run.run(stories["timeline page"], "timeline_api", "http", page)
        notice = _notification(functions(""), stories[NOTICE])
        later = functions("+2m").run(stories[NOTICE], "notify_customer", "queue", _batch(notice))
        assert later == {"batchItemFailures": []}
    return stories


def _text(run: Functions, story: Story, number: int) -> None:
    event = twilio_event(form_body("sms", MessageSid=f"SM{number:032d}"))
    assert run.run(story, "inbound_sms", "http", event)["statusCode"] == 200


def _mail(run: Functions, story: Story, number: int) -> None:
    key = f"inbound/{number}"
    raw = captured("gmail_reply_en").replace(b"Message-ID: <", f"Message-ID: <{number}".encode())
    boto3.client("s3").put_object(Bucket="mail", Key=key, Body=raw)
    body = json.dumps({"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": key}}}]})
    answer = run.run(story, "inbound_email", "mail", _batch(body))
    assert answer == {"batchItemFailures": []}


def _message_out(run: Functions, story: Story, home: str) -> None:
    entry = _answer(run, story, home, "sms")
    detail = {
        "home_contact_id": entry["home"],
        "occurred_at": entry["occurred_at"],
        "entry_id": entry["id"],
    }
    notice = json.dumps({"detail": detail})
    answer = run.run(story, "deliver_message", "queue", _batch(notice), waiting_ms=150)
    assert answer == {"batchItemFailures": []}
    at = datetime.fromisoformat(entry["occurred_at"]).astimezone(UTC)
    url = status_url(BASE, ReceiptKey(home=entry["home"], at=at, entry_id=entry["id"]))
    for status in ("sent", "delivered", "read"):
        form = form_body("status_sent", MessageStatus=status, SmsStatus=status, MessageSid=SID)
        event = twilio_event(form, url=url, path=url.removeprefix(BASE))
        event["pathParameters"] = dict(
            zip(("home", "at", "entry"), url.split("/")[-3:], strict=True)
        )
        assert run.run(story, "receipts_twilio", "http", event)["statusCode"] == 204


def _answer(run: Functions, story: Story, home: str, channel: str) -> dict[str, Any]:
    """An agent answers; the entry that is to leave."""
    text = "Good news: your order left today. Track it in the app."
    request = _ask("POST", f"/v1/contacts/{home}/messages", channel="auto", text=text)
    answer = run.run(story, "timeline_api", "http", request)
    assert answer["statusCode"] == 202, answer["body"]
    (entry,) = (each for each in _entries(channel) if each["direction"] == "outbound")
    return entry


def _notification(run: Functions, story: Story) -> str:
    """An answer by mail is also told by text, to a number that an agent knows.

    Returns what the queue says a minute later, when it is to leave.
    """
    home = _entries("email")[0]["home"]
    number = _ask("POST", f"/v1/contacts/{home}/identities", kind="phone", value="+14155550177")
    run.run(Story(), "timeline_api", "http", number)
    entry = _answer(run, Story(), home, "email")
    (event,) = announced(streams.record(entry))
    told = {"detail-type": event.metadata.type, "source": "throughline", "detail": detail(event)}
    request = {
        "rule": "agent-answered",
        "template": "agent-answered",
        "purpose": "transactional",
        "ladder": ["sms"],
        "wait_seconds": 600,
        "debounce_seconds": 60,
        "urgent": True,  # whatever the hour this is measured at
        "event": {"version": "0", "id": "1", **told},
    }
    assert run.run(story, "notify_customer", "queue", _batch(json.dumps(request))) == {
        "batchItemFailures": []
    }
    notice = f"agent-answered#{entry['conversation']}"
    return json.dumps({"due": "debounce", "home": entry["home"], "id": notice})


def _ask(method: str, path: str, **body: str) -> Any:
    """A request of an agent's who may do anything."""
    scope = " ".join(sorted({route.scope for route in ROUTES}))
    claims = {"sub": "agent-1", "name": "Ada Agent", "scope": scope}
    return http_event(method, path, body=body, headers={"idempotency-key": path}, claims=claims)


def _entries(channel: str) -> list[dict[str, Any]]:
    found: Any = boto3.client("dynamodb").scan(TableName=TABLE)
    items = (from_wire(item) for item in found["Items"])
    return [item for item in items if item["type"] == "entry" and item["channel"] == channel]


def _batch(body: str) -> dict[str, Any]:
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]}

"""What cannot be processed, of every channel: kept whole, listed, looked at, replayed."""

import importlib
import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from functions.inbound_email import mail as mail_module
from infrastructure.local.console import HubError
from infrastructure.parked import __main__ as command
from infrastructure.parked.item import Hub, Kept
from shared.model.errors import UnavailableError
from shared.model.identity import Address, IdentityKind
from shared.runtime.proven import Proven
from shared.runtime.webhook import WebhookRequest
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.parking import Parking
from shared.store.stream import sequence
from shared.store.table import Table
from tests.builders import NOW, sms
from tests.conftest import BUCKET, REGION
from tests.deployment import deploy, fresh_containers
from tests.mails import mail
from tests.streams import record, written
from tests.template import DEAD_LETTER_QUEUES, QUEUES, TEMPLATE
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

PHONE = Address(IdentityKind.PHONE, "+14155550123")
VISITOR = Address(IdentityKind.CHAT, "shop:v-12")
ANA = Address(IdentityKind.EMAIL, "ana@example.org")
NAMES = ("inbound_sms", "inbound_chat", "inbound_email")


@pytest.fixture
def functions(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[ModuleType]]:
    monkeypatch.setenv("MAIL_BUCKET", "mail")
    with fresh_containers(*NAMES) as handlers:
        mail_module.settings.cache_clear()
        mail_module.table.cache_clear()
        deploy(monkeypatch)
        yield handlers


class Lambda:
    """Invokes what is deployed, in this process."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        handler = importlib.import_module(f"functions.{FunctionName}.handler")
        try:
            answer = handler.lambda_handler(json.loads(Payload), SimpleNamespace())
        except Exception as error:
            said = {"errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def stack(functions: list[ModuleType], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The stack's outputs, and its queues, buckets and bus on moto."""
    monkeypatch.setattr("infrastructure.parked.queues.WAIT_SECONDS", 0)
    sqs = boto3.client("sqs", region_name=REGION)
    queues = ("Mail", "MailDeadLetter", "RulesDeadLetter")
    urls = {f"{it}QueueUrl": sqs.create_queue(QueueName=it)["QueueUrl"] for it in queues}
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="mail")
    outputs = {
        "ContentBucketName": BUCKET,
        "MailBucketName": "mail",
        "BusName": "default",
        "InboundSmsFunctionName": "inbound_sms",
        "InboundChatFunctionName": "inbound_chat",
        **urls,
    }

    @cache
    def client(service: str) -> Any:
        return Lambda() if service == "lambda" else boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # any service

    return Hub(outputs=outputs, client=client)


@pytest.fixture
def make(
    stack: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run the command; its exit code and what it printed."""
    monkeypatch.setattr(command, "where", lambda *_: stack)

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["parked", *words])
        code = command.main()
        return code, capsys.readouterr().out

    return run


def only(stack: Hub) -> Kept:
    with command.kept(stack) as found:
        (item,) = found
    return item


def messages(table: Table, address: Address) -> int:
    identity = contacts.get_identity(table, address)
    return identity.messages if identity else 0


def poison(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a function fail as nobody foresaw; the returned call mends it."""
    good = function.receive

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("what somebody wrote")

    monkeypatch.setattr(function, "receive", fail)
    return lambda: monkeypatch.setattr(function, "receive", good)


# ---- webhooks


@pytest.mark.parametrize("channel", ["sms", "chat"])
def test_a_poisoned_webhook_is_listed_looked_at_and_replayed(
    functions: list[ModuleType],
    make: Callable[..., tuple[int, str]],
    stack: Hub,
    channel: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_channel = {
        "sms": (functions[0], twilio_event(form_body("sms", Body="grüße")), PHONE, "gr%C3%BC"),
        "chat": (functions[1], chat_event(chat_message(text="grüße")), VISITOR, "gr\\\\u00fc"),
    }
    function, event, sender, written_as = by_channel[channel]
    mend = poison(function, monkeypatch)

    assert 200 <= function.lambda_handler(event, None)["statusCode"] < 300
    assert function.lambda_handler(event, None)["statusCode"] < 300  # the provider, once more

    item = only(stack)
    assert (item.channel, item.id.partition("/")[0]) == (channel, channel)
    code, listed = make()
    assert (code, listed.count(item.id)) == (0, 1)
    assert "KeyError in fail" in listed
    assert "somebody wrote" not in listed
    code, looked = make(item.id)
    assert (code, written_as in looked) == (0, True)
    assert "signature" not in looked
    assert make("--replay", item.id)[0] == 1

    mend()
    assert make("--replay", item.id)[0] == 0
    assert make() == (0, "Nothing is parked.\n")
    assert item.replay() == ""  # begun before, by somebody else
    assert messages(function.table(), sender) == 1


def test_what_is_replayed_stands_where_it_came(
    functions: list[ModuleType], stack: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend = poison(functions[0], monkeypatch)
    functions[0].lambda_handler(twilio_event(form_body("sms")), None)
    mend()
    came = json.loads(only(stack).look())["content"]["received_at"]
    only(stack).replay()
    (entry,) = [it for it in written(functions[0].table()) if it["type"] == "entry"]
    assert entry["received_at"][:19] == came[:19]


def test_what_is_malformed_stays_until_it_can_be_read(
    functions: list[ModuleType], make: Callable[..., tuple[int, str]], stack: Hub
) -> None:
    functions[0].lambda_handler(twilio_event("Body=hi&x=%FF"), None)
    code, said = make("--replay", "--all")
    assert (code, "still not, the message has no id" in said) == (1, True)
    assert only(stack).reason == "the message has no id"


def test_a_body_that_is_no_text_is_kept_to_the_byte(
    functions: list[ModuleType], stack: Hub
) -> None:
    functions[0].lambda_handler(twilio_event("Body=h\x9b\u00fci"), None)
    body = json.loads(only(stack).look())["content"]["body"]
    assert body.encode(errors="surrogateescape") == "Body=h\x9b\u00fci".encode()
    proven = Proven(
        sender="AC1",
        received_at=NOW,
        request=WebhookRequest(path="/", query="", headers={}, body=b"\xff\0", domain_name=""),
    )
    assert Proven.from_parked(json.loads(json.dumps(proven.to_parked()))) == proven


def test_nobody_outside_can_replay(functions: list[ModuleType]) -> None:
    forged = twilio_event(json.dumps({"replay": {}}), token="not Twilio's")
    assert functions[0].lambda_handler(forged, None)["statusCode"] == 403


# ---- mail


def test_a_poisoned_mail_is_listed_looked_at_and_replayed(
    functions: list[ModuleType], make: Callable[..., tuple[int, str]], stack: Hub
) -> None:
    stack.client("s3").put_object(Bucket="mail", Key="inbound/ses 1", Body=mail())
    body = {"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": "inbound/ses+1"}}}]}
    send(stack, "MailDeadLetterQueueUrl", body)
    item = only(stack)
    assert (item.channel, item.reason) == ("mail", "tried in vain; see the log")
    assert item.id in make()[1]
    assert "ana@example.org" in make(item.id)[1]

    assert make("--replay", item.id)[0] == 0

    (queued,) = stack.client("sqs").receive_message(QueueUrl=stack.outputs["MailQueueUrl"])[
        "Messages"
    ]
    batch = [{"messageId": "1", "eventSource": "aws:sqs", "body": queued["Body"]}]
    functions[2].lambda_handler({"Records": batch}, SimpleNamespace())
    assert messages(functions[0].table(), ANA) == 1
    assert make() == (0, "Nothing is parked.\n")


def test_what_a_mail_was_is_said_when_it_is_gone(stack: Hub) -> None:
    body = {"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": "inbound/no"}}}]}
    send(stack, "MailDeadLetterQueueUrl", body)
    assert "did not give the mail" in only(stack).look()


def test_looking_takes_nothing_off_a_queue(stack: Hub) -> None:
    send(stack, "MailDeadLetterQueueUrl", {})
    assert only(stack).id == only(stack).id


def send(stack: Hub, queue: str, body: Any) -> None:
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=stack.outputs[queue], MessageBody=json.dumps(body))


# ---- events


@pytest.fixture
def change(hub: Any) -> dict[str, Any]:
    """A stream record that announces something."""
    hub.receive(sms())
    return next(record(item) for item in written(hub.table) if item["type"] == "entry")


def park(stack: Hub, change: dict[str, Any]) -> str:
    """Its id."""
    item_id = f"events/{sequence(change)}"
    Parking(lambda: stack.client("s3"), BUCKET).park(item_id, change, "unreadable: KeyError")
    return item_id


def test_a_poisoned_event_is_listed_looked_at_and_replayed(
    make: Callable[..., tuple[int, str]], stack: Hub, change: dict[str, Any]
) -> None:
    item_id = park(stack, change)
    shown = make()[1].splitlines()[1]
    assert shown.split()[2:] == ["events", "unreadable:", "KeyError", item_id]
    assert "NewImage" in make(item_id)[1]
    assert make("--replay", item_id)[0] == 0
    assert make() == (0, "Nothing is parked.\n")


def test_an_event_that_still_cannot_be_made_stays(
    make: Callable[..., tuple[int, str]], stack: Hub, change: dict[str, Any]
) -> None:
    del change["dynamodb"]["NewImage"]["id"]
    item_id = park(stack, change)
    assert make("--replay", "--all")[0] == 1
    assert only(stack).id == item_id


def test_an_event_stays_while_the_bus_does_not_answer(
    stack: Hub, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise UnavailableError("the bus is down")

    item_id = park(stack, change)
    monkeypatch.setattr("shared.providers.eventbridge.Bus.publish", down)
    assert only(stack).replay() == "the bus is down"
    assert only(stack).id == item_id


def test_an_event_that_missed_its_queue_goes_on_the_bus_again(
    make: Callable[..., tuple[int, str]], stack: Hub
) -> None:
    event = {"source": "throughline", "detail-type": "EntryRecorded", "detail": {"a": 1}}
    send(stack, "RulesDeadLetterQueueUrl", event)
    send(stack, "RulesDeadLetterQueueUrl", {"no": "event"})
    code, said = make("--replay", "--all")
    assert (code, said.count(": replayed"), said.count("it is no event")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"batchItemFailures": []}, ""),
        ({"batchItemFailures": [{"itemIdentifier": "1"}]}, "the function did not take all of it"),
        (None, "the function failed: ZeroDivisionError"),
    ],
)
def test_a_batch_of_the_stream_goes_to_its_function_again(
    stack: Hub, monkeypatch: pytest.MonkeyPatch, answer: Any, failed: str
) -> None:
    stored = {
        "requestContext": {"functionArn": "publish_events", "condition": "RecordAgeExceeded"},
        "payload": '{"Records": []}',
    }
    key = "aws/lambda/1/shard/2026/11/22/x"
    stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(stored))
    handler = importlib.import_module("functions.publish_events.handler")
    monkeypatch.setattr(handler, "lambda_handler", lambda *_: answer or 1 / 0)
    item = only(stack)
    assert (item.id, item.channel, item.reason) == (key, "stream", "RecordAgeExceeded")
    assert item.replay() == failed
    with command.kept(stack) as left:
        assert len(left) == bool(failed)


# ---- the command


def test_what_strangers_wrote_cannot_steer_the_terminal() -> None:
    assert (
        command.harmless("a\x1b[2J\x9b\ud800é\n")
        == "a\N{REPLACEMENT CHARACTER}[2J" + ("\N{REPLACEMENT CHARACTER}" * 2) + "é\n"
    )


def test_what_is_not_there_is_said(make: Callable[..., tuple[int, str]]) -> None:
    assert make("sms/none")[0] == 1
    for words in ([], ["sms/none", "--all"]):
        with pytest.raises(SystemExit):
            make("--replay", *words)


def test_without_a_hub_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="make run"):
        command.where("", tmp_path)


def test_every_queue_and_function_is_found_in_the_outputs() -> None:
    outputs = TEMPLATE["Outputs"]
    sources = set(QUEUES) - DEAD_LETTER_QUEUES
    assert {f"{name}Url" for name in QUEUES} <= set(outputs)
    assert {name.replace("Queue", "DeadLetterQueue") for name in sources} < DEAD_LETTER_QUEUES
    assert DEAD_LETTER_QUEUES - {n.replace("Queue", "DeadLetterQueue") for n in sources} == {
        "RulesDeadLetterQueue"
    }

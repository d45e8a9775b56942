"""The functions behind queues: each message on its own, ids in the logs and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import boto3
import pytest

from functions.assign_agent import handler as assign_agent
from functions.deliver_message import courier
from functions.deliver_message import handler as deliver_message
from functions.deliver_message.notices import read_notice
from functions.fetch_media import handler as fetch_media
from functions.notify_customer import handler as notify_customer
from functions.receipts_email import handler as receipts_email
from functions.sweep import handler as sweep
from shared.model.conversation import State
from shared.model.due import Due
from shared.model.entry import Attachment, Channel
from shared.model.errors import MalformedMessageError, RejectedError
from shared.model.events import detail
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import Refused
from shared.providers import chat as chat_provider
from shared.providers import ses, twilio
from shared.providers.ses.tags import to_tags
from shared.runtime import clients, secrets
from shared.runtime.secrets import signing_keys
from shared.store import agents, conversations, due, entries, receipts
from shared.store.bodies import Bodies
from shared.store.stream import announced
from shared.store.table import Table
from tests import loopback
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, later, mail, sms
from tests.conftest import REGION
from tests.deployment import deploy
from tests.loopback import Reply
from tests.outbound import Office, key_of
from tests.streams import record, written

MORE = {
    "ASSIGNEE_RESPONSE_SECONDS": "900",
    "SMS_SENDER": "+15005550006",
    "WHATSAPP_SENDER": "+15005550007",
    "MAIL_SENDER": "support@in.example.com",
    "MAIL_DOMAIN": "in.example.com",
    "MAIL_BUCKET": "mails",
    "SES_CONFIGURATION_SET": "throughline",
    "TWILIO_API_URL": "https://api.twilio.com",
    "TIME_ZONE": "UTC",
    "COUNTRIES": "",
    "NOTIFICATIONS_PER_HOUR": "5",
    "TEXTS_PER_BLOCK": "100",
}


@dataclass
class Context:
    """What Lambda tells of an invocation."""

    left: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left


@pytest.fixture
def office(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """The product as deployed, in fresh containers."""
    modules = (clients, assign_agent, courier, notify_customer, receipts_email, sweep)
    forget(*modules)
    deploy(monkeypatch)
    sqs = boto3.client("sqs", region_name=REGION)
    urls = {
        f"{name}_QUEUE_URL": sqs.create_queue(QueueName=name.lower())["QueueUrl"]
        for name in ("DELIVER", "NOTIFY")
    }
    for name, value in {**MORE, **urls}.items():
        monkeypatch.setenv(name, value)
    key = signing_keys("keys").identity_key
    yield Office(Table(table._client, table.name, key), bodies)
    forget(*modules)


def forget(*modules: ModuleType) -> None:
    for module in modules:
        for member in vars(module).values():
            if hasattr(member, "cache_clear"):
                member.cache_clear()
    for reader in vars(secrets).values():
        if isinstance(reader, secrets.Kept):
            reader.forget()


def batch(*bodies: object) -> dict[str, Any]:
    """A batch as SQS hands it over; texts as they are, all else as JSON."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": "handle",
                "body": body if isinstance(body, str) else json.dumps(body),
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def failures(answer: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def event_of(office: Office, item_id: str) -> dict[str, Any]:
    """An entry's or a conversation's event as the bus hands it to a queue."""
    for item in written(office.table):
        if item["type"] in ("entry", "conversation") and item["id"] == item_id:
            (event,) = announced(record(item))
            return {
                "version": "0",
                "id": "1",
                "detail-type": event.metadata.type,
                "source": "throughline",
                "detail": detail(event),
            }
    raise LookupError(item_id)


# ---- fetch_media


def test_the_files_of_a_message_are_fetched_and_given_up_on_the_last_try(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
    files = [Attachment(name="a.jpg", media_type="image/jpeg", source_url=url) for _ in range(2)]
    entry = office.hub.receive(sms(attachments=tuple(files))).entry
    assert entry
    event = batch(event_of(office, entry.id))
    replies = [Reply(404), Reply(404), Reply(200, b"JPEG")]
    with loopback.provider(replies.pop) as served:
        monkeypatch.setenv("TWILIO_API_URL", served.url)
        first = fetch_media.lambda_handler(received(event, 1), Context())  # type: ignore[arg-type]
        last = fetch_media.lambda_handler(received(event, 5), Context())  # type: ignore[arg-type]
    assert (failures(first), failures(last)) == (["m-0"], [])
    kept = entries.get(office.table, entry.home, entry.occurred_at, entry.id).attachments
    assert [(bool(it.object_key), it.size_bytes, it.source_url) for it in kept] == [
        (True, 4, ""),
        (False, 0, ""),
    ]
    assert "MessagesMissingFiles" in capsys.readouterr().out


def received(event: dict[str, Any], times: int) -> dict[str, Any]:
    """A batch as it comes for the nth time."""
    counted = {"ApproximateReceiveCount": str(times)}
    return {"Records": [{**record, "attributes": counted} for record in event["Records"]]}


def test_an_event_that_names_no_entry_is_refused() -> None:
    for body in ("{}", "[]", '{"detail": {"occurred_at": "noon"}}', "7"):
        with pytest.raises(MalformedMessageError):
            fetch_media.read_place(body)


# ---- deliver_message


@pytest.fixture
def recording(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The office whose provider stands in for all of them."""
    monkeypatch.setattr(courier, "outlet", office.outlet)
    return office


def test_a_batch_is_handed_out_message_by_message(recording: Office) -> None:
    sent = recording.answer(recording.hub.receive(sms()).contact_id)
    event = event_of(recording, sent.entry.id)
    lost = {"home": "ctc_1", "at": "2026-11-20T12:00:00.000Z", "entry": "ent_1"}
    answer = deliver_message.lambda_handler(
        batch(lost, event, event, "not JSON"),
        Context(),  # type: ignore[arg-type]
    )
    assert failures(answer) == ["m-0", "m-3"]
    assert len(recording.provider.sent) == 1
    assert recording.receipt(key_of(sent)).state is ReceiptState.ACCEPTED


def test_a_message_stays_on_the_queue_when_the_function_is_about_to_end(recording: Office) -> None:
    sent = recording.answer(recording.hub.receive(sms()).contact_id)
    event = event_of(recording, sent.entry.id)
    answer = deliver_message.lambda_handler(batch(event), Context(left=9_000))  # type: ignore[arg-type]
    assert failures(answer) == ["m-0"]
    assert recording.provider.sent == []


def test_what_did_not_reach_anybody_is_counted_and_logged_by_ids_alone(
    recording: Office, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    contact = recording.hub.receive(sms()).contact_id
    sent = recording.answer(contact, "nobody else's business")
    recording.provider.answers = [Refused("21211", final=True)]
    deliver_message.lambda_handler(batch(event_of(recording, sent.entry.id)), Context())  # type: ignore[arg-type]
    metrics, logged = capsys.readouterr().out, str([vars(line) for line in caplog.records])
    assert "MessagesFailed" in metrics
    assert sent.entry.id in logged
    said = metrics + logged
    assert "business" not in said
    assert ANA_PHONE.value not in said


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", '{"home": "ctc_1", "at": "noon", "entry": "ent_1"}', '{"detail": {}}', "7"],
)
def test_a_notice_that_names_no_message_is_refused(body: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_notice(body)


def test_each_channel_leaves_by_its_provider(office: Office) -> None:
    key = ReceiptKey(home="ctc_1", at=office.now, entry_id="ent_1")
    text, mailed, chatted = map(courier.outlet, (Channel.SMS, Channel.EMAIL, Channel.CHAT))
    assert isinstance(text.sender, twilio.TwilioSender)
    assert (text.provider, text.senders) == ("twilio", ("+15005550006",))
    assert courier.outlet(Channel.WHATSAPP).senders == ("+15005550007",)
    assert text.status_url(key).endswith("/ctc_1/2026-11-20T12:00:00.000Z/ent_1")
    assert isinstance(mailed.sender, ses.SesSender)
    assert (mailed.provider, mailed.senders) == ("ses", ("support@in.example.com",))
    assert mailed.status_url(key) == ""
    assert isinstance(chatted.sender, chat_provider.ChatSender)
    assert (chatted.provider, chatted.idempotent) == ("chat", True)
    assert not text.idempotent
    assert not mailed.idempotent
    with pytest.raises(RejectedError):
        courier.outlet(Channel.VOICE)


# ---- notify_customer


def request(event: dict[str, Any], **constants: Any) -> dict[str, Any]:
    return {
        "rule": "agent-answered",
        "template": "agent-answered",
        "purpose": "transactional",
        "ladder": ["sms"],
        "wait_seconds": 600,
        "debounce_seconds": 0,
        "urgent": False,
        "event": event,
        **constants,
    }


def test_a_request_becomes_an_entry_once_and_a_broken_one_comes_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.wait(hours=8)  # noon, where Ana is
    monkeypatch.setattr(notify_customer, "now", lambda offset: office.now)
    contact = office.hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    mailed = office.hub.receive(mail())
    answer = office.answer(contact, conversation_id=mailed.conversation_id)
    good = request(event_of(office, answer.entry.id))
    bad = request(event_of(office, answer.entry.id), ladder=["pigeon"])
    stopped = request(event_of(office, mailed.entry_id), rule="other")
    stopped["event"]["detail"]["automatic"] = True
    result = notify_customer.lambda_handler(batch(good, bad, good, stopped), Context())  # type: ignore[arg-type]
    assert failures(result) == ["m-1"]
    assert texts_sent(office) == 1
    lines = capsys.readouterr().out.splitlines()
    (counted,) = [json.loads(line) for line in lines if "NotificationsStopped" in line]
    assert (counted["rule"], counted["reason"]) == ("other", "loop")


def test_what_waits_a_short_time_is_looked_at_just_when_it_is_due(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sweep's own words; the sweep comes once a minute, and in case this gets lost."""
    office.wait(hours=8)
    monkeypatch.setattr(notify_customer, "now", lambda offset: office.now)
    contact = office.hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    mailed = office.hub.receive(mail())
    answer = office.answer(contact, conversation_id=mailed.conversation_id)
    asked = request(event_of(office, answer.entry.id), debounce_seconds=1)
    notify_customer.lambda_handler(batch(asked), Context())  # type: ignore[arg-type]
    assert texts_sent(office) == 0
    office.wait(seconds=1)
    sweep_at(office, monkeypatch)
    by_sweep, by_delay = waking(), waking()
    assert by_sweep == by_delay
    answered = notify_customer.lambda_handler(batch(by_sweep, by_delay), Context())  # type: ignore[arg-type]
    assert failures(answered) == []
    assert texts_sent(office) == 1


def texts_sent(office: Office) -> int:
    entries = [item for item in written(office.table) if item["type"] == "entry"]
    told = [item["channel"] for item in entries if item["kind"] == "notification"]
    return told.count("sms")


def sweep_at(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "now", lambda offset: office.now)
    sweep.lambda_handler({}, Context())  # type: ignore[arg-type]


def waking() -> str:
    """The next message of notify_customer's own queue."""
    queue = boto3.client("sqs", region_name=REGION)
    url = queue.get_queue_url(QueueName="notify")["QueueUrl"]
    (message,) = queue.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
    return str(message["Body"])


def test_a_message_that_failed_is_read_off_the_same_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = office.answer(office.hub.receive(sms()).contact_id)
    event = event_of(office, sent.entry.id)
    event["detail-type"] = "ReceiptChanged"
    answered = notify_customer.lambda_handler(batch(event), Context())  # type: ignore[arg-type]
    assert failures(answered) == []


# ---- receipts_email


def ses_event(key: ReceiptKey | None, kind: str, **fields: Any) -> dict[str, Any]:
    tags = {name: [value] for name, value in to_tags(key).items()} if key else {}
    return {
        "eventType": kind,
        "mail": {
            "timestamp": "2026-11-20T12:00:01.000Z",
            "messageId": "id-1",
            "tags": {"ses:configuration-set": ["throughline"], **tags},
        },
        **fields,
    }


def test_mail_events_move_their_receipts_and_foreign_ones_are_only_counted(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_of(office.answer(office.hub.receive(mail()).contact_id))
    office.deliver(key)
    delivered = ses_event(key, "Delivery", delivery={"timestamp": "2026-11-20T12:00:03.000Z"})
    by_sns = {"Type": "Notification", "Message": json.dumps(ses_event(key, "Send"))}
    unknown = ses_event(ReceiptKey(home="c", at=office.now, entry_id="e"), "Delivery")
    unknown["mail"]["messageId"] = "never-sent"
    result = receipts_email.lambda_handler(
        batch(delivered, by_sns, ses_event(None, "Open"), unknown, "{"),
        Context(),  # type: ignore[arg-type]
    )
    assert failures(result) == ["m-3", "m-4"]
    assert office.receipt(key).state is ReceiptState.DELIVERED
    assert "MailEventsIgnored" in capsys.readouterr().out


def test_a_mail_that_left_twice_is_counted(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_of(office.answer(office.hub.receive(mail()).contact_id))
    office.deliver(key)
    other = ses_event(key, "Send")
    other["mail"]["messageId"] = "id-2"
    receipts_email.lambda_handler(batch(other), Context())  # type: ignore[arg-type]
    assert "DoubleSend" in capsys.readouterr().out
    assert receipts.find(office.table, "ses", "id-2") == key


# ---- assign_agent


def test_a_conversation_that_was_opened_goes_to_the_agent_of_the_last_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assign_agent, "now", lambda offset: office.now)
    hub = office.hub
    first = hub.conversation(hub.receive(sms()).conversation_id)
    conversations.change(
        office.table, first, now=office.now, by="ada", assignee="ada", state=State.RESOLVED
    )
    agents.set_available_until(office.table, "ada", later(days=31))
    again = hub.receive(sms("another matter"), now=later(days=30)).conversation_id
    result = assign_agent.lambda_handler(
        batch(event_of(office, again), "{}"),
        Context(),  # type: ignore[arg-type]
    )
    assert failures(result) == ["m-1"]
    assert hub.conversation(again).assignee == "ada"


# ---- sweep


def test_the_sweep_puts_what_is_due_on_the_queue(office: Office) -> None:
    key = ReceiptKey(home="ctc_1", at=office.now, entry_id="ent_1")
    office.table.write(due.put_leg(Due(key=key, at=office.now, revision=1)))
    sweep.lambda_handler({}, Context())  # type: ignore[arg-type]  # what it uses of one
    queue = boto3.client("sqs", region_name=REGION)
    url = queue.get_queue_url(QueueName="deliver")["QueueUrl"]
    (message,) = queue.receive_message(QueueUrl=url)["Messages"]
    assert read_notice(message["Body"]) == key

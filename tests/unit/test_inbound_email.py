"""inbound_email from S3's notification to the table (channels.md §2.8)."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import EndpointConnectionError

from functions.inbound_email import mail as mail_module
from shared.model.entry import Entry
from shared.model.identity import Address, IdentityKind, Trust
from shared.providers.mime.sender import UNKNOWN_SENDER
from shared.rules import reply_tokens
from shared.store import contacts, items
from shared.store.attributes import from_wire
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.deployment import deploy, fresh_containers
from tests.mails import captured, mail, verdicts

MAIL_BUCKET = "mail"
ANA = Address(IdentityKind.EMAIL, "ana@example.org")


@pytest.fixture
def inbound(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    boto3.client("s3").create_bucket(Bucket=MAIL_BUCKET)
    monkeypatch.setenv("MAIL_BUCKET", MAIL_BUCKET)
    monkeypatch.setenv("MAIL_DOMAIN", "in.example.com")
    with fresh_containers("inbound_email") as [handler]:
        mail_module.settings.cache_clear()
        mail_module.table.cache_clear()
        deploy(monkeypatch)
        yield handler


def put(name: str, raw: bytes) -> str:
    key = f"inbound/{name}"
    boto3.client("s3").put_object(Bucket=MAIL_BUCKET, Key=key, Body=raw)
    return key


def notification(*keys: str, bucket: str = MAIL_BUCKET) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}},
            }
            for key in keys
        ]
    }


def deliver(handler: ModuleType, *bodies: Any) -> list[str]:
    """Hand over one batch; the numbers of those that failed."""
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}
        for number, body in enumerate(bodies)
    ]
    response = handler.lambda_handler({"Records": records}, LambdaContext())
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def receive(handler: ModuleType, name: str, raw: bytes) -> None:
    assert deliver(handler, notification(put(name, raw))) == []


def entries() -> list[Entry]:
    scan: Any = boto3.client("dynamodb").scan(TableName="throughline")
    stored = [from_wire(item) for item in scan["Items"]]
    return [items.read_entry(item) for item in stored if item["type"] == "entry"]


def content(key: str) -> bytes:
    body: bytes = boto3.client("s3").get_object(Bucket="content", Key=key)["Body"].read()
    return body


def content_keys() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="content").get("Contents", [])
    return [stored["Key"] for stored in listed]


def test_a_mail_is_on_its_senders_timeline(inbound: ModuleType) -> None:
    receive(inbound, "ses 1+é", mail("Subject: Hello", body="Where is it?"))
    [entry] = entries()
    assert (entry.subject, entry.text, entry.address) == ("Hello", "Where is it?", ANA)
    assert (entry.trust, entry.raw_key) == (Trust.VERIFIED, "inbound/ses 1+é")
    assert entry.provider
    assert entry.provider.id == "ses 1+é"
    identity = contacts.get_identity(mail_module.table(), ANA)
    assert identity
    assert identity.cost_by_channel["email"] > 0


def test_the_same_mail_again_changes_nothing(inbound: ModuleType) -> None:
    key = put("ses1", captured("attachments"))
    assert deliver(inbound, *[notification(key)] * 3) == []
    assert deliver(inbound, notification(key, key)) == []
    assert len(entries()) == 1
    assert len(content_keys()) == 6


def test_a_forged_mail_under_a_genuine_message_id_is_kept_beside_it(inbound: ModuleType) -> None:
    receive(inbound, "ses1", mail("Message-ID: <m@x>", body="genuine"))
    receive(inbound, "ses2", mail("Message-ID: <m@x>", body="forged", top=verdicts(dmarc="fail")))
    assert {entry.text: entry.trust for entry in entries()} == {
        "genuine": Trust.VERIFIED,
        "forged": Trust.CLAIMED,
    }


def test_files_are_stored_before_the_mail_is_recorded(
    inbound: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = mail_module.table()._client

    def down(**_: Any) -> None:
        assert len(content_keys()) == 6
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")

    key = put("ses1", captured("attachments"))
    with monkeypatch.context() as outage:
        outage.setattr(client, "transact_write_items", down)
        assert deliver(inbound, notification(key)) == ["0"]
    assert entries() == []
    assert deliver(inbound, notification(key)) == []
    [entry] = entries()
    assert sorted(file.object_key for file in entry.attachments) == content_keys()
    assert content(entry.attachments[0].object_key) == b"%PDF-1.4\n"


def test_the_keys_of_files_hold_no_name_and_no_path(inbound: ModuleType) -> None:
    receive(inbound, "ses1", captured("attachments"))
    keys = content_keys()
    assert all(key.startswith("attachments/att_") and len(key) == 48 for key in keys)
    stored = boto3.client("s3").head_object(
        Bucket="content", Key=entries()[0].attachments[0].object_key
    )
    assert stored["ContentType"] == "application/pdf"
    assert stored["ContentDisposition"] == "attachment; filename*=UTF-8''passwd.pdf"


def test_mail_without_a_readable_sender_is_on_the_unknown_senders_timeline(
    inbound: ModuleType,
) -> None:
    for number, header in enumerate(
        [None, "From: <>", "From: Team: a@b.c;", "From: a@b.c\r\nFrom: d@e.f"]
    ):
        receive(inbound, f"ses{number}", mail(sender=header))
    found = entries()
    assert {entry.address for entry in found} == {UNKNOWN_SENDER}
    assert {entry.trust for entry in found} == {Trust.CLAIMED}
    assert len({entry.home for entry in found}) == 1


def test_an_answer_is_found_by_its_token_and_by_either_message_id(inbound: ModuleType) -> None:
    receive(inbound, "ses1", mail("Subject: One", "Message-ID: <m1@example.org>"))
    conversation = entries()[0].conversation_id
    token = reply_tokens.make({"k1": b"a key for tests"}, conversation).upper()
    by_token = verdicts(recipient=f"support+{token}@in.example.com")
    receive(inbound, "ses2", mail("Subject: Two", top=by_token))
    receive(inbound, "ses3", mail("Subject: Three", "References: <m1@example.org> <m9@x>"))
    tampered = verdicts(recipient=f"support+{token[:-1]}0@in.example.com")
    receive(inbound, "ses4", mail("Subject: Four", top=tampered))
    where = {entry.subject: entry.conversation_id for entry in entries()}
    assert where["One"] == where["Two"] == where["Three"] == conversation
    assert where["Four"] != conversation


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": MAIL_BUCKET},
        notification("inbound/AMAZON_SES_SETUP_NOTIFICATION"),
    ],
)
def test_what_aws_puts_there_to_try_it_is_no_mail(inbound: ModuleType, body: Any) -> None:
    assert deliver(inbound, body) == []
    assert entries() == []


@pytest.mark.parametrize(
    "body",
    [
        notification("inbound/ses1", bucket="another"),
        notification("inbound/not-there"),
        {"Records": [{"s3": {}}]},
        {"Records": "x"},
        {"Records": [{"s3": {"bucket": {"name": MAIL_BUCKET}, "object": {"key": "\ud83d"}}}]},
        {"detail": {}},
        ["x"],
    ],
)
def test_what_cannot_be_read_fails_alone(
    inbound: ModuleType, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    key = put("ses1", mail())
    assert deliver(inbound, body, notification(key)) == ["0"]
    assert len(entries()) == 1
    assert [record.message for record in caplog.records] == [
        "mail not recorded",
        "MessagesRecorded",
    ]


def test_nothing_that_was_written_is_logged(
    inbound: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    receive(inbound, "ses1", captured("gmail_reply_en"))
    receive(inbound, "ses2", b"\xff broken")
    logged = str([vars(record) for record in caplog.records])
    assert "MessagesRecorded" in logged
    for written in ("ana.lima", "order 1001", "Ana", "broken"):
        assert written not in logged


@pytest.mark.parametrize(
    "name", ["newsletter", "out_of_office", "bounce", "winmail", "calendar_only", "virus"]
)
def test_every_captured_mail_is_recorded(inbound: ModuleType, name: str) -> None:
    receive(inbound, "ses1", captured(name))
    [entry] = entries()
    assert entry.automatic is (name in {"newsletter", "out_of_office", "bounce"})


def test_the_machines_clock_shifts_when_a_mail_was_received(
    inbound: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(inbound, "ses1", mail())
    monkeypatch.setenv("CLOCK_OFFSET", "+8h")
    mail_module.settings.cache_clear()
    receive(inbound, "ses2", mail())
    first, second = sorted(entry.received_at for entry in entries())
    assert 7.9 * 3600 < (second - first).total_seconds() < 8.1 * 3600


def test_one_mail_to_two_of_our_addresses_is_one_entry(inbound: ModuleType) -> None:
    for name in ("support", "sales"):
        top = verdicts(recipient=f"{name}@in.example.com")
        receive(inbound, f"ses-{name}", mail("Message-ID: <m@x>", "Subject: Once", top=top))
    receive(inbound, "ses-other", mail("Message-ID: <m@x>", "Subject: Once", body="not the same"))
    assert [entry.text for entry in entries()].count("hello") == 1
    assert len(entries()) == 2

"""inbound_sms from the gateway's event to the table (channels.md §1.7)."""

import socket
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from shared.model.identity import Address, IdentityKind
from shared.runtime import clients
from shared.runtime.telemetry import logger
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.deployment import deploy, fresh_containers
from tests.webhooks import BASE, MESSAGES, Event, form_body, http_event, twilio_event

PHONE = Address(IdentityKind.PHONE, "+14155550123")


@pytest.fixture
def inbound(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with fresh_containers("inbound_sms") as [handler]:
        deploy(monkeypatch)
        yield handler


def post(handler: ModuleType, event: Event) -> Any:
    return handler.lambda_handler(event, None)


def items() -> int:
    scan: int = boto3.client("dynamodb").scan(TableName="throughline")["Count"]
    return scan


def test_a_stop_is_kept_and_not_answered_for_the_carrier_does(inbound: ModuleType) -> None:
    service = "MG0123456789abcdef0123456789abcdef"
    body = form_body("sms", Body="Bitte nicht", OptOutType="STOP", MessagingServiceSid=service)
    response = post(inbound, twilio_event(body))
    assert ElementTree.fromstring(response["body"]).findall("*") == []
    identity = contacts.get_identity(inbound.table(), PHONE)
    assert identity
    assert identity.consent == {"text:*": "stopped"}
    assert identity.blocked_senders == {"+15005550006", service}


def test_a_signed_text_is_on_the_timeline_and_nothing_is_answered(inbound: ModuleType) -> None:
    response = post(inbound, twilio_event(form_body("sms")))
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "text/xml")
    assert response["headers"]["x-request-id"]
    assert list(ElementTree.fromstring(response["body"])) == []
    identity = contacts.get_identity(inbound.table(), PHONE)
    assert identity
    assert (identity.messages, identity.cost_by_channel) == (1, {"sms": 8_310})


@pytest.mark.parametrize("again", [True, False])
def test_the_same_webhook_again_changes_nothing(inbound: ModuleType, again: bool) -> None:
    post(inbound, twilio_event(form_body("sms")))
    before = items()
    response = post(inbound, twilio_event(form_body("sms"), encoded=again))
    assert (response["statusCode"], items()) == (200, before)


def test_two_texts_alike_are_two_on_one_timeline(inbound: ModuleType) -> None:
    for sid in ("SM1", "SM2"):
        post(inbound, twilio_event(form_body("sms", MessageSid=sid)))
    identity = contacts.get_identity(inbound.table(), PHONE)
    assert identity
    assert identity.messages == 2
    contact = contacts.get_contact(inbound.table(), identity.home)
    assert len(contact.conversations) == 1


@pytest.mark.parametrize("name", ["mms", "stop", "whatsapp_number", "whatsapp_bsuid"])
def test_every_captured_message_is_recorded(inbound: ModuleType, name: str) -> None:
    assert post(inbound, twilio_event(form_body(name)))["statusCode"] == 200
    assert items() > 0


@pytest.mark.parametrize("signature", [None, "", "x", "é"])
def test_an_unproven_text_is_refused_counted_and_not_stored(
    inbound: ModuleType, signature: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {} if signature is None else {"x-twilio-signature": signature}
    response = post(inbound, http_event(form_body("sms"), headers=headers))
    assert (response["statusCode"], items()) == (403, 0)
    assert response["headers"]["content-type"] == "application/problem+json"
    printed = capsys.readouterr().out
    assert '"RejectedSignatures":[1.0]' in printed
    assert "order" not in printed
    assert "4155550123" not in printed


def test_a_stranger_is_refused_before_any_secret_is_read(
    inbound: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "settings", lambda: pytest.fail("the settings were read"))
    assert post(inbound, http_event(form_body("sms")))["statusCode"] == 403
    too_large = http_event(b"x" * 300_000, headers={"x-twilio-signature": "x"})
    assert post(inbound, too_large)["statusCode"] == 413


@pytest.mark.parametrize(
    "body", ["Body=hi", "MessageSid=SM1", "MessageSid=%00&From=%2B14155550123"]
)
def test_a_signed_form_that_is_no_message_is_parked_and_nothing_is_answered(
    inbound: ModuleType, body: str
) -> None:
    response = post(inbound, twilio_event(body))
    assert (response["statusCode"], response["body"]) == (200, "<Response/>")
    assert (items(), len(parked())) == (0, 1)


def parked() -> list[str]:
    """The keys of what is parked."""
    listed = boto3.client("s3").list_objects_v2(Bucket="content", Prefix="parked/sms/")
    return [it["Key"] for it in listed.get("Contents", [])]


@pytest.mark.parametrize(("missing", "expected"), [("twilio", (503, 0, 0)), ("keys", (200, 0, 1))])
def test_without_secrets_it_is_parked_and_unproven_it_is_to_come_again(
    table: Table,
    bodies: Bodies,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    expected: tuple[int, int, int],
) -> None:
    with fresh_containers("inbound_sms") as [handler]:
        deploy(monkeypatch, **{missing: None})
        response = post(handler, twilio_event(form_body("sms")))
    assert (response["statusCode"], items(), len(parked())) == expected


def test_a_table_that_hangs_is_given_up_and_the_message_parked(
    inbound: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Config(read_timeout=0.05, retries={"mode": "standard", "total_max_attempts": 3})
    monkeypatch.setattr(clients, "_config", lambda **_: quick)
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # it takes calls and answers none
        url = f"http://127.0.0.1:{hangs.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        began = time.monotonic()
        response = post(inbound, twilio_event(form_body("sms")))
    assert time.monotonic() - began < 10
    assert (response["statusCode"], len(parked())) == (200, 1)
    assert inbound.table()._client.meta.endpoint_url == url


def test_when_the_table_is_down_it_is_parked_once_however_often_it_comes(
    inbound: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = inbound.table()._client

    def down(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")

    monkeypatch.setattr(client, "transact_write_items", down)
    answers = [post(inbound, twilio_event(form_body("sms"))) for _ in range(2)]
    assert ([each["body"] for each in answers], len(parked())) == (["<Response/>"] * 2, 1)
    monkeypatch.undo()


def test_what_can_be_neither_recorded_nor_parked_comes_again(inbound: ModuleType) -> None:
    boto3.client("s3").delete_bucket(Bucket="content")
    assert post(inbound, twilio_event("Body=hi"))["statusCode"] == 503


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_probe_is_answered(inbound: ModuleType, method: str) -> None:
    event = http_event()
    event["requestContext"]["http"]["method"] = method
    assert post(inbound, event)["statusCode"] == 405


def test_the_log_names_the_entry_and_nobody(
    inbound: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    post(inbound, twilio_event(form_body("sms")))
    [record] = [record for record in caplog.records if record.name == "test"]
    line = logger().registered_formatter.format(record)
    assert '"message":"MessagesRecorded"' in line
    assert '"entry_id":"ent_' in line
    assert '"channel":"sms"' in line
    assert http_event()["requestContext"]["requestId"] in line
    for secret in ("order", "4155550123", "SAN"):
        assert secret not in line


def test_a_url_of_another_stage_is_refused(inbound: ModuleType) -> None:
    event = twilio_event(form_body("sms"), url=f"{BASE}/other{MESSAGES}")
    assert post(inbound, event)["statusCode"] == 403

"""Reports on our messages, from the gateway's event to the receipt."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from shared.model.entry import Author, AuthorType, Channel
from shared.model.events import Change
from shared.model.receipt import Receipt, ReceiptKey
from shared.model.recording import Marker
from shared.providers.twilio import status_url
from shared.send import SendRequest, send
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import NOW, chat, price, sms
from tests.deployment import deploy, fresh_containers
from tests.hub import Hub
from tests.webhooks import BASE, chat_event, form_body, twilio_event

SID = "SM66666666666666666666666666666666"


@pytest.fixture
def functions(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[ModuleType]]:
    with fresh_containers("receipts_twilio", "inbound_chat") as handlers:
        deploy(monkeypatch)
        yield handlers


def answered(table: Table, bodies: Bodies, channel: Channel) -> ReceiptKey:
    """Somebody wrote, and an agent's answer waits to be sent."""
    hub = Hub(table, bodies)
    recorded = hub.receive(chat() if channel is Channel.CHAT else sms())
    sent = send(
        SendRequest(
            contact_id=recorded.contact_id,
            author=Author(AuthorType.AGENT, "agent"),
            marker=Marker(provider="api", id="1"),
            change=Change(events=("EntryRecorded",), cause="api", correlation="1"),
            text="It left today.",
        ),
        table=table,
        bodies=bodies,
        now=NOW,
        price=lambda entry: price(sms()),
        mail_domain="in.example.com",
    )
    entry = sent.entry
    return ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id)


def report(handler: ModuleType, key: ReceiptKey, name: str, **changes: str) -> int:
    url = status_url(BASE, key)
    path = url.removeprefix(BASE)
    event = twilio_event(form_body(name, **changes), url=url, path=path)
    home, at, entry = path.split("/")[-3:]
    event["pathParameters"] = {"home": home, "at": at, "entry": entry}
    status: int = handler.lambda_handler(event, None)["statusCode"]
    return status


def receipt(table: Table, key: ReceiptKey) -> Receipt:
    found = receipts.get_receipt(table, key)
    assert found
    return found


def test_callbacks_in_any_order_end_with_the_furthest(
    functions: list[ModuleType], table: Table, bodies: Bodies
) -> None:
    key = answered(table, bodies, Channel.SMS)
    for name in ("status_delivered", "status_sent", "status_delivered"):
        assert report(functions[0], key, name) == 204
    assert report(functions[0], key, "status_sent", MessageStatus="queued") == 204
    found = receipt(table, key)
    assert (found.state, found.provider_id) == ("delivered", SID)
    assert {"accepted", "sent", "delivered"} <= set(found.steps)


def test_the_reason_of_a_failure_survives_a_repeat_without_it(
    functions: list[ModuleType], table: Table, bodies: Bodies
) -> None:
    key = answered(table, bodies, Channel.SMS)
    report(functions[0], key, "status_failed")
    report(functions[0], key, "status_failed", ErrorCode="")
    found = receipt(table, key)
    assert (found.state, found.error) == ("failed", "30007")


def test_a_message_that_left_under_two_ids_is_counted(
    functions: list[ModuleType],
    table: Table,
    bodies: Bodies,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = answered(table, bodies, Channel.SMS)
    report(functions[0], key, "status_sent")
    report(functions[0], key, "status_sent", MessageSid="SM7")
    assert '"DoubleSend":[1.0]' in capsys.readouterr().out
    assert receipt(table, key).provider_id == SID


def test_a_signed_callback_cannot_be_sent_to_another_receipt(
    functions: list[ModuleType], table: Table, bodies: Bodies
) -> None:
    key = answered(table, bodies, Channel.SMS)
    event: dict[str, Any] = twilio_event(
        form_body("status_delivered"), url=status_url(BASE, key), path="/webhooks/twilio/status/x"
    )
    assert functions[0].lambda_handler(event, None)["statusCode"] == 403
    assert receipt(table, key).state == "queued"


def test_a_callback_for_no_message_of_ours_is_not_found(functions: list[ModuleType]) -> None:
    key = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
    assert report(functions[0], key, "status_sent") == 404


def test_a_site_reports_by_the_entrys_id(
    functions: list[ModuleType], table: Table, bodies: Bodies
) -> None:
    key = answered(table, bodies, Channel.CHAT)
    entry, _ = receipts.get(table, key)
    receipts.point(table, entry, "chat", entry.id)
    for kind in ("message.read", "message.delivered"):
        event = chat_event({"type": kind, "data": {"entry": entry.id}})
        assert functions[1].lambda_handler(event, None)["statusCode"] == 204
    assert receipt(table, key).state == "read"


def test_a_report_on_no_message_of_ours_is_not_found(functions: list[ModuleType]) -> None:
    event = chat_event({"type": "message.read", "data": {"entry": "ent_1"}})
    assert functions[1].lambda_handler(event, None)["statusCode"] == 404

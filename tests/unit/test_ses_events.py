"""What SES says became of a mail."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import MalformedMessageError
from shared.model.receipt import ReceiptKey
from shared.model.sending import StatusReport
from shared.providers.ses import parse_event
from shared.providers.ses.tags import from_tags, to_tags

EVENTS = Path(__file__).parent.parent / "events" / "ses"
SES_ID = "0100019a9f0c2b1e-1f2e3d4c-5b6a-7988-96a5-b4c3d2e1f0aa-000000"
KEY = ReceiptKey(
    home="ctc_01JD3Y0C9RK6W3M5Q7T8V9X2ZA",
    at=datetime(2026, 11, 20, 9, 15, 3, 123000, tzinfo=UTC),
    entry_id="ent_01JD3Y0C9RK6W3M5Q7T8V9X2ZB",
)


def event(name: str, **changes: Any) -> dict[str, Any]:
    captured: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return captured | changes


@pytest.mark.parametrize(
    ("name", "state", "error", "second"),
    [
        ("send", "accepted", "", 3),
        ("delivery", "delivered", "", 5),
        ("delivery_delay", "delayed", "TransientCommunicationFailure", 6),
        ("bounce_permanent", "bounced", "Permanent/General", 7),
        ("bounce_transient", "undelivered", "Transient/MailboxFull", 7),
        ("complaint", "complained", "abuse", 8),
        ("reject", "failed", "Bad content", 3),
    ],
)
def test_every_event_is_a_step_of_the_receipt_its_tags_name(
    name: str, state: str, error: str, second: int
) -> None:
    at = datetime(2026, 11, 20, 9, 15, second, tzinfo=UTC)
    report = StatusReport(
        provider="ses",
        provider_id=SES_ID,
        state=state,
        error=error,
        at=at,
        opted_out=name == "complaint",
    )
    assert parse_event(event(name)) == (KEY, report)


def test_whoever_takes_mail_out_of_the_spam_folder_does_not_complain() -> None:
    kind = {"complaintFeedbackType": "not-spam"}
    parsed = parse_event(event("complaint", complaint=kind))
    assert parsed
    assert not parsed[1].opted_out


def test_an_event_is_read_within_its_notification_too() -> None:
    wrapped = {"Type": "Notification", "Message": json.dumps(event("send"))}
    assert parse_event(wrapped) == parse_event(event("send"))


@pytest.mark.parametrize(
    "notification",
    [
        event("send", eventType="Open"),
        event("send", eventType="SomethingNew"),
        event("send", mail=event("send")["mail"] | {"tags": {}}),
        event("send", mail=event("send")["mail"] | {"tags": {"home": ["x"], "at": ["y"]}}),
        event(
            "send",
            mail=event("send")["mail"]
            | {"tags": {"home": ["\ud83d"], "at": ["1"], "entry": ["ent_1"]}},
        ),
    ],
)
def test_an_event_that_concerns_no_receipt_is_none(notification: dict[str, Any]) -> None:
    assert parse_event(notification) is None


@pytest.mark.parametrize(
    "notification",
    [
        {},
        {"Message": "no json"},
        {"Message": "[]"},
        {"Message": None},
        {"mail": None},
        event("send", mail={"tags": [1]}),
        event("send", mail=event("send")["mail"] | {"timestamp": "yesterday"}),
        event("send", mail=event("send")["mail"] | {"timestamp": "0001-01-01T00:00:00+14:00"}),
        event("send", mail=event("send")["mail"] | {"messageId": ["a list"]}),
        {"Message": "[" * 100_000},
    ],
)
def test_what_is_no_event_is_malformed(notification: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        parse_event(notification)


def test_what_json_can_write_and_utf_8_cannot_is_replaced() -> None:
    parsed = parse_event(event("reject", reject={"reason": "bad \ud83d"}))
    assert parsed
    assert parsed[1].error == "bad ?"


@given(st.integers(946_684_800_000, 4_102_444_800_000))
def test_tags_name_the_receipt_to_the_millisecond(milliseconds: int) -> None:
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    key = ReceiptKey(home="ctc_1", at=at, entry_id="ent_1")
    tags = to_tags(key)
    assert from_tags(tags) == key
    assert all(value.replace("_", "").isalnum() for value in tags.values())

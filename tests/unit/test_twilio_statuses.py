"""What Twilio says became of a message."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.model.errors import MalformedMessageError
from shared.model.receipt import ReceiptKey
from shared.model.sending import StatusReport
from shared.providers.twilio import parse_status, receipt_key, status_url
from tests.webhooks import form

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
KEY = ReceiptKey(
    home="ctc_01JD", at=datetime(2026, 11, 21, 9, 0, 0, 7000, tzinfo=UTC), entry_id="ent_01JD"
)


def test_a_failure_is_reported_with_its_reason() -> None:
    assert parse_status(form("status_failed"), NOW) == StatusReport(
        provider="twilio",
        provider_id="SM66666666666666666666666666666666",
        state="failed",
        error="30007",
        at=NOW,
    )


def test_a_stop_that_only_the_carrier_heard_is_told_with_the_sender_it_blocks() -> None:
    report = parse_status(form("status_failed", ErrorCode="21610"), NOW)
    assert (report.opted_out, report.sender) == (True, "+15005550006")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "undelivered"),
        ("canceled", "canceled"),
    ],
)
def test_twilios_words_become_ours(status: str, state: str) -> None:
    report = parse_status(form("status_sent", MessageStatus=status), NOW)
    assert (report.state, report.error) == (state, "")


@pytest.mark.parametrize("changes", [{"MessageSid": ""}, {"MessageStatus": "teleported"}])
def test_a_callback_that_reports_nothing_is_malformed(changes: dict[str, str]) -> None:
    with pytest.raises(MalformedMessageError):
        parse_status(form("status_sent", **changes), NOW)


def test_a_callback_comes_back_to_the_receipt_it_was_made_for() -> None:
    url = status_url("https://hooks.example.com/prod", KEY)
    assert url == (
        "https://hooks.example.com/prod"
        "/webhooks/twilio/status/ctc_01JD/2026-11-21T09:00:00.007Z/ent_01JD"
    )
    home, at, entry = url.split("/")[-3:]
    assert receipt_key({"home": home, "at": at, "entry": entry}) == KEY
    encoded = {"home": home, "at": at.replace(":", "%3A"), "entry": entry}
    assert receipt_key(encoded) == KEY


def test_a_receipts_time_is_written_in_utc() -> None:
    elsewhere = KEY.at.astimezone(timezone(timedelta(hours=9)))
    key = ReceiptKey(home=KEY.home, at=elsewhere, entry_id=KEY.entry_id)
    assert status_url("", key) == status_url("", KEY)


@pytest.mark.parametrize(
    "at", ["", "yesterday", "2026-11-21T09:00:00", "%", "0001-01-01T00:00:00+14:00"]
)
def test_a_path_that_names_no_receipt_is_malformed(at: str) -> None:
    with pytest.raises(MalformedMessageError):
        receipt_key({"home": "c", "at": at, "entry": "e"})
    with pytest.raises(MalformedMessageError):
        receipt_key({})

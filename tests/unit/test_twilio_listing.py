"""Twilio's own list: what it says it took and received, read to its end or not believed."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.model.entry import Channel, Direction
from shared.model.errors import MalformedMessageError, UnavailableError
from shared.model.identity import Address, IdentityKind, Trust
from shared.providers.twilio import TwilioList, listing
from tests.loopback import Reply, closed_url, provider
from tests.webhooks import ACCOUNT

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
PATH = "/2010-04-01/Accounts/AC1/Messages"
TO, OURS = "+14155550123", "+15005550006"


def row(
    sid: str = "SM1", *, at: datetime = AT, sender: str | None = OURS, **fields: Any
) -> dict[str, Any]:
    """A message as the list shows it."""
    return {
        "sid": sid,
        "from": sender,
        "to": TO,
        "body": "It left today.",
        "direction": "outbound-api",
        "status": "delivered",
        "num_segments": "1",
        "num_media": "0",
        "price": "-0.00830",
        "price_unit": "usd",
        "error_code": None,
        "date_created": format_datetime(at),
        "date_sent": format_datetime(at),
        "date_updated": format_datetime(at + timedelta(seconds=2)),
        **fields,
    }


def page(*rows: dict[str, Any], following: str | None = None) -> Reply:
    return Reply(200, json.dumps({"messages": rows, "next_page_uri": following}).encode())


def replies(*pages: Reply) -> Any:
    """Answers one request after the other."""
    left: Iterator[Reply] = iter(pages)
    return lambda: next(left)


def sent(url: str, since: datetime = AT) -> list[str]:
    listed = TwilioList(ACCOUNT, url).sent_to(Channel.SMS, TO, OURS, since)
    return [message.provider_id for message in listed]


def test_what_left_to_a_number_is_asked_for_by_both_numbers_and_understood() -> None:
    with provider(page(row())) as twilio:
        (message,) = TwilioList(ACCOUNT, twilio.url).sent_to(Channel.SMS, TO, OURS, AT)
    assert (message.provider_id, message.direction, message.state, message.error) == (
        "SM1",
        Direction.OUTBOUND,
        "delivered",
        "",
    )
    assert (message.text, message.created_at) == ("It left today.", AT)
    assert (message.price, message.currency) == ("-0.00830", "USD")
    [request] = twilio.requests
    url = urlsplit(request.path)
    assert url.path == f"{PATH}.json"
    assert parse_qs(url.query) == {"To": [TO], "From": [OURS], "PageSize": ["200"]}
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"AC1:a token for tests"


def test_whatsapp_is_asked_for_by_its_own_addresses() -> None:
    with provider(page()) as twilio:
        TwilioList(ACCOUNT, twilio.url).sent_to(Channel.WHATSAPP, TO, OURS, AT)
    asked = parse_qs(urlsplit(twilio.requests[0].path).query)
    assert (asked["To"], asked["From"]) == ([f"whatsapp:{TO}"], [f"whatsapp:{OURS}"])


def test_the_list_is_read_page_by_page_until_it_is_older_than_asked_for() -> None:
    old = AT - timedelta(seconds=1)
    pages = (
        page(row("SM3"), row("SM2"), following=f"{PATH}.json?Page=1&PageToken=PA1"),
        page(row("SM1"), row("SM0", at=old), following=f"{PATH}.json?Page=2&PageToken=PA2"),
        page(row("SM-1", at=old), following=f"{PATH}.json?Page=3&PageToken=PA3"),
    )
    with provider(replies(*pages)) as twilio:
        assert sent(twilio.url) == ["SM3", "SM2", "SM1"]
    assert [urlsplit(it.path).query for it in twilio.requests[1:]] == [
        "Page=1&PageToken=PA1",
        "Page=2&PageToken=PA2",
    ]


def test_what_they_wrote_to_us_is_not_what_we_sent() -> None:
    with provider(page(row(direction="inbound"))) as twilio:
        assert sent(twilio.url) == []


def test_a_list_without_end_is_not_believed() -> None:
    endless = page(row(), following=f"{PATH}.json?Page=1")
    with provider(endless) as twilio, pytest.raises(UnavailableError):
        sent(twilio.url)
    assert len(twilio.requests) == 5


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=0),
        Reply(503),
        Reply(401, b'{"code": 20003}'),
        Reply(302, headers={"location": "http://127.0.0.1:1"}),
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
        page({"sid": "SM1"}),
        page(row(date_created="yesterday")),
        page(row(date_created=None)),
        page(row(date_created="Fri, 20 Nov 99999999999 09:15:03 +0000")),
        page("no row"),  # type: ignore[arg-type]
        page(row(status=["sent"])),
        Reply(200, b'{"messages": 1}'),
        Reply(200, b"[" * 100_000),
        page(row(), following="https://elsewhere.example.com/list"),
    ],
    ids=str,
)
def test_a_list_that_cannot_be_read_to_its_end_is_unavailable(reply: Reply) -> None:
    with provider(reply) as twilio, pytest.raises(UnavailableError):
        sent(twilio.url)


def test_a_list_that_is_not_reached_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        sent(closed_url())


def test_a_number_has_its_messages_listed_since_a_time() -> None:
    old = AT - timedelta(hours=5)
    rows = [row(s, to=OURS, direction="inbound", at=at) for s, at in (("SM2", AT), ("SM1", old))]
    with provider(page(*rows)) as twilio:
        found = TwilioList(ACCOUNT, twilio.url).received_at(OURS, AT - timedelta(hours=4))
        assert [it.provider_id for it in found] == ["SM2"]
    assert parse_qs(urlsplit(twilio.requests[0].path).query)["To"] == [OURS]


def test_a_day_is_listed_page_by_page() -> None:
    pages = page(row("SM2"), following=f"{PATH}.json?Page=1"), page(row("SM1"))
    with provider(replies(*pages)) as twilio:
        day = TwilioList(ACCOUNT, twilio.url).of_day(date(2026, 11, 21))
        assert [[it.provider_id for it in listed] for listed in day] == [["SM2"], ["SM1"]]
    assert parse_qs(urlsplit(twilio.requests[0].path).query)["DateSent"] == ["2026-11-21"]


def test_a_state_or_price_that_is_not_there_yet_is_nothing() -> None:
    with provider(page(row(status="partially_delivered", price=None, error_code=30003))) as twilio:
        (message,) = TwilioList(ACCOUNT, twilio.url).sent_to(Channel.SMS, TO, OURS, AT)
    assert (message.state, message.price, message.error) == ("", "", "30003")


# ---- a message that never came


def test_a_received_message_is_fetched_as_its_webhook_would_have_brought_it() -> None:
    inbound = row("SM7", sender=TO, to=OURS, direction="inbound", body="did you get this?")
    with provider(Reply(200, json.dumps(inbound).encode())) as twilio:
        message = TwilioList(ACCOUNT, twilio.url).fetch("SM7", AT + timedelta(hours=1))
    assert twilio.requests[0].path == f"{PATH}/SM7.json"
    assert (message.delivery.provider, message.delivery.id) == ("twilio", "SM7")
    assert message.sender == Address(IdentityKind.PHONE, TO)
    assert (message.text, message.recipient, message.trust) == (
        "did you get this?",
        OURS,
        Trust.VERIFIED,
    )
    assert (message.occurred_at, message.evidence) == (AT, "twilio-list")


def test_its_files_are_fetched_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    inbound = row("MM7", sender=TO, to=OURS, direction="inbound", num_media="1")
    media = {"media_list": [{"content_type": "image/png", "uri": f"{PATH}/MM7/Media/ME1.json"}]}
    answers = iter([inbound, media])
    asked = []

    def get(self: TwilioList, url: str, params: object = None) -> Any:
        asked.append(url)
        return next(answers)

    monkeypatch.setattr(listing.TwilioList, "_get", get)
    message = TwilioList(ACCOUNT, "https://api.twilio.com").fetch("MM7", AT)
    assert asked[1] == f"https://api.twilio.com{PATH}/MM7/Media.json"
    assert [(it.media_type, it.source_url) for it in message.attachments] == [
        ("image/png", f"https://api.twilio.com{PATH}/MM7/Media/ME1")
    ]
    assert message.defects == ()


def test_half_of_a_character_loses_no_message() -> None:
    inbound = row("SM7", sender="\ud83d", to=OURS, direction="inbound", body="cut \ud83d")
    with provider(Reply(200, json.dumps(inbound).encode())) as twilio:
        message = TwilioList(ACCOUNT, twilio.url).fetch("SM7", AT)
    assert (message.sender.value, message.text) == ("?", "cut ?")


@pytest.mark.parametrize("media", [1, ["no file"], {"uri": 1}])
def test_files_that_cannot_be_told_apart_are_asked_for_later(media: Any) -> None:
    inbound = row("MM7", sender=TO, to=OURS, direction="inbound", num_media="1")
    answers = (Reply(200, json.dumps(it).encode()) for it in (inbound, {"media_list": media}))
    with provider(replies(*answers)) as twilio, pytest.raises(UnavailableError):
        TwilioList(ACCOUNT, twilio.url).fetch("MM7", AT)


def test_a_message_from_nobody_cannot_be_read() -> None:
    with (
        provider(Reply(200, json.dumps(row("SM7", sender=None)).encode())) as twilio,
        pytest.raises(MalformedMessageError),
    ):
        TwilioList(ACCOUNT, twilio.url).fetch("SM7", AT)

"""Messages out through Twilio: one request, and an honest word on what became of it."""

import base64
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from shared.model.entry import Channel, Template
from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, Unknown
from shared.providers import http
from shared.providers.twilio import TwilioSender
from tests.loopback import Provider, Reply, closed_url, provider
from tests.webhooks import ACCOUNT

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
MESSAGE = OutboundMessage(
    key=ReceiptKey(home="ctc_1", at=AT, entry_id="ent_1"),
    channel=Channel.SMS,
    to=Address(IdentityKind.PHONE, "+14155550123"),
    sender="+15005550006",
    text="It left today. ✈",
    status_url="https://hooks.example.com/webhooks/twilio/status/ctc_1/x/ent_1",
)


def reply(status: int, **content: Any) -> Reply:
    return Reply(status, json.dumps(content).encode())


def send(at: Provider, message: OutboundMessage = MESSAGE) -> SendResult:
    return TwilioSender(ACCOUNT, at.url).send(message)


def test_a_message_is_sent_with_a_validity_and_its_callback() -> None:
    with provider(reply(201, sid="SM1")) as twilio:
        assert send(twilio) == Accepted("SM1")
    [request] = twilio.requests
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert dict(parse_qsl(request.body.decode())) == {
        "To": "+14155550123",
        "From": "+15005550006",
        "Body": "It left today. ✈",
        "ValidityPeriod": "900",
        "StatusCallback": MESSAGE.status_url,
    }
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"AC1:a token for tests"


def test_a_template_is_sent_by_its_name_in_the_place_of_the_text() -> None:
    approved = Template("HX1", {"1": "Zoë"})
    with provider(reply(201, sid="SM1")) as twilio:
        send(twilio, replace(MESSAGE, channel=Channel.WHATSAPP, template=approved))
    sent = dict(parse_qsl(twilio.requests[0].body.decode()))
    assert (sent["ContentSid"], json.loads(sent["ContentVariables"])) == ("HX1", {"1": "Zoë"})
    assert "Body" not in sent


def test_files_are_sent_as_links_ten_at_most() -> None:
    links = tuple(f"https://content.example.com/{number}?signed" for number in range(12))
    with provider(reply(201, sid="SM1")) as twilio:
        send(twilio, replace(MESSAGE, media_urls=links))
    sent = parse_qsl(twilio.requests[0].body.decode())
    assert [value for name, value in sent if name == "MediaUrl"] == list(links[:10])


def test_without_a_callback_none_is_asked_for() -> None:
    with provider(reply(201, sid="SM1")) as twilio:
        send(twilio, replace(MESSAGE, status_url=""))
    assert b"StatusCallback" not in twilio.requests[0].body


def test_an_api_key_is_preferred_to_the_auth_token() -> None:
    account = replace(ACCOUNT, api_key="SK1", api_secret="secret")
    with provider(reply(201, sid="SM1")) as twilio:
        TwilioSender(account, twilio.url).send(MESSAGE)
    authorization = twilio.requests[0].headers["authorization"].split()[1]
    assert base64.b64decode(authorization) == b"SK1:secret"


@pytest.mark.parametrize(
    "to",
    [
        Address(IdentityKind.PHONE, "+14155550123"),
        Address(IdentityKind.WHATSAPP, "US.13491208655302741918"),
    ],
)
def test_whatsapp_addresses_say_so(to: Address) -> None:
    with provider(reply(201, sid="SM1")) as twilio:
        send(twilio, replace(MESSAGE, channel=Channel.WHATSAPP, to=to))
    sent = dict(parse_qsl(twilio.requests[0].body.decode()))
    assert (sent["To"], sent["From"]) == (f"whatsapp:{to.value}", "whatsapp:+15005550006")


def test_a_messaging_service_chooses_its_own_number() -> None:
    with provider(reply(201, sid="SM1")) as twilio:
        send(twilio, replace(MESSAGE, sender="MG0123456789abcdef0123456789abcdef"))
    sent = dict(parse_qsl(twilio.requests[0].body.decode()))
    assert sent["MessagingServiceSid"] == "MG0123456789abcdef0123456789abcdef"
    assert "From" not in sent


@pytest.mark.parametrize(
    ("status", "code", "result"),
    [
        (400, 21610, Refused("21610", final=True, opted_out=True)),
        (400, 21211, Refused("21211", final=True)),
        (400, 21614, Refused("21614", final=True)),
        (429, 20429, Refused("20429", final=False)),
        (400, 21611, Refused("21611", final=False)),
        (401, 20003, Refused("20003", final=False, misconfigured=True)),
        (403, 20403, Refused("20403", final=False, misconfigured=True)),
        (404, 20404, Refused("20404", final=False, misconfigured=True)),
        (400, 21606, Refused("21606", final=False, misconfigured=True)),
        (500, 20500, Unknown("http-500")),
        (503, None, Unknown("http-503")),
        (302, None, Unknown("http-302")),
        (201, None, Unknown("http-201")),
    ],
)
def test_each_answer_is_told_apart(status: int, code: int | None, result: SendResult) -> None:
    with provider(reply(status, code=code)) as twilio:
        assert send(twilio) == result
    assert len(twilio.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"\xff", b'{"code": "x"}', b'{"code": []}']
)
def test_an_answer_that_is_no_json_is_told_by_its_status(body: bytes) -> None:
    with provider(Reply(418, body)) as twilio:
        assert send(twilio) == Refused("http-418", final=True)


def test_a_redirect_is_not_followed() -> None:
    with provider(reply(201, sid="SM1")) as elsewhere:
        moved = Reply(307, headers={"location": elsewhere.url})
        with provider(moved) as twilio:
            assert send(twilio) == Unknown("http-307")
    assert (len(twilio.requests), elsewhere.requests) == (1, [])


def test_nothing_is_sent_twice_behind_our_back_when_the_connection_breaks() -> None:
    with provider(Reply(status=0)) as twilio:
        assert send(twilio) == Unknown("connection-lost")
    assert len(twilio.requests) == 1


def test_nothing_is_sent_twice_behind_our_back_when_the_answer_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "_ANSWER_SECONDS", 0.1)

    def late() -> Reply:
        time.sleep(0.3)
        return reply(201, sid="SM1")

    with provider(late) as twilio:
        assert send(twilio) == Unknown("ReadTimeout")
    assert len(twilio.requests) == 1


def test_a_refused_connection_sent_nothing() -> None:
    assert TwilioSender(ACCOUNT, closed_url()).send(MESSAGE) == Refused(
        "connection-refused", final=False
    )


def test_a_url_that_is_none_sent_nothing() -> None:
    assert TwilioSender(ACCOUNT, "").send(MESSAGE) == Refused("bad-url", final=False)

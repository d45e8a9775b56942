"""Chat in and out (channels.md §3.2 and §3.3, design.md §11)."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shared.model.entry import Channel
from shared.model.errors import InvalidSignatureError, MalformedMessageError
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery, InboundMessage
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, StatusReport
from shared.providers.chat import ChatSender, parse_event, verify
from shared.rules.addresses import parse_address
from shared.runtime.secrets import Site
from tests.loopback import Provider, Reply, closed_url, provider
from tests.webhooks import (
    CHAT,
    OLD_SECRET,
    SECRET,
    SITE,
    chat_event,
    chat_message,
    http_event,
    request,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
SITES = {"shop": SITE}
EMAIL = Address(IdentityKind.EMAIL, "ada@example.com")
PHONE = Address(IdentityKind.PHONE, "+14155550123")
VOUCHING = replace(SITE, vouches=frozenset({IdentityKind.EMAIL, IdentityKind.PHONE}))


def read(content: Any, site: Site = SITE, **signed: Any) -> InboundMessage | StatusReport:
    read_address = partial(parse_address, default_region="US")
    return parse_event(request(chat_event(content, **signed)), site, NOW, read_address)


def read_message(
    visitor: dict[str, Any] | None = None, site: Site = SITE, **data: Any
) -> InboundMessage:
    message = read(chat_message(visitor, **data), site)
    assert isinstance(message, InboundMessage)
    return message


# ---- who sent it


def test_a_sites_signature_tells_which_site_it_is() -> None:
    secret = f"whsec_{base64.b64encode(b'the secret of the blog').decode()}"
    blog = Site(name="blog", url="", secrets=(secret,))
    assert verify(request(chat_event({}, secrets=(secret,))), {"shop": SITE, "blog": blog}) is blog


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((SECRET, OLD_SECRET), (OLD_SECRET,)),
        ((SECRET, OLD_SECRET), (SECRET,)),
        ((SECRET,), (OLD_SECRET, SECRET)),
        ((OLD_SECRET,), (OLD_SECRET, SECRET)),
    ],
)
def test_old_and_new_secrets_are_good_while_either_end_rotates(
    ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    sites = {"shop": replace(SITE, secrets=ours)}
    assert verify(request(chat_event({}, secrets=theirs)), sites).name == "shop"


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "garbage"},
        {"webhook-signature": "v1,garbage"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1a,AAAA v2,AAAA"},
        {"webhook-id": "another"},
        {"webhook-id": ""},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 400},
    ],
)
def test_a_missing_or_garbled_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSignatureError):
        verify(request(chat_event({}, headers=headers)), SITES)


def test_a_changed_body_is_refused() -> None:
    event = chat_event({"a": 1})
    for body in ('{"a": 2}', '{"a":1}', "\\u00e9"):
        with pytest.raises(InvalidSignatureError):
            verify(request(event | {"body": body}), SITES)


def test_a_body_that_is_no_text_is_refused() -> None:
    event = http_event(b"\xff", path=CHAT, headers=chat_event({})["headers"])
    with pytest.raises(InvalidSignatureError):
        verify(request(event), SITES)


def test_a_signature_is_good_for_five_minutes_either_way() -> None:
    for seconds, good in ((-290, True), (290, True), (-310, False), (310, False)):
        event = chat_event({}, at=datetime.now(UTC) + timedelta(seconds=seconds))
        if good:
            verify(request(event), SITES)
        else:
            with pytest.raises(InvalidSignatureError):
                verify(request(event), SITES)


def test_without_sites_nobody_is_believed() -> None:
    with pytest.raises(InvalidSignatureError):
        verify(request(chat_event({})), {})


@given(st.text(max_size=80), st.text(max_size=20), st.binary(max_size=80))
def test_no_garbage_is_accepted_or_crashes(signature: str, timestamp: str, body: bytes) -> None:
    headers = {
        "webhook-id": "1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    with pytest.raises(InvalidSignatureError):
        verify(request(http_event(body, path=CHAT, headers=headers)), SITES)


def test_why_the_library_is_guarded() -> None:
    headers = chat_event("{}")["headers"]
    with pytest.raises(ValueError, match="unpack"):
        Webhook(SECRET).verify("{}", {**headers, "webhook-signature": "garbage"})
    with pytest.raises(UnicodeDecodeError):
        Webhook(SECRET).verify(b"\xff", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify("[]", headers)


# ---- what they wrote


def test_what_a_visitor_typed_about_themselves_is_a_claim() -> None:
    assert read(chat_message(), VOUCHING, delivery="msg_7") == InboundMessage(
        delivery=Delivery("chat:shop", "msg_7"),
        channel=Channel.CHAT,
        sender=Address(IdentityKind.CHAT, "shop:v-12"),
        trust=Trust.CLAIMED,
        evidence="chat-signature",
        received_at=NOW,
        occurred_at=datetime(2026, 11, 21, 9, 59, 58, 250_000, tzinfo=UTC),
        recipient="shop",
        author_name="Ada",
        text="Do you ship to Norway? 🇳🇴",
        claims=(EMAIL, PHONE),
        message_id="s-81@shop",
        size_bytes=31,
    )


def test_a_site_vouches_for_a_visitor_it_verified() -> None:
    message = read_message({"verified": True}, VOUCHING)
    assert (message.trust, message.vouched, message.claims) == (Trust.VERIFIED, (EMAIL, PHONE), ())


def test_a_site_vouches_only_for_the_kinds_it_may() -> None:
    site = replace(SITE, vouches=frozenset({IdentityKind.EMAIL}))
    message = read_message({"verified": True}, site)
    assert (message.vouched, message.claims) == ((EMAIL,), (PHONE,))


@pytest.mark.parametrize("verified", ["true", 1, None, [True]])
def test_verified_is_true_or_it_is_not(verified: Any) -> None:
    message = read_message({"verified": verified}, VOUCHING)
    assert (message.trust, message.vouched) == (Trust.CLAIMED, ())


@pytest.mark.parametrize("nobody", ["null", "undefined", "0", "Anonymous"])
def test_a_visitor_whose_id_is_nobodys_is_known_by_the_session_alone(nobody: str) -> None:
    one, other = (read_message({"id": nobody}, session=session) for session in ("s-1", "s-2"))
    assert (one.sender.value, other.sender.value) == ("shop:session-s-1", "shop:session-s-2")


def test_the_visitors_of_the_site_called_default_need_no_prefix() -> None:
    site = replace(SITE, name="default")
    assert read_message(site=site).sender.value == "v-12"
    assert read_message({"id": "shop:v-12"}, site=site).sender.value == "default:shop:v-12"


def test_the_same_visitor_in_another_window_is_the_same_person() -> None:
    one, other = read_message(session="s-1"), read_message(session="s-2")
    assert one.sender == other.sender
    assert one.message_id != other.message_id


def test_an_address_that_is_none_is_left_out_and_the_message_is_not() -> None:
    message = read_message({"email": "me", "phone": "call me"})
    assert (message.claims, message.text) == ((), "Do you ship to Norway? 🇳🇴")
    assert message.defects == ("the visitor's email is none", "the visitor's phone is none")


def test_a_visitor_needs_nothing_but_an_id() -> None:
    message = read_message({"name": None, "email": None, "phone": None, "verified": None})
    assert (message.author_name, message.claims, message.defects) == ("", (), ())


@pytest.mark.parametrize(
    "sent_at",
    ["yesterday", "2026-11-21T10:00:00", 1795255200, "0001-01-01T00:00:00+14:00"],
)
def test_a_time_that_is_none_loses_no_message(sent_at: Any) -> None:
    message = read_message(sent_at=sent_at)
    assert message.occurred_at is None
    assert message.defects == ("sent_at is not a time with its zone",)


def test_a_text_arrives_as_it_was_written_but_for_what_cannot_be_stored() -> None:
    assert read_message(text="a\0b é 😀\n").text == "ab é 😀\n"
    assert read_message(text="\ud83d").text == "?"


@pytest.mark.parametrize(
    ("event", "state"), [("message.delivered", "delivered"), ("message.read", "read")]
)
def test_a_site_reports_what_became_of_our_message(event: str, state: str) -> None:
    report = read({"type": event, "data": {"entry": "ent_1"}})
    assert report == StatusReport(provider="chat", provider_id="ent_1", state=state, at=NOW)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "nope",
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        {},
        {"type": "message.created"},
        {"type": "message.created", "data": []},
        {"type": "message.edited", "data": {}},
        {"type": ["message.created"], "data": {}},
        {"type": "message.read", "data": {}},
        {"type": "message.read", "data": {"entry": 7}},
        {"type": "message.read", "data": {"entry": "e" * 129}},
        {"type": "message.created", "data": {"session": "s", "text": "hi"}},
        chat_message({"id": ""}),
        chat_message({"id": "a\nb"}),
        chat_message({"name": {"first": "Ada"}}),
        chat_message(session=None),
        chat_message(text=["hi"]),
    ],
)
def test_an_event_that_says_nothing_is_malformed(content: Any) -> None:
    with pytest.raises(MalformedMessageError):
        read(content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "data", "visitor", "text", "id", "session", "entry"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_signed_event_is_read_or_malformed(data: Any) -> None:
    for kind in ("message.created", "message.read"):
        try:
            read({"type": kind, "data": data})
        except MalformedMessageError:
            continue


# ---- answers

MESSAGE = OutboundMessage(
    key=ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1"),
    channel=Channel.CHAT,
    to=Address(IdentityKind.CHAT, "shop:v-12"),
    sender="",
    text="We do! 🇳🇴",
    in_reply_to="s-81@shop",
    queued_at=NOW,
)


def send(at: Provider, *secrets: str) -> SendResult:
    site = replace(SITE, url=f"{at.url}/chat", secrets=secrets or SITE.secrets)
    return ChatSender({"shop": site}).send(MESSAGE)


def test_an_answer_is_signed_and_goes_to_the_visitors_window() -> None:
    with provider(Reply()) as shop:
        assert send(shop) == Accepted("ent_1")
    [sent] = shop.requests
    assert (sent.path, sent.headers["webhook-id"]) == ("/chat", "ent_1")
    event = Webhook(SECRET).verify(sent.body, dict(sent.headers))
    assert event["type"] == "message.created"
    assert event["data"] == {
        "session": "s-81",
        "visitor": "v-12",
        "entry": "ent_1",
        "text": "We do! 🇳🇴",
        "sent_at": "2026-11-21T10:00:00+00:00",
    }


@pytest.mark.parametrize("in_reply_to", ["", "s-81@blog", "mail-1@example.com"])
def test_a_window_elsewhere_is_not_named(in_reply_to: str) -> None:
    with provider(Reply()) as shop:
        site = replace(SITE, url=shop.url)
        ChatSender({"shop": site}).send(replace(MESSAGE, in_reply_to=in_reply_to))
    data = json.loads(shop.requests[0].body)["data"]
    assert (data["session"], data["visitor"]) == ("", "v-12")


@pytest.mark.parametrize("known", [SECRET, OLD_SECRET])
def test_an_answer_is_signed_with_every_secret(known: str) -> None:
    with provider(Reply()) as shop:
        send(shop, SECRET, OLD_SECRET)
    Webhook(known).verify(shop.requests[0].body, dict(shop.requests[0].headers))


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (204, Accepted("ent_1")),
        (401, Refused("http-401", final=False, misconfigured=True)),
        (404, Refused("http-404", final=True)),
        (410, Refused("http-410", final=True)),
        (429, Refused("http-429", final=False)),
        (307, Refused("http-307", final=False)),
        (503, Refused("http-503", final=False)),
        (0, Refused("connection-lost", final=False)),
    ],
)
def test_a_site_is_asked_once_and_again_later_when_it_did_not_answer(
    status: int, result: SendResult
) -> None:
    with provider(Reply(status, b"", {"location": "/elsewhere"})) as shop:
        assert send(shop) == result
    assert len(shop.requests) == 1


def test_a_site_that_is_down_is_asked_again_later() -> None:
    site = replace(SITE, url=closed_url())
    result = ChatSender({"shop": site}).send(MESSAGE)
    assert result == Refused("connection-refused", final=False)


def test_without_any_site_set_up_it_is_our_mistake() -> None:
    assert ChatSender({}).send(MESSAGE) == Refused("unknown-site", final=False, misconfigured=True)


def test_a_site_that_is_ours_no_more_fails_so_that_another_channel_is_tried() -> None:
    sites = {"blog": replace(SITE, name="blog")}
    assert ChatSender(sites).send(MESSAGE) == Refused("unknown-site", final=True)


def test_the_captured_message_is_what_the_design_says() -> None:
    assert json.dumps(chat_message()).startswith('{"type": "message.created", "timestamp"')

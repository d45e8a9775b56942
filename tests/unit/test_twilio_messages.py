"""Texts and WhatsApp messages in (channels.md §1.3 and §1.7)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.entry import Channel
from shared.model.errors import MalformedMessageError
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery, InboundMessage
from shared.providers.twilio import parse_message
from shared.runtime.webhook import Form
from tests.webhooks import form

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
PHONE = Address(IdentityKind.PHONE, "+14155550123")


def message(name: str, **changes: str) -> InboundMessage:
    return parse_message(form(name, **changes), NOW)


def test_a_text_is_the_word_of_its_number() -> None:
    assert message("sms") == InboundMessage(
        delivery=Delivery("twilio", "SM0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        channel=Channel.SMS,
        sender=PHONE,
        trust=Trust.VERIFIED,
        evidence="twilio-signature",
        received_at=NOW,
        recipient="+15005550006",
        text="Hi! Where is my order? ¿Está en camino? 📦",
        segments=1,
        size_bytes=46,
    )


def test_the_pictures_of_an_mms_are_attachments_still_at_twilio() -> None:
    read = message("mms")
    assert [(a.name, a.media_type) for a in read.attachments] == [
        ("file-1.jpg", "image/jpeg"),
        ("file-2.pdf", "application/pdf"),
    ]
    assert all(a.source_url.startswith("https://api.twilio.com/") for a in read.attachments)
    assert (read.text, read.segments, read.defects) == ("", 2, ())


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "http://api.twilio.com/x",
        "https://api.twilio.com.evil.example/x",
        "https://evil.example/?api.twilio.com/",
        "https://api.twilio.com@evil.example/",
        "https://api.twilio.com\\@evil.example/",
        "https://api.twilio.com:8443/x",
        "https://eviltwilio.com/x",
        "https://api.twilio.com/x\nHost: evil",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_file_anywhere_else_than_at_twilio_is_never_fetched(url: str) -> None:
    read = message("mms", MediaUrl1=url)
    assert [bool(a.source_url) for a in read.attachments] == [True, False]
    assert read.defects == ("file 2 is not at Twilio and was not fetched",)


def test_ten_files_are_the_most() -> None:
    assert len(message("mms", NumMedia="11").attachments) == 10


@pytest.mark.parametrize("number", ["", "0", "-1", "x", "١", "9" * 5000])
def test_no_number_of_media_is_none(number: str) -> None:
    read = message("sms", NumMedia=number)
    assert read.attachments == ()


def test_a_missing_number_of_media_is_none() -> None:
    fields = form("sms")
    del fields["NumMedia"], fields["NumSegments"]
    read = parse_message(fields, NOW)
    assert (read.attachments, read.segments) == ((), 1)


@pytest.mark.parametrize(
    "text", ["😀👨‍👩‍👧‍👦", "שלום عليكم", "a\r\nb", " keep my spaces ", "Ünïcode"]
)
def test_what_people_wrote_arrives_as_they_wrote_it(text: str) -> None:
    assert message("sms", Body=text).text == text


def test_nul_is_left_out() -> None:
    assert message("sms", Body="a\0b").text == "ab"


def test_stop_is_a_message_like_any_other() -> None:
    read = message("stop")
    assert (read.text, read.automatic) == ("STOP", False)


def test_a_whatsapp_number_is_a_phone_number_and_its_scoped_id_is_vouched_for() -> None:
    read = message("whatsapp_number")
    assert read.channel is Channel.WHATSAPP
    assert read.sender == Address(IdentityKind.PHONE, "+5511987654321")
    assert read.vouched == (Address(IdentityKind.WHATSAPP, "BR.1502576394655843"),)
    assert (read.author_name, read.recipient) == ("Ada Lovelace", "+15005550006")


def test_a_whatsapp_user_without_a_number_is_known_by_the_scoped_id() -> None:
    read = message("whatsapp_bsuid")
    assert read.sender == Address(IdentityKind.WHATSAPP, "US.13491208655302741918")
    assert (read.vouched, read.trust) == ((), Trust.VERIFIED)


def test_a_number_sent_beside_a_scoped_id_is_vouched_for() -> None:
    read = message("whatsapp_bsuid", WaId="14155550123")
    assert read.vouched == (PHONE,)


def test_a_scoped_id_that_is_none_loses_no_message() -> None:
    assert message("whatsapp_number", ExternalUserId="not one").vouched == ()


@pytest.mark.parametrize("sender", ["24273", "AMAZON"])
def test_a_short_code_or_a_name_proves_nobody(sender: str) -> None:
    read = message("sms", From=sender)
    assert (read.sender.value, read.trust) == (sender, Trust.CLAIMED)
    assert read.defects == ("the sender is not a phone number",)


def test_a_kind_of_message_that_cannot_be_shown_says_so() -> None:
    read = message("whatsapp_number", Body="", MessageType="location")
    assert read.defects == ("nothing to show of a message of type location",)


@pytest.mark.parametrize(
    "changes",
    [
        {"MessageSid": ""},
        {"MessageSid": "SM1#2"},
        {"From": ""},
        {"From": "x" * 65},
        {"From": "whatsapp:", "WaId": "", "ExternalUserId": ""},
    ],
)
def test_a_message_without_an_id_or_a_sender_is_malformed(changes: dict[str, str]) -> None:
    with pytest.raises(MalformedMessageError):
        message("whatsapp_number", **changes)


@given(
    st.dictionaries(
        st.sampled_from(["From", "WaId", "NumMedia", "NumSegments", "MediaUrl0", "Body", "To"]),
        st.lists(st.text(max_size=20), min_size=1, max_size=2),
    )
)
def test_any_signed_form_is_a_message_or_malformed(fields: dict[str, list[str]]) -> None:
    try:
        read = parse_message(Form(form("whatsapp_number") | fields), NOW)
    except MalformedMessageError:
        return
    assert read.delivery.id
    assert read.sender.value

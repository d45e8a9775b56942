"""Captured mails, each as a person would retell it."""

import pytest

from shared.model.identity import Trust
from tests.mails import CAPTURED, captured, read

REPLIES = {
    "apple_reply_es": "Así llegó la caja.\n\nUn saludo\nPedro",
    "gmail_reply_de": "Ja, die grüne Größe M.",
    "gmail_reply_en": "It is order 1001.\n\nThanks!",
    "gmail_reply_ja": "注文番号は1001です。",
    "gmail_reply_pl": "Numer 1001.",
    "gmail_reply_zh": "订单号是1001。",
    "outlook_reply_en": "Paid yesterday.\n\nBob",
    "outlook_reply_fr": "Payée hier.",
    "outlook_reply_sv": "Betald igår.",
    "yahoo_reply": "12 Elm Street, please.",
}
SES_ID = "0100019a9f0c2b1e-1f2e3d4c-5b6a-7988-96a5-b4c3d2e1f0aa-000000@email.amazonses.com"
TOKEN = "01jd3y0c9rk6w3m5q7t8v9x2zak1x5j0q8c2w7n4r6t1y"


@pytest.mark.parametrize(("name", "text"), REPLIES.items())
def test_a_reply_is_its_new_words_and_keeps_the_older_mail_apart(name: str, text: str) -> None:
    message = read(captured(name))
    assert message.text == text
    assert "support@in.example.com" in message.quoted_text
    assert message.trust is Trust.VERIFIED
    assert message.evidence == "dmarc=pass"
    assert message.reply_token == TOKEN
    assert message.references[-1] == SES_ID
    assert message.defects == ()
    assert not message.automatic


def test_answers_between_quotes_are_kept_whole() -> None:
    message = read(captured("thunderbird_inline"))
    assert message.text.startswith(
        "On 11/20/26 10:02, Example Shop wrote:\n> Which colour?\n\nBlue."
    )
    assert message.quoted_text == ""


def test_a_forwarded_mail_is_not_quoted() -> None:
    message = read(captured("gmail_forward"))
    assert message.text.startswith("Please look at this.\n\n---------- Forwarded message")
    assert message.text.endswith("wrote:\n\n> Not at home.")
    assert message.quoted_text == ""


def test_a_picture_within_the_text_is_inline_and_named_as_it_was_written() -> None:
    [picture] = read(captured("apple_reply_es")).attachments
    assert (picture.name, picture.media_type, picture.inline) == (
        "caja dañada.png",
        "image/png",
        True,
    )


def test_a_newsletter_is_automatic_and_readable() -> None:
    message = read(captured("newsletter"))
    assert message.automatic
    assert message.subject == "👟 Half price – today only"
    assert message.text == "Half price\n\nBoots & shoes, from € 29.\n\n- Boots\n- Shoes"


@pytest.mark.parametrize("name", ["out_of_office", "bounce"])
def test_what_a_machine_answers_is_automatic(name: str) -> None:
    assert read(captured(name)).automatic


def test_a_person_whose_server_suppresses_automatic_answers_is_a_person() -> None:
    assert not read(captured("exchange_human")).automatic


def test_a_bounce_keeps_its_report_and_the_mail_it_returns_as_files() -> None:
    message = read(captured("bounce"))
    assert message.text.startswith("I'm sorry")
    assert [file.media_type for file in message.attachments] == [
        "message/delivery-status",
        "message/rfc822",
    ]


def test_rich_text_that_only_outlook_reads_is_a_file() -> None:
    message = read(captured("winmail"))
    assert message.text == ""
    assert [file.name for file in message.attachments] == ["winmail.dat"]


def test_an_invitation_is_a_file_and_a_line() -> None:
    message = read(captured("calendar_only"))
    assert message.text == "Fitting of the new boots, 20261123T100000"
    assert [file.media_type for file in message.attachments] == ["text/calendar"]


def test_an_address_in_another_script_is_read_and_proven() -> None:
    message = read(captured("internationalized"))
    assert message.sender.value == "jürgen@bücher.example"
    assert message.sender.canonical == "jürgen@xn--bcher-kva.example"
    assert message.trust is Trust.VERIFIED
    assert (message.author_name, message.subject) == ("Jürgen Müller", "Größe")


def test_a_forged_verdict_further_down_proves_nothing() -> None:
    message = read(captured("spoofed"))
    assert message.sender.value == "ana.lima@gmail.com"
    assert message.trust is Trust.CLAIMED
    assert message.evidence == "dmarc=fail"


def test_a_virus_leaves_a_row_and_nothing_to_open() -> None:
    message = read(captured("virus"))
    assert (message.text, message.html, message.quoted_text) == ("", "", "")
    assert message.attachments == ()
    assert message.subject == "Your invoice"
    assert message.trust is Trust.CLAIMED
    assert message.defects == ("virus",)


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURED.glob("*.eml")))
def test_every_captured_mail_is_read_whole(name: str) -> None:
    message = read(captured(name))
    assert "unreadable" not in message.defects
    assert message.recipient.endswith("@in.example.com")
    assert message.size_bytes == len(captured(name))
    assert message.message_id
    assert message.occurred_at

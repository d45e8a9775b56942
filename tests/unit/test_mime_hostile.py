"""Mail made to break its reader (channels.md §2.2; §2.8: 1, 2)."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.identity import Trust
from shared.model.message import InboundMessage
from shared.providers.mime.sender import UNKNOWN_SENDER
from tests.mails import RECEIVED, captured, mail, read, verdicts

# One row each; what the standard library's parser did with it is in the table.
ROWS = {
    "charset x-unknown": mail("Content-Type: text/plain; charset=x-unknown"),
    "charset idna": mail("Content-Type: text/plain; charset=idna"),
    "charset rot13": mail("Content-Type: text/plain; charset=rot13"),
    "charset cp-850": mail("Content-Type: text/plain; charset=cp-850"),
    "charset iso-8859-8-i": mail("Content-Type: text/plain; charset=iso-8859-8-i"),
    "message id in brackets": mail("Message-ID: <[abc]@x>"),
    "line feed in an encoded name": mail(sender="From: =?utf-8?Q?x=0Ay?= <a@example.org>"),
    "from a@[": mail(sender="From: a@["),
    "from a quote": mail(sender='From: "'),
    "parameter without value": mail("Content-Type: text/plain; name*"),
    "line ends in the subject": mail("Subject: =?utf-8?Q?a=0D=0ABcc=3A_x?="),
    "bytes beyond ASCII in from": mail(sender="From: jürgen@example.org"),
    "two mailboxes in one": mail(sender="From: a@good.com <b@example.org>"),
    "two from headers": mail("From: b@example.org"),
    "from ;": mail(sender="From: ;"),
    "part without headers": mail(
        "Content-Type: multipart/mixed; boundary=b", body="--b\r\n\r\nhello"
    ),
    "byte order mark": mail(sender=b"\xef\xbb\xbfFrom: Ana <ana@example.org>"),
    "line without colon": mail("nonsense", "Subject: after it"),
    "space in a message id": mail("Message-ID: <a b@c>"),
    "encoded mail within": mail(
        "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", body="RnJvbTogYQ=="
    ),
    "text as a file only": mail("Content-Type: text/plain", "Content-Disposition: attachment"),
    "multipart without boundary": mail("Content-Type: multipart/mixed"),
    "path as a file name": mail(
        "Content-Type: application/pdf", 'Content-Disposition: attachment; filename="../../x"'
    ),
    "date without zone": mail("Date: Fri, 20 Nov 2026 09:15:00 -0000"),
    "headers only": verdicts() + b"From: ana@example.org",
    "body only": b"\r\nhello",
    "nothing": b"",
    "one byte": b"\x00",
}


@pytest.mark.parametrize("raw", ROWS.values(), ids=ROWS)
def test_mail_that_breaks_other_readers_makes_one_message(raw: bytes) -> None:
    message = read(raw)
    assert "unreadable" not in message.defects
    assert message.raw_key == "inbound/ses1"
    assert message.received_at == RECEIVED
    assert message.size_bytes == len(raw)
    assert_storable(message)


def test_headers_after_a_broken_line_are_read() -> None:
    message = read(ROWS["line without colon"])
    assert (message.subject, message.text) == ("after it", "hello")
    assert message.defects == ("header_broken",)


def test_headers_after_a_byte_order_mark_are_read_and_prove_nothing() -> None:
    message = read(ROWS["byte order mark"])
    assert message.sender.value == "ana@example.org"
    assert message.trust is Trust.CLAIMED


def test_a_mail_within_a_mail_is_a_file_without_its_encoding() -> None:
    [inner] = read(ROWS["encoded mail within"]).attachments
    assert (inner.media_type, inner.size_bytes) == ("message/rfc822", len(b"From: a"))


def nested(depth: int) -> bytes:
    levels = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        for level in range(depth)
    )
    return verdicts() + f"From: ana@example.org\r\n{levels}\r\nhello".encode()


MEGABYTES_40 = 40 * 1000 * 1000
MULTIPART = verdicts() + b'From: a@b.c\r\nContent-Type: multipart/mixed; boundary="a"\r\n\r\n'

# What the row costs the standard library's parser: 5 s for the first; no end for others.
SLOW = {
    "20 kB of commas": (mail(f"To: {',' * 20_000}", f"Cc: {',' * 20_000}"), 1),
    "20 kB of commas in from": (mail(sender=f"From: {',' * 20_000}"), 1),
    "5000 recipients": (mail("To: " + ", ".join(f"u{n}@example.org" for n in range(5_000))), 1),
    "40 kB of parameters": (mail("Content-Type: text/plain" + '; a="' * 10_000), 1),
    "40 kB of atoms": (mail(sender=f"From: {'a ' * 20_000}"), 1),
    "3000 open brackets": (mail(sender="From: " + "(" * 3_000), 1),
    "8 kB of quotes": (mail(sender="From: " + '"' * 8_000), 1),
    "8 kB of backslashes": (mail(sender='From: "' + "\\" * 8_000), 1),
    "encoded words": (mail("Subject: " + "=?a?q?" * 5_000), 1),
    "base64 words": (mail("Subject: " + "=?utf-8?b?YQ==?= " * 1_000), 1),
    "1000 levels": (nested(1_000), 1),
    "100000 parts": (MULTIPART + b"--a\r\n\r\nx\r\n" * 100_000, 2),
    "100000 headers": (mail(*["X-A: b"] * 100_000), 2),
    "one header of 10 MB": (mail("X-A: " + "b" * 10_000_000), 2),
    "continuation lines": (mail("X-A: b" + "\r\n c" * 500_000), 2),
    "10 MB of almost delimiters": (MULTIPART + b"\n--ab" * 2_000_000, 5),
    "10 MB of tags": (mail("Content-Type: text/html", body="<a <b " * 1_700_000), 5),
    "punycode": (mail("Content-Type: text/plain; charset=punycode", body="a" * 1_000_000), 2),
    "broken base64": (mail("Content-Transfer-Encoding: base64", body="A*" * 5_000_000), 3),
}


@pytest.mark.parametrize(("raw", "seconds"), SLOW.values(), ids=SLOW)
def test_mail_made_to_be_slow_is_read_at_once(raw: bytes, seconds: float) -> None:
    began = time.process_time()
    message = read(raw)
    assert time.process_time() - began < seconds
    assert "unreadable" not in message.defects
    assert_storable(message)


def test_parts_too_deep_or_too_many_are_noted() -> None:
    assert read(nested(1_000)).defects == ("mime_too_deep",)
    assert read(nested(20)).text == "hello"
    many = read(MULTIPART + b"--a\r\nContent-Type: image/png\r\n\r\nx\r\n" * 1_000)
    assert many.defects == ("mime_too_many_parts",)
    assert len(many.attachments) == 200


def test_a_mail_of_40_megabytes_takes_little_more_memory_than_its_files() -> None:
    encoded = b"QUJD" * 19 + b"\r\n"
    body = b"--a\r\n\r\nhello\r\n--a\r\nContent-Type: application/pdf\r\n"
    body += b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded * (MEGABYTES_40 // len(encoded))
    raw = MULTIPART + body + b"--a--\r\n"
    tracemalloc.start()
    began = time.process_time()
    message = read(raw)
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message.text == "hello"
    assert message.attachments[0].size_bytes > 29_000_000
    assert peak < 1.5 * MEGABYTES_40  # beside the raw mail itself
    assert seconds < 5


def test_a_mistake_of_our_own_costs_the_text_and_not_the_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("shared.providers.mime.parse.read_body", fail)
    message = read(mail())
    assert (message.sender, message.trust) == (UNKNOWN_SENDER, Trust.CLAIMED)
    assert (message.raw_key, message.defects) == ("inbound/ses1", ("unreadable",))


@given(st.binary(max_size=2_000))
def test_any_bytes_make_a_message(raw: bytes) -> None:
    message = read(raw)
    assert "unreadable" not in message.defects
    assert_storable(message)


FRAGMENTS = st.sampled_from(
    [
        b"From: ", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html",
        b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment; filename*=",
        b"\r\n", b"\n", b"\r\n\r\n", b"--b", b"--b--", b"=?utf-8?b?", b"?=", b"<", b">", b"@", b'"',
        b"a@example.org", b"Date: ", b"=", b"\xff", b"\x00", b"> x\n", b"On 1 Jan 2026 wrote:\n",
        b"Subject: ", b"charset=", b"utf-7", b";", b"BEGIN:VEVENT\n",
        b"Content-Type: text/calendar",
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=40).map(b"".join))
def test_any_pieces_of_mail_make_a_message(pieces: bytes) -> None:
    message = read(verdicts() + pieces)
    assert "unreadable" not in message.defects
    assert_storable(message)


@given(st.data())
def test_a_mail_cut_anywhere_makes_a_message(data: st.DataObject) -> None:
    raw = captured("apple_reply_es")
    message = read(raw[: data.draw(st.integers(0, len(raw)))])
    assert "unreadable" not in message.defects
    assert_storable(message)


def assert_storable(message: InboundMessage) -> None:
    texts = [message.subject, message.text, message.quoted_text, message.html, message.author_name]
    texts += [message.message_id, *message.references, message.sender.value, message.reply_token]
    texts += [name for file in message.attachments for name in (file.name, file.media_type)]
    for text in texts:
        assert "\x00" not in text
        text.encode()
    assert "\n" not in message.subject + message.author_name
    assert "@" in message.sender.canonical

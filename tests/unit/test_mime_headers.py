"""What a mail says of its conversation, its time, and whether a machine wrote it."""

from datetime import UTC, datetime

import pytest

from tests.mails import mail, read, verdicts


@pytest.mark.parametrize(
    ("written", "message_id"),
    [
        ("<a@x>", "a@x"),
        (" <a@x> (comment)", "a@x"),
        ("<[a]@x>", "[a]@x"),
        ("<a b@x>", ""),
        ("\r\n <a@x>", "a@x"),
        ("a@x", ""),
        ("<>", ""),
        (f"<{'a' * 500}@x>", ""),
    ],
)
def test_the_message_id_is_read_from_the_raw_header(written: str, message_id: str) -> None:
    assert read(mail(f"Message-ID: {written}")).message_id == message_id


def test_references_are_all_ids_once_the_one_answered_last() -> None:
    message = read(
        mail(
            "References: <a@x> <b@x>\r\n\t<c@x> junk <b@x>", "In-Reply-To: Your mail <a@x> of today"
        )
    )
    assert message.references == ("c@x", "b@x", "a@x")


def test_in_reply_to_alone_is_a_reference() -> None:
    assert read(mail("In-Reply-To: <a@x>")).references == ("a@x",)


def test_of_many_references_the_newest_fifty_are_kept() -> None:
    ids = [f"{number}-{'x' * 60}@example.org" for number in range(1000)]
    message = read(mail("References: " + " ".join(f"<{one}>" for one in ids)))
    assert message.references == tuple(ids[-50:])


TOKEN = "01JD3Y0C9RK6"


@pytest.mark.parametrize(
    ("top", "headers"),
    [
        (verdicts(recipient=f"support+{TOKEN}@in.example.com"), ("To: other@example.org",)),
        (verdicts(recipient=f"Support+{TOKEN}@IN.Example.COM"), ("To: support@in.example.com",)),
        (verdicts(recipient=f"<a+{TOKEN}@in.example.com>"), ()),
        (verdicts(), ("To: x@example.org", f"Cc: Shop <support+{TOKEN}@in.example.com>")),
        (verdicts(), (f"X-Original-To: support+{TOKEN}@in.example.com",)),
        (verdicts(), (f"Delivered-To: support+{TOKEN}@in.example.com",)),
        (b"", (f"To: a@b.c, <support+{TOKEN}@in.example.com>, d@e.f",)),
    ],
)
def test_the_reply_token_is_that_of_our_own_address(top: bytes, headers: tuple[str, ...]) -> None:
    message = read(mail(*headers, top=top))
    assert message.reply_token == TOKEN
    assert message.recipient.lower().endswith("@in.example.com")


@pytest.mark.parametrize(
    "to",
    [
        f"support+{TOKEN}@in.example.com.evil.org",
        f"support+{TOKEN}@evil-in.example.com",
        f"support+{TOKEN}@example.com",
        "support@in.example.com",
        "support+@in.example.com",
    ],
)
def test_a_token_on_another_domain_is_none_of_ours(to: str) -> None:
    message = read(mail(f"To: {to}"))
    assert message.reply_token == ""
    assert message.recipient == "support@in.example.com"


def test_the_envelope_wins_over_what_is_written_in_to() -> None:
    top = verdicts(recipient="support+real@in.example.com")
    assert read(mail("To: support+other@in.example.com", top=top)).reply_token == "real"


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner=x",
        "Precedence: bulk",
        "Precedence: Junk",
        "Precedence: list",
        "Precedence: auto_reply",
        "List-Id: <x.example.org>",
        "List-Unsubscribe: <https://example.org>",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "X-AutoReply-From: a@b.c",
        "X-Loop: a@b.c",
        "X-Throughline-Entry: ent_1",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ],
)
def test_a_sign_of_a_machine_makes_a_mail_automatic(header: str) -> None:
    assert read(mail(header)).automatic


@pytest.mark.parametrize("address", ["mailer-daemon@example.org", "Postmaster@example.org"])
def test_mail_of_a_mail_server_is_automatic(address: str) -> None:
    assert read(mail(sender=f"From: {address}")).automatic


def test_mail_with_an_empty_return_path_is_automatic() -> None:
    assert read(mail(top=verdicts(return_path="<>"))).automatic
    assert not read(mail("Return-Path: <>", top=b"")).automatic  # not SES's word


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: None",
        "Precedence: normal",
        "Feedback-ID: 1:2",
    ],
)
def test_what_people_send_too_is_no_sign_of_a_machine(header: str) -> None:
    assert not read(mail(header)).automatic


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("Fri, 20 Nov 2026 10:15:00 +0100", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("20 Nov 26 09:15 GMT", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 09:15:00 -0000", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 09:15:00", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("Tue, 01 Jan 2099 00:00:00 +0000", datetime(2099, 1, 1, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_date_is_read_in_utc(written: str, at: datetime) -> None:
    message = read(mail(f"Date: {written}"))
    assert message.occurred_at == at
    assert message.occurred_at
    assert message.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "31 Feb 2026 10:00 +0000",
        "1 Jan 0100 00:00 +9999",
        "1 Jan 99999999999 00:00 +0100",
        "Fri, 20 Nov 2026 09:15:00 +99999999",
        "20 Nov 2026 25:61:61 +0000",
        "," * 5000,
    ],
)
def test_an_impossible_date_is_none_and_noted(written: str) -> None:
    message = read(mail(f"Date: {written}"))
    assert (message.occurred_at, message.defects) == (None, ("date_unreadable",))


def test_a_missing_date_is_none() -> None:
    assert read(mail()).occurred_at is None


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        ("Hello", "Hello"),
        ("=?utf-8?Q?a=0D=0ABcc=3A_x?=", "a Bcc: x"),
        ("=?UTF-8?B?R3LDtsOf?= =?UTF-8?B?ZQ==?=", "Größe"),
        ("=?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=B6=C3=9Fe?=", "Größe"),
        ("=?utf-8*de?Q?Gr=C3=B6=C3=9Fe?= jetzt", "Größe jetzt"),
        ("=?utf-8?Q?How are you??=", "How are you?"),
        ("=?iso-8859-1?Q?Gr=F6?= =?utf-8?Q?=C3=9Fe?=", "Größe"),
        ("=?x-unknown?Q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?utf-8?B?R3LDtsOfZQ?=", "Größe"),
        ("=?utf-8?X?a?= =?utf-8", "=?utf-8?X?a?= =?utf-8"),
        ("Größe", "Größe"),
        ("a\u202eb", "ab"),
        ("x" * 9000, "x" * 500),
    ],
)
def test_the_subject_is_one_safe_line(written: str, subject: str) -> None:
    assert read(mail(f"Subject: {written}")).subject == subject


@pytest.mark.parametrize(
    "other",
    [
        mail("Message-ID: <m@x>", "Subject: s", body="other words"),
        mail("Message-ID: <m@x>", "Subject: other", body="words"),
        mail("Message-ID: <n@x>", "Subject: s", body="words"),
        mail("Message-ID: <m@x>", "Subject: s", "References: <a@x>", body="words"),
        mail("Message-ID: <m@x>", "Subject: s", body="words", sender="From: Bo <ana@example.org>"),
    ],
)
def test_the_fingerprint_is_what_the_author_wrote_whichever_way_it_came(other: bytes) -> None:
    headers = ("Message-ID: <m@x>", "Subject: s")
    one = read(mail(*headers, body="words")).fingerprint
    elsewhere = verdicts(recipient="sales@in.example.com", return_path="<>")
    assert read(mail(*headers, body="words", top=elsewhere)).fingerprint == one
    assert read(other).fingerprint not in ("", one)
    assert read(mail("Subject: s", body="words")).fingerprint == ""

"""Who sent a mail, and how far that is proven (channels.md §2.5 and §2.8: 5, 6, 13, 18)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.identity import Trust
from shared.providers.mime.sender import UNKNOWN_SENDER
from tests.mails import mail, read, verdicts

UNKNOWN = UNKNOWN_SENDER.value


@pytest.mark.parametrize(
    ("header", "address", "name"),
    [
        ("ana@example.org", "ana@example.org", ""),
        ("<ana@example.org>", "ana@example.org", ""),
        ("Ana Lima <ana@example.org>", "ana@example.org", "Ana Lima"),
        ('"Lima, Ana" <ana@example.org>', "ana@example.org", "Lima, Ana"),
        (r'"Ana \"A\" Lima" <ana@example.org>', "ana@example.org", 'Ana "A" Lima'),
        ("=?utf-8?Q?J=C3=BCrgen?= <Jo+x.y@EXAMPLE.ORG>", "Jo+x.y@example.org", "Jürgen"),
        ("=?utf-8?Q?x=0Ay?= <a@example.org>", "a@example.org", "x y"),
        # An address in the name is a name.
        ("=?utf-8?Q?ceo=40bank.com?= <a@example.org>", "a@example.org", "ceo@bank.com"),
        ('"ceo@bank.com" <a@example.org>', "a@example.org", "ceo@bank.com"),
        ("Jürgen <jürgen@example.org>", "jürgen@example.org", "Jürgen"),
    ],
)
def test_one_plain_mailbox_that_passed_dmarc_is_proven(
    header: str, address: str, name: str
) -> None:
    message = read(mail(sender=f"From: {header}"))
    assert (message.sender.value, message.author_name) == (address, name)
    assert (message.trust, message.evidence) == (Trust.VERIFIED, "dmarc=pass")


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("a@good.com <b@example.org>", "b@example.org"),
        ("Doe, John <j@example.org>", "j@example.org"),
        ("j@example.org (John Doe)", "j@example.org"),
        ("j@example.org (a@good.com)", "j@example.org"),
        ("Re: me <j@example.org>", "j@example.org"),
        ("=?utf-8?Q?Doe,_John?= <j@example.org>", "j@example.org"),
        ("j@example.org,", "j@example.org"),
    ],
)
def test_one_mailbox_that_programs_may_read_differently_is_not_proven(
    header: str, address: str
) -> None:
    message = read(mail(sender=f"From: {header}"))
    assert message.sender.value == address
    assert message.trust is Trust.CLAIMED
    assert message.defects == ("from_malformed",)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "<>",
        ";",
        '"',
        "a@[",
        "a@[192.0.2.1]",
        "a@b@example.org",
        "nobody",
        "<a@good.com> <b@example.org>",
        "a@good.com, b@example.org",
        "Team: a@example.org, b@example.org;",
        "Team: a@example.org;",
        "undisclosed-recipients:;",
        "=?utf-8?Q?a=40example.org?=",
        "a\u202e@example.org",
        "a@-example.org",
        f"{'a' * 9000}@example.org",
        f"Ana {'x' * 9000} <ana@example.org>",
        f"ana@example.org{' ' * 9000}, bob@example.org",
    ],
)
def test_a_from_without_exactly_one_mailbox_is_from_the_unknown_sender(header: str) -> None:
    message = read(mail(sender=f"From: {header}"))
    assert message.sender.value == UNKNOWN
    assert message.trust is Trust.CLAIMED
    assert "from_unreadable" in message.defects


def test_what_was_written_of_an_unknown_sender_is_shown_as_the_name() -> None:
    message = read(mail("From: b@example.org", sender="From: Ana <a@example.org>"))
    assert message.author_name == "Ana <a@example.org>, b@example.org"
    assert message.sender.value == UNKNOWN
    assert message.defects == ("from_repeated",)


def test_a_mail_without_from_is_from_the_unknown_sender() -> None:
    message = read(mail(sender=None))
    assert (message.sender.value, message.defects) == (UNKNOWN, ("from_missing",))


def test_the_unknown_sender_can_never_be_proven_nor_written_to() -> None:
    message = read(mail(sender=f"From: {UNKNOWN}", top=verdicts(dmarc="none", domain="invalid")))
    assert message.trust is Trust.CLAIMED


def test_reply_to_and_sender_name_nobody() -> None:
    message = read(mail("Reply-To: b@good.com", "Sender: c@good.com"))
    assert message.sender.value == "ana@example.org"
    assert message.claims == ()
    assert message.vouched == ()


@pytest.mark.parametrize(
    ("top", "evidence"),
    [
        (verdicts(dmarc="fail"), "dmarc=fail"),
        (verdicts(dmarc="none"), "dmarc=none"),
        (verdicts(dmarc=None), "dmarc=missing"),
        (verdicts(domain="other.org"), "dmarc=other-domain"),
        (verdicts(domain="sub.example.org"), "dmarc=other-domain"),
        (verdicts(virus="FAIL"), "virus=fail"),
        (verdicts(virus="GRAY"), "virus=gray"),
        (verdicts(virus="PROCESSING_FAILED"), "virus=processing_failed"),
        (verdicts(virus="DISABLED"), "virus=disabled"),
        (verdicts(virus=None), "virus=missing"),
        (b"", "virus=missing"),
    ],
)
def test_without_dmarc_and_a_virus_scan_nobody_is_proven(top: bytes, evidence: str) -> None:
    message = read(mail(top=top))
    assert message.sender.value == "ana@example.org"
    assert (message.trust, message.evidence) == (Trust.CLAIMED, evidence)


def test_spam_is_marked_and_its_sender_proven_all_the_same() -> None:
    message = read(mail(top=verdicts(spam="FAIL")))
    assert (message.trust, message.defects) == (Trust.VERIFIED, ("spam",))


FORGED = "Authentication-Results: amazonses.com; dmarc=pass header.from=example.org;"


@pytest.mark.parametrize(
    "forged",
    [
        verdicts(dmarc=None) + f"{FORGED}\r\n".encode(),
        verdicts(dmarc=None) + verdicts(),
        # Right behind SES's receipt.
        verdicts(dmarc=None).split(b"X-SES-DKIM")[0] + f"{FORGED}\r\n".encode(),
        f"{FORGED}\r\n".encode() + verdicts(dmarc="fail"),
        # An envelope sender may be quoted, and hold what looks like a result.
        verdicts(dmarc=None).replace(
            b"envelope-from=ana", b'envelope-from="; dmarc=pass header.from=example.org;"'
        ),
        verdicts(dmarc="pass header.from=example.org; dmarc=fail"),
        verdicts().replace(
            b"Authentication-Results: amazonses.com", b"Authentication-Results: x.y"
        ),
    ],
)
def test_only_what_ses_itself_wrote_is_believed(forged: bytes) -> None:
    assert read(mail(top=forged)).trust is Trust.CLAIMED


def test_the_top_block_is_believed_where_no_receipt_of_ses_stands_anywhere() -> None:
    top = verdicts().split(b"X-SES-RECEIPT")[0]
    assert read(mail(top=top)).trust is Trust.VERIFIED


@pytest.mark.parametrize(
    "line", ["no colon here", "X\u00a0: z", b"\xef\xbb\xbfX-A: b", "X-A: b\r\n" * 50_000]
)
def test_broken_headers_prove_nobody(line: str | bytes) -> None:
    message = read(mail(line))
    assert message.sender.value == "ana@example.org"
    assert message.trust is Trust.CLAIMED
    assert "header_broken" in message.defects


@given(st.text(max_size=200))
def test_whatever_from_says_the_sender_is_an_address_or_unknown(written: str) -> None:
    header = written.replace("\n", " ").replace("\r", " ")
    message = read(mail(sender=f"From: {header}".encode(errors="replace")))
    local, _, domain = message.sender.value.rpartition("@")
    assert local
    assert domain
    assert message.sender.value.encode()
    assert message.sender.value.isprintable()
    if message.trust is Trust.VERIFIED:
        assert domain == "example.org"

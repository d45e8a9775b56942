"""Mails as SES stores them: captured ones, and ones made for a test."""

from datetime import UTC, datetime
from pathlib import Path

from shared.model.message import InboundMessage
from shared.providers.mime.parse import ParsedMail, parse_mail

CAPTURED = Path(__file__).parent / "events" / "mail"
RECEIVED = datetime(2026, 11, 20, 9, 15, 3, tzinfo=UTC)


def captured(name: str) -> bytes:
    """A mail from tests/events/mail, with the line ends of the wire."""
    return (CAPTURED / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


def parse(raw: bytes) -> ParsedMail:
    """What is made of a mail to in.example.com."""
    return parse_mail(
        raw,
        received_at=RECEIVED,
        mail_domain="in.example.com",
        raw_key="inbound/ses1",
        delivery_id="ses1",
    )


def read(raw: bytes) -> InboundMessage:
    """The message made of a mail."""
    return parse(raw).message


def verdicts(
    *,
    domain: str = "example.org",
    recipient: str = "support@in.example.com",
    return_path: str = "<ana@example.org>",
    dmarc: str | None = "pass",
    virus: str | None = "PASS",
    spam: str = "PASS",
) -> bytes:
    """What SES puts on top of a mail that proves to be from `domain`, unless told otherwise."""
    lines = [
        f"Return-Path: {return_path}",
        "Received: from mx.example.org (mx.example.org [192.0.2.9])",
        " by inbound-smtp.us-east-1.amazonaws.com with SMTP id ses1",
        f" for {recipient};",
        " Fri, 20 Nov 2026 09:15:01 +0000 (UTC)",
        f"X-SES-Spam-Verdict: {spam}",
        *([] if virus is None else [f"X-SES-Virus-Verdict: {virus}"]),
        "Received-SPF: pass (spfCheck: ok) client-ip=192.0.2.9;",
        "Authentication-Results: amazonses.com;",
        " spf=pass (spfCheck: ok) client-ip=192.0.2.9; envelope-from=ana@example.org;",
        f" dkim=pass header.i=@{domain};",
        *([] if dmarc is None else [f" dmarc={dmarc} header.from={domain};"]),
        "X-SES-RECEIPT: AEFBQUFBQUFBQUE=",
        "X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; d=amazonses.com; v=1;",
        "",
    ]
    return "\r\n".join(lines).encode()


def mail(
    *headers: str | bytes,
    body: str | bytes = "hello",
    sender: str | bytes | None = "From: Ana <ana@example.org>",
    top: bytes | None = None,
) -> bytes:
    """A mail with these header lines below SES's own; text is UTF-8."""
    lines = [*([] if sender is None else [sender]), *headers, "", body]
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return (verdicts() if top is None else top) + b"\r\n".join(encoded)

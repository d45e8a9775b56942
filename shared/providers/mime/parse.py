"""A stored mail, made into an InboundMessage."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from shared.model.entry import Channel, File
from shared.model.identity import Trust
from shared.model.message import Delivery, InboundMessage
from shared.providers.mime import references, structure
from shared.providers.mime.automatic import is_automatic
from shared.providers.mime.body import Body, read_body
from shared.providers.mime.charsets import one_line
from shared.providers.mime.defects import Defect
from shared.providers.mime.files import read_files
from shared.providers.mime.headers import decode_words
from shared.providers.mime.quoting import split_reply
from shared.providers.mime.sender import UNKNOWN_SENDER, read_sender
from shared.providers.mime.structure import Headers, Part
from shared.providers.mime.verdicts import judge, read_verdicts

PROVIDER = "ses"
MAX_SUBJECT = 500

_AUTHORED = ("message-id", "from", "date", "subject", "in-reply-to", "references", "content-type")
_QUARANTINED = Body(text="", html="", files=())


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A message, and the files whose attachments it lists, in the same order."""

    message: InboundMessage
    files: tuple[File, ...]


def parse_mail(
    raw: bytes, *, received_at: datetime, mail_domain: str, raw_key: str, delivery_id: str
) -> ParsedMail:
    """What somebody mailed to `mail_domain`, as SES stored it under `raw_key`.

    Never raises, whatever the mail is like: what could not be read is listed in the message's
    `defects`. Mail whose sender cannot be told is from UNKNOWN_SENDER, unproven; mail with a
    virus has neither text nor files. `delivery_id` is SES's message id; the attachments have no
    `object_key` yet.
    """
    delivery = Delivery(PROVIDER, delivery_id)
    try:
        return _read(raw, delivery, received_at, mail_domain, raw_key)
    except Exception:  # the last resort: better a row that points at the raw mail than no row
        unreadable = InboundMessage(
            delivery=delivery,
            channel=Channel.EMAIL,
            sender=UNKNOWN_SENDER,
            trust=Trust.CLAIMED,
            evidence="unreadable",
            received_at=received_at,
            raw_key=raw_key,
            defects=(Defect.UNREADABLE.value,),
            size_bytes=len(raw),
        )
        return ParsedMail(unreadable, ())


def _read(
    raw: bytes, delivery: Delivery, received_at: datetime, mail_domain: str, raw_key: str
) -> ParsedMail:
    defects: set[Defect] = set()
    mail = structure.read(raw, defects)
    headers = mail.headers
    sender = read_sender(headers, defects)
    verdicts = read_verdicts(headers)
    trust, evidence = judge(sender, verdicts, defects)
    if verdicts.spam == "FAIL":
        defects.add(Defect.SPAM)
    if verdicts.virus == "FAIL":
        defects.add(Defect.VIRUS)
    body = _QUARANTINED if Defect.VIRUS in defects else read_body(mail, defects)
    files = read_files(body.files, defects)
    subject = one_line(decode_words(headers.first("subject")), MAX_SUBJECT)
    text, quoted_text = split_reply(body.text.strip("\n"), subject)
    recipients = references.read_recipients(headers, verdicts, mail_domain)
    message = InboundMessage(
        delivery=delivery,
        channel=Channel.EMAIL,
        sender=sender.address,
        trust=trust,
        evidence=evidence,
        received_at=received_at,
        occurred_at=_date(headers, defects),
        recipient=next(iter(recipients), ""),
        author_name=sender.name,
        subject=subject,
        text=text.rstrip(),
        html=body.html,
        quoted_text=quoted_text.rstrip(),
        attachments=tuple(file.attachment for file in files),
        automatic=is_automatic(mail, sender, verdicts),
        reply_token=references.read_reply_token(recipients),
        message_id=references.read_message_id(headers),
        fingerprint=_fingerprint(mail),
        references=references.read_references(headers),
        raw_key=raw_key,
        defects=tuple(sorted(defect.value for defect in defects)),
        size_bytes=len(raw),
    )
    return ParsedMail(message, files)


def _fingerprint(mail: Part) -> str:
    """What stays the same when a mail reaches two of our addresses: what its author wrote.

    A Message-ID alone is anybody's to choose, so it says nothing without all the rest.
    """
    if not references.read_message_id(mail.headers):
        return ""
    digest = sha256(mail.body)
    for name in _AUTHORED:
        for value in mail.headers.all(name):
            digest.update(f"\n{name}:{value}".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _date(headers: Headers, defects: set[Defect]) -> datetime | None:
    """The Date header in UTC, which it also is where it names no zone (`-0000`); else None."""
    written = headers.first("date")
    if not written:
        return None
    try:
        date = parsedate_to_datetime(written[:200])
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        defects.add(Defect.DATE_UNREADABLE)
        return None

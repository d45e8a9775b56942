"""A text or WhatsApp message as Twilio posts it.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request (read 2026-11-21). Twilio adds
fields without notice and sends no time, so the time of receipt is the message's.
"""

import mimetypes
import re
from datetime import datetime

from shared.model.entry import Attachment, Channel
from shared.model.errors import MalformedMessageError
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery, InboundMessage
from shared.providers.twilio.media_urls import media_type
from shared.runtime.webhook import Form

PROVIDER = "twilio"
WHATSAPP = "whatsapp:"
MOST_MEDIA = 10  # per message

_SID = re.compile(r"\w{1,64}", re.ASCII)
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
# A WhatsApp user without a phone number to us: country, perhaps ENT, up to 128 letters and digits.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
_BUSINESS_SCOPED_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
# Elsewhere a media URL could point into our own network.
_MEDIA_URL = re.compile(r"https://(?:[a-z0-9-]+\.)+twilio\.com/[\w./?=&%-]*", re.ASCII)


def parse_message(
    form: Form,
    received_at: datetime,
    *,
    evidence: str = "twilio-signature",
    occurred_at: datetime | None = None,
) -> InboundMessage:
    """The message in a webhook whose signature was checked, or in Twilio's own list.

    Raises MalformedMessageError without a message id or a sender.
    """
    sid = form.first("MessageSid")
    if not _SID.fullmatch(sid):
        raise MalformedMessageError("the message has no id")
    channel, addresses = _addresses(form)
    attachments, defects = _media(form)
    text = form.first("Body").replace("\0", "")
    trust = Trust.VERIFIED
    if channel is Channel.SMS and not _E164.fullmatch(addresses[0].value):
        # A short code or a name: carriers let anyone choose one.
        trust = Trust.CLAIMED
        defects.append("the sender is not a phone number")
    if not text and not attachments:
        kind = form.first("MessageType") or "text"
        defects.append(f"nothing to show of a message of type {kind[:32]}")
    return InboundMessage(
        delivery=Delivery(PROVIDER, sid),
        channel=channel,
        sender=addresses[0],
        vouched=addresses[1:],
        trust=trust,
        evidence=evidence,
        received_at=received_at,
        occurred_at=occurred_at,
        recipient=form.first("To").removeprefix(WHATSAPP),
        author_name=form.first("ProfileName").replace("\0", "")[:256],
        text=text,
        attachments=attachments,
        defects=tuple(defects),
        provider_keyword=form.first("OptOutType"),
        service=form.first("MessagingServiceSid")[:64],
        segments=max(1, _number(form.first("NumSegments"))),
        size_bytes=len(text.encode("utf-8", "replace")),
    )


def _addresses(form: Form) -> tuple[Channel, tuple[Address, ...]]:
    """The channel, and every address the carrier vouches for: first the one it came from."""
    sender = form.first("From")
    if not sender.startswith(WHATSAPP):
        if not sender or len(sender) > 64:
            raise MalformedMessageError("the message has no sender")
        return Channel.SMS, (Address(IdentityKind.PHONE, sender),)
    number = form.first("WaId")
    known_as = (
        sender.removeprefix(WHATSAPP),
        form.first("ExternalUserId").removeprefix(WHATSAPP),
        f"+{number.removeprefix('+')}",
    )
    addresses = tuple(dict.fromkeys(a for value in known_as if (a := _whatsapp_address(value))))
    if not addresses:
        raise MalformedMessageError("the message has no sender")
    return Channel.WHATSAPP, addresses


def _whatsapp_address(value: str) -> Address | None:
    if _E164.fullmatch(value):
        return Address(IdentityKind.PHONE, value)
    if _BUSINESS_SCOPED_ID.fullmatch(value):
        return Address(IdentityKind.WHATSAPP, value)
    return None


def _media(form: Form) -> tuple[tuple[Attachment, ...], list[str]]:
    attachments, defects = [], []
    for index in range(min(_number(form.first("NumMedia")), MOST_MEDIA)):
        kind = media_type(form.first(f"MediaContentType{index}"))
        url = form.first(f"MediaUrl{index}")
        if not _MEDIA_URL.fullmatch(url):
            defects.append(f"file {index + 1} is not at Twilio and was not fetched")
            url = ""
        extension = mimetypes.guess_extension(kind) or ""
        attachments.append(
            Attachment(name=f"file-{index + 1}{extension}", media_type=kind, source_url=url)
        )
    return tuple(attachments), defects


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0

"""Messages as providers' adapters make them, with all that a test does not care about."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shared.model.cost import Cost
from shared.model.entry import Channel
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery, InboundMessage

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANA_PHONE = Address(IdentityKind.PHONE, "+14155550101")
ANA_EMAIL = Address(IdentityKind.EMAIL, "ana@example.com")
ANA_CHAT = Address(IdentityKind.CHAT, "v-12")
OUR_NUMBER = "+14155550000"

_numbers = count(1)


def price(message: InboundMessage) -> Cost:
    """A flat price, so that sums are easy to check."""
    return Cost(
        provider_micro_usd=8_300,
        own_micro_usd=10,
        category=f"{message.channel}.in",
        units=message.segments,
        rate="test",
    )


def sms(text: str = "hello", *, sender: Address = ANA_PHONE, **fields: Any) -> InboundMessage:
    """A text message whose webhook was signed."""
    at = fields.pop("received_at", NOW)
    return InboundMessage(
        delivery=Delivery("twilio", fields.pop("sid", f"SM{next(_numbers):032d}")),
        channel=Channel.SMS,
        sender=sender,
        trust=Trust.VERIFIED,
        evidence="twilio-signature",
        received_at=at,
        recipient=OUR_NUMBER,
        text=text,
        **fields,
    )


def mail(
    text: str = "hello",
    *,
    subject: str = "Where is my order?",
    sender: Address = ANA_EMAIL,
    trust: Trust = Trust.VERIFIED,
    **fields: Any,
) -> InboundMessage:
    """An e-mail that passed DMARC, unless told otherwise."""
    number = next(_numbers)
    return InboundMessage(
        delivery=Delivery("ses", fields.pop("ses_id", f"ses-{number}")),
        channel=Channel.EMAIL,
        sender=sender,
        trust=trust,
        evidence="dmarc=pass" if trust is Trust.VERIFIED else "dmarc=fail",
        received_at=fields.pop("received_at", NOW),
        recipient="support@in.example.com",
        subject=subject,
        text=text,
        message_id=fields.pop("message_id", f"mail-{number}@example.com"),
        **fields,
    )


def chat(
    text: str = "hello",
    *,
    visitor: Address = ANA_CHAT,
    vouched: tuple[Address, ...] = (),
    verified: bool = True,
    **fields: Any,
) -> InboundMessage:
    """A chat message signed by the site, whose visitor the site vouches for unless told."""
    return InboundMessage(
        delivery=Delivery("chat:default", fields.pop("webhook_id", f"msg-{next(_numbers)}")),
        channel=Channel.CHAT,
        sender=visitor,
        trust=Trust.VERIFIED if verified else Trust.CLAIMED,
        evidence="chat-signature",
        received_at=fields.pop("received_at", NOW),
        vouched=vouched,
        text=text,
        **fields,
    )


def later(**by: float) -> datetime:
    """A while after NOW."""
    return NOW + timedelta(**by)

"""A message as a provider's wire is translated into it, before anything is known of its sender."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Attachment, Channel
from shared.model.identity import Address, Trust


@dataclass(frozen=True, slots=True)
class Delivery:
    """One provider's one request to us; it may arrive many times and counts once."""

    provider: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """What somebody sent us over any channel, in one shape.

    `trust` and `evidence` say how far `sender` is proven by this very message (`claimed` for mail
    that passed no DMARC). `vouched` are further addresses the same proof covers, `claims` what the
    person merely typed. `occurred_at` is the provider's time, None where it sends none.
    `message_id` and `references` are RFC 5322 ids without angle brackets; `reply_token` is the
    token in the recipient address, unchecked. `fingerprint` is what all deliveries of one mail
    have in common; "" where a delivery is a message. `segments` and `size_bytes` are what is
    priced. `provider_keyword` is the provider's own word for an opt-out keyword, `STOP` for one;
    `service` the provider's group of numbers that `recipient` is one of.
    """

    delivery: Delivery
    channel: Channel
    sender: Address
    trust: Trust
    evidence: str
    received_at: datetime
    occurred_at: datetime | None = None
    recipient: str = ""
    author_name: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    quoted_text: str = ""
    attachments: tuple[Attachment, ...] = ()
    vouched: tuple[Address, ...] = ()
    claims: tuple[Address, ...] = ()
    automatic: bool = False
    reply_token: str = ""
    message_id: str = ""
    fingerprint: str = ""
    references: tuple[str, ...] = ()
    raw_key: str = ""
    defects: tuple[str, ...] = ()
    provider_keyword: str = ""
    service: str = ""
    segments: int = 1
    size_bytes: int = 0

    @property
    def senders(self) -> frozenset[str]:
        """What an answer may come from: the number it was sent to, or its whole service."""
        return frozenset(filter(None, (self.recipient, self.service)))

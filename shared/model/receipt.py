"""What became of an outbound message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.cost import Price


class ReceiptState(StrEnum):
    """The states of outbound.md §2: our own first, then what providers report."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RETRY = "retry"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    STOPPED = "stopped"
    CANCELED = "canceled"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptKey:
    """Where a receipt lies: its home contact, its entry's time and id."""

    home: str
    at: datetime
    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The small item beside each outbound entry; it moves only forward.

    `rank` orders what a provider reports (rules/receipts.py), `steps` keeps the first time of
    every state, `error` the first reason given. `claim_id` is the sender's that holds it until
    `claimed_until`; `lost_at` is when its fate was last no longer known. `booked_micro_usd` is what
    the ledger holds for this message now; `price` is what the provider billed, once that is known,
    `price_micro_usd` the same converted. `ladder_id` names the
    notice that waits for it; `passed_over`: another message has left in its place.
    """

    key: ReceiptKey
    state: ReceiptState
    rank: int = 0
    attempt: int = 0
    revision: int = 1
    claim_id: str = ""
    claimed_until: datetime | None = None
    lost_at: datetime | None = None
    provider: str = ""
    provider_id: str = ""
    steps: Mapping[str, datetime] = field(default_factory=dict)
    error: str = ""
    booked_micro_usd: int = 0
    price: Price | None = None
    price_micro_usd: int = 0
    ladder_id: str = ""
    passed_over: bool = False
    conversation_id: str = ""
    address_key: str = ""
    channel: str = ""

    def is_held(self, now: datetime) -> bool:
        """Whether somebody is just sending the message."""
        if self.state is not ReceiptState.CLAIMED or self.claimed_until is None:
            return False
        return self.claimed_until > now

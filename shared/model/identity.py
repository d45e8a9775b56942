"""Who somebody is: addresses, how far they are trusted, and what is kept about each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class IdentityKind(StrEnum):
    """The kinds of point at which a contact can be known."""

    EMAIL = "email"
    PHONE = "phone"
    CHAT = "chat"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    EXTERNAL = "external"


class Trust(StrEnum):
    """How an address is known to be somebody's, weakest last."""

    VERIFIED = "verified"
    ASSERTED = "asserted"
    CLAIMED = "claimed"

    @property
    def rank(self) -> int:
        """Greater is better proof."""
        return _TRUST_RANK[self]


_TRUST_RANK = {Trust.CLAIMED: 0, Trust.ASSERTED: 1, Trust.VERIFIED: 2}

# Numbers that carriers write in two ways; the shorter or older form is folded into the key only.
_NATIONAL_VARIANTS = (
    (re.compile(r"^\+55(\d\d)9(\d{8})$"), r"+55\1\2"),  # Brazil's ninth digit
    (re.compile(r"^\+521(\d{10})$"), r"+52\1"),  # Mexico's mobile 1
    (re.compile(r"^\+549(\d{10})$"), r"+54\1"),  # Argentina's mobile 9
)


@dataclass(frozen=True, slots=True)
class Address:
    """One point at which a contact is known: a kind, and the raw value as it is shown."""

    kind: IdentityKind
    value: str

    @property
    def canonical(self) -> str:
        """The form that decides whether two addresses are the same one; part of the stored key."""
        if self.kind is IdentityKind.PHONE:
            for pattern, short in _NATIONAL_VARIANTS:
                if pattern.match(self.value):
                    return pattern.sub(short, self.value)
            return self.value
        if self.kind is IdentityKind.EMAIL:
            return self.routable.casefold()
        return self.value

    @property
    def routable(self) -> str:
        """An e-mail address as SMTP takes it: as it was written, but for its domain in ASCII."""
        local, _, domain = self.value.rpartition("@")
        return f"{local}@{_ascii_domain(domain)}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def _ascii_domain(domain: str) -> str:
    lowered = domain.lower()
    try:
        return lowered.encode("idna").decode("ascii")
    except UnicodeError:
        return lowered


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationHint:
    """The conversation an address was last written to or from; a hint a transaction proves."""

    conversation_id: str
    home: str
    closed_at: datetime | None = None
    subject_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is kept about one address. It travels with the address when contacts are split.

    `home` is the contact whose partition holds its entries, `root` a hint at the contact those
    belong to now. Costs are lifetime totals in micro-USD. `shared`: several people use it, and
    `candidates` are contacts it may concern beside its home. `separated`: an agent split it off.
    Proof about an address that is either joins nothing by itself. `consent` is what the log of
    statements comes to (rules/consent.py), the last of which was made at `consent_at`; a provider
    lets nothing through to it from `blocked_senders`; mail to it has `bounced` for good. A text was
    last sent to us at `texted` (our number, and the service that is in), a WhatsApp message at the
    time `whatsapp_at`.
    """

    key: str
    address: Address
    home: str
    root: str
    trust: Trust
    evidence: str
    since: datetime
    seen: datetime
    messages: int = 0
    cost_micro_usd: int = 0
    cost_by_channel: Mapping[str, int] = field(default_factory=dict)
    conversation: ConversationHint | None = None
    consent: Mapping[str, str] = field(default_factory=dict)
    consent_at: datetime | None = None
    blocked_senders: frozenset[str] = frozenset()
    bounced: bool = False
    texted: frozenset[str] = frozenset()
    whatsapp_at: datetime | None = None
    shared: bool = False
    candidates: frozenset[str] = frozenset()
    separated: bool = False
    erased_at: datetime | None = None

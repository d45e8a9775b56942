"""What recording one message writes, and what stood in its way, in the words of the domain."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.entry import Entry
from shared.model.events import Change
from shared.model.identity import Address, Identity, Trust
from shared.model.notification import Release
from shared.model.receipt import Receipt
from shared.model.statement import ConsentChange, ConsentRequest


class Placement(StrEnum):
    """How a message relates to its conversation."""

    USE = "use"  # it goes on in an open one
    REOPEN = "reopen"  # it opens a recently resolved one again
    OPEN = "open"  # it opens a new one
    GUEST = "guest"  # its author is not in it: shown there, changing nothing
    MARK = "mark"  # unproven or automatic: it names one and changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The conversation a message goes to, as far as is known; a transaction proves it.

    `forced`: a reply token, a thread header or an agent names it. `alone`: open a new one only
    while the contact has no other open one. `continued_from` links a new one to a closed one.
    """

    placement: Placement
    conversation_id: str
    home: str = ""
    resolved_at: datetime | None = None
    forced: bool = False
    alone: bool = False
    continued_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What makes a message count once: a delivery, an idempotency key, or once per event.

    `request_hash` tells a repeated request from another one under the same key.
    """

    provider: str
    id: str
    request_hash: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedEntry:
    """Where the entry lies that a marker stands for."""

    home: str
    at: datetime
    entry_id: str
    conversation_id: str = ""
    request_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One address as a message proves it: by itself, or by the word of a site's back end.

    `before` is what the table held for it, None when it was not known.
    """

    key: str
    address: Address
    trust: Trust
    evidence: str
    before: Identity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An address somebody typed: kept apart, identifying nobody."""

    key: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One message as one transaction.

    `entry.home` is where it goes, `root` the profile that is checked or changed with it.
    `sender` is the address the message came through (inbound) or goes to (outbound). `vouched`
    are further proven addresses to be added to the contact. With `new_contact` the profile is
    made too. `copies` marks this mail, whichever delivery of it comes first. `moves` says whether
    pointers and activity follow this message. `consent` is what it changes about writing to the
    sender, `asked` what an agent is to decide about that. A text was sent to `texted` of ours.
    `release` goes with the message of a notification.
    """

    marker: Marker
    entry: Entry
    sender: Proof
    route: Route
    root: str
    now: datetime
    copies: Marker | None = None
    new_contact: bool = False
    moves: bool = True
    vouched: tuple[Proof, ...] = ()
    claims: tuple[Claim, ...] = ()
    message_ids: tuple[str, ...] = ()
    reference: str = ""
    subject_hash: str = ""
    name: str = ""
    receipt: Receipt | None = None
    consent: ConsentChange | None = None
    asked: ConsentRequest | None = None
    texted: frozenset[str] = frozenset()
    change: Change | None = None
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which legs of a recording did not hold, each with what the table holds instead.

    An image is None both when its leg held and when there is no such item; the flags tell.
    """

    marked: MarkedEntry | None = None
    copied: MarkedEntry | None = None
    identity_failed: bool = False
    identity: Identity | None = None
    root_failed: bool = False
    root: Profile | None = None
    home_failed: bool = False
    home: Profile | None = None
    conversation_failed: bool = False
    conversation: Conversation | None = None
    vouched_failed: bool = False
    reference_failed: bool = False
    release_failed: bool = False
    conflict: bool = False

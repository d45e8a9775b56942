"""What happened, past tense: ids and facts, never a message's words.

Each event travels as the detail of one event on the bus, its class name as detail type. Fields may
be added, never renamed or taken away. docs/events.md says when each is published.
"""

import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.conversation import Conversation, State
from shared.model.entry import AuthorType, Channel, Direction, Entry, Kind
from shared.model.erasure import Certificate
from shared.model.identity import Identity, IdentityKind, Trust
from shared.model.merge import Merge, Split
from shared.model.receipt import Receipt, ReceiptState
from shared.model.statement import Statement

SOURCE = "throughline"
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a write stamps on its item for the relay to publish.

    `events` are the names of what happened, `cause` the event or request that led to it, `depth`
    how many rules of ours lie between it and a person, `by` who did it.
    """

    events: tuple[str, ...]
    cause: str = ""
    correlation: str = ""
    depth: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """CloudEvents 1.0 attributes (https://cloudevents.io) and extensions of ours.

    `id` is made of what happened, so a repeated event has the id it had before. `time` (UTC) is
    when it happened, `correlation` what belongs together, the rest is as in `Change`.
    """

    id: str
    type: str
    time: datetime
    correlation: str
    depth: int
    cause: str
    source: str = SOURCE
    specversion: str = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecorded(Event):
    """An entry has come to lie on a timeline.

    With `occurred_at` and `entry_id`, `home_contact_id` is its place. `trust` says how far the
    address it came from, or goes to, is proven. `automatic`: a machine wrote it.
    `opens_conversation`: its conversation begins with it. `status` is what has become of an order,
    a call or whatever an app tells of (`shipped`); empty where nothing says so.
    `files_elsewhere`: files of it still lie at its provider.
    """

    entry_id: str
    home_contact_id: str
    conversation_id: str
    kind: Kind
    channel: Channel
    direction: Direction
    trust: Trust
    automatic: bool
    opens_conversation: bool
    author_type: AuthorType
    address_kind: IdentityKind | None
    occurred_at: datetime
    status: str
    files_elsewhere: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvent(Event):
    """What all events of a conversation tell: how it is since. Drop lower revisions.

    An empty `assignee` is nobody. `into_conversation_id` is the one it was joined to.
    """

    conversation_id: str
    home_contact_id: str
    reference: str
    state: State
    channels: tuple[str, ...]
    assignee: str
    into_conversation_id: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationOpened(ConversationEvent):
    """A conversation was opened, or opened again by an agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssigned(ConversationEvent):
    """A conversation got another assignee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAmended(ConversationEvent):
    """An open conversation was marked pending, or open again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResolved(ConversationEvent):
    """A conversation was resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationJoined(ConversationEvent):
    """A conversation turned out to be part of another one of the same contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaBreached(Event):
    """A customer has waited longer for an answer than they were promised.

    They wrote last by `channel`, and have waited since `waiting_since`; `first`: nobody has ever
    answered this conversation. An empty `assignee` is nobody.
    """

    conversation_id: str
    home_contact_id: str
    reference: str
    channel: Channel | None
    first: bool
    waiting_since: datetime
    assignee: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptChanged(Event):
    """An outbound message did not reach its recipient, or may not have.

    `error` is the provider's code or our own word for why. `attempt` counts the requests made.
    `ladder`: another message may leave in its place.
    """

    entry_id: str
    home_contact_id: str
    conversation_id: str
    occurred_at: datetime
    channel: Channel
    state: ReceiptState
    error: str
    attempt: int
    ladder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """A contact that was known already has one more address; its value stays in the table."""

    home_contact_id: str
    address_kind: IdentityKind
    trust: Trust
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(Event):
    """What an address may be written to about is different; `entry_id` tells of it.

    `state` is what was said, granted or denied; `own`: by the person's own act.
    """

    entry_id: str
    home_contact_id: str
    address_kind: IdentityKind
    medium: Medium
    purpose: Purpose
    state: ConsentState
    own: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMerged(Event):
    """Two contacts were declared to be one person; `other` answers with `survivor` from now on."""

    merge_id: str
    survivor_contact_id: str
    other_contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUnmerged(Event):
    """A merge was undone."""

    merge_id: str
    survivor_contact_id: str
    other_contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSplit(Event):
    """An address turned out to be another person's, who is a contact of their own from now on.

    What came through the address is on `target`'s timeline at once, whoever had it recorded.
    """

    split_id: str
    source_contact_id: str
    target_contact_id: str
    address_kind: IdentityKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactErased(Event):
    """A person is gone from the table: whoever keeps a copy of anything of theirs is to drop it."""

    contact_id: str
    member_contact_ids: tuple[str, ...]


EVENTS: tuple[type[Event], ...] = (
    EntryRecorded,
    ConversationOpened,
    ConversationAssigned,
    ConversationAmended,
    ConversationResolved,
    ConversationJoined,
    SlaBreached,
    ReceiptChanged,
    IdentityLinked,
    ConsentChanged,
    ContactMerged,
    ContactUnmerged,
    ContactSplit,
    ContactErased,
)


# ---- making them


def entry_recorded(entry: Entry, change: Change) -> EntryRecorded:
    """The event of an entry."""
    return EntryRecorded(
        metadata=_metadata(EntryRecorded, entry.id, entry.received_at, change),
        entry_id=entry.id,
        home_contact_id=entry.home,
        conversation_id=entry.conversation_id,
        kind=entry.kind,
        channel=entry.channel,
        direction=entry.direction,
        trust=entry.trust,
        automatic=entry.automatic,
        opens_conversation=entry.opens_conversation,
        author_type=entry.author.type,
        address_kind=entry.address.kind if entry.address else None,
        occurred_at=entry.occurred_at,
        status=_status(entry.data),
        files_elsewhere=any(file.is_elsewhere for file in entry.attachments),
    )


def _status(data: str) -> str:
    """The status in an app's data, if it is a code: what people wrote is in no event."""
    status = json.loads(data).get("status") if data else None
    return status if isinstance(status, str) and _CODE.fullmatch(status) else ""


def conversation_event(
    kind: type[ConversationEvent], conversation: Conversation, change: Change, at: datetime
) -> ConversationEvent:
    """An event of a conversation as it is since; `at` is when it was written."""
    if kind is ConversationOpened:
        at = conversation.last_activity_at
    return kind(
        metadata=_metadata(
            kind,
            f"{conversation.id}:{conversation.revision}",
            conversation.resolved_at or at,
            change,
        ),
        conversation_id=conversation.id,
        home_contact_id=conversation.home,
        reference=conversation.reference,
        state=conversation.state,
        channels=conversation.channels,
        assignee=conversation.assignee,
        into_conversation_id=conversation.joined.conversation_id if conversation.joined else "",
        revision=conversation.revision,
    )


def sla_breached(conversation: Conversation, change: Change) -> SlaBreached:
    """The event of a conversation that waits too long. Raises ValueError when it does not wait."""
    since, at = conversation.waiting_since, conversation.breached_at
    if since is None or at is None:
        raise ValueError("this conversation does not wait")
    return SlaBreached(
        metadata=_metadata(SlaBreached, f"{conversation.id}:{rfc3339(since)}", at, change),
        conversation_id=conversation.id,
        home_contact_id=conversation.home,
        reference=conversation.reference,
        channel=conversation.last_in.channel if conversation.last_in else None,
        first=conversation.first_response_at is None,
        waiting_since=since,
        assignee=conversation.assignee,
        revision=conversation.revision,
    )


def receipt_changed(receipt: Receipt, change: Change) -> ReceiptChanged:
    """The event of a receipt's present state."""
    key = receipt.key
    return ReceiptChanged(
        metadata=_metadata(
            ReceiptChanged,
            f"{key.entry_id}:{receipt.attempt}:{receipt.state}",
            receipt.steps[receipt.state],
            change,
        ),
        entry_id=key.entry_id,
        home_contact_id=key.home,
        conversation_id=receipt.conversation_id,
        occurred_at=key.at,
        channel=Channel(receipt.channel),
        state=receipt.state,
        error=receipt.error,
        attempt=receipt.attempt,
        ladder=bool(receipt.ladder_id),
    )


def identity_linked(identity: Identity, change: Change) -> IdentityLinked:
    """The event of an address that was added to a contact."""
    return IdentityLinked(
        metadata=_metadata(
            IdentityLinked, f"{identity.key}:{rfc3339(identity.since)}", identity.since, change
        ),
        home_contact_id=identity.home,
        address_kind=identity.address.kind,
        trust=identity.trust,
        evidence=identity.evidence,
    )


def consent_changed(
    statement: Statement, home: str, kind: IdentityKind, change: Change
) -> ConsentChanged:
    """The event of a statement that made a difference."""
    return ConsentChanged(
        metadata=_metadata(ConsentChanged, statement.id, statement.at, change),
        entry_id=statement.id,
        home_contact_id=home,
        address_kind=kind,
        medium=statement.medium,
        purpose=statement.purpose,
        state=statement.state,
        own=statement.own,
        source=statement.source,
    )


def merge_event(
    kind: type[ContactMerged] | type[ContactUnmerged], merge: Merge, change: Change
) -> ContactMerged | ContactUnmerged:
    """The event of a merge, or of its undoing."""
    return kind(
        metadata=_metadata(kind, merge.id, merge.undone_at or merge.at, change),
        merge_id=merge.id,
        survivor_contact_id=merge.survivor,
        other_contact_id=merge.other,
    )


def contact_split(split: Split, change: Change) -> ContactSplit:
    """The event of a split."""
    kind, _, _ = split.address.partition("#")
    return ContactSplit(
        metadata=_metadata(ContactSplit, split.id, split.at, change),
        split_id=split.id,
        source_contact_id=split.source,
        target_contact_id=split.target,
        address_kind=IdentityKind(kind),
    )


def contact_erased(contact_id: str, certificate: Certificate, change: Change) -> ContactErased:
    """The event of an erasure that has come to its end."""
    at = certificate.finished_at or certificate.requested_at
    return ContactErased(
        metadata=_metadata(ContactErased, contact_id, at, change),
        contact_id=contact_id,
        member_contact_ids=certificate.members,
    )


# ---- on the wire


def detail(event: Event | Metadata) -> dict[str, Any]:
    """The event as JSON takes it."""
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event)}


def rfc3339(at: datetime) -> str:
    """A time in UTC with milliseconds, as everywhere on the wire."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    match value:
        case Metadata():
            return detail(value)
        case datetime():
            return rfc3339(value)
        case tuple():
            return list(value)
        case _:
            return value


def _metadata(kind: type[Event], subject: str, at: datetime, change: Change) -> Metadata:
    return Metadata(
        id=f"{kind.__name__}:{subject}",
        type=kind.__name__,
        time=at,
        correlation=change.correlation,
        depth=change.depth,
        cause=change.cause,
    )

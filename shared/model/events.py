"""What happened, past tense: ids and facts, never a message's words.

Each event travels as the detail of one event on the bus, its class name as detail type. Fields may
be added, never renamed or taken away. docs/events.md says when each is published.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from shared.model.conversation import Conversation
from shared.model.entry import AuthorType, Channel, Direction, Entry, Kind
from shared.model.identity import Identity, IdentityKind, Trust
from shared.model.receipt import Receipt, ReceiptState

SOURCE = "throughline"


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
    """

    entry_id: str
    home_contact_id: str
    conversation_id: str
    kind: Kind
    channel: Channel
    direction: Direction
    trust: Trust
    automatic: bool
    author_type: AuthorType
    address_kind: IdentityKind | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationOpened(Event):
    """A conversation was opened, or opened again by an agent."""

    conversation_id: str
    home_contact_id: str
    reference: str
    channels: tuple[str, ...]
    assignee: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssigned(Event):
    """A conversation got another assignee; an empty one is nobody."""

    conversation_id: str
    home_contact_id: str
    reference: str
    assignee: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResolved(Event):
    """A conversation was resolved."""

    conversation_id: str
    home_contact_id: str
    reference: str
    assignee: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptChanged(Event):
    """An outbound message did not reach its recipient, or may not have.

    `error` is the provider's code or our own word for why. `attempt` counts the requests made.
    """

    entry_id: str
    home_contact_id: str
    conversation_id: str
    occurred_at: datetime
    channel: Channel
    state: ReceiptState
    error: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """A contact that was known already has one more address; its value stays in the table."""

    home_contact_id: str
    address_kind: IdentityKind
    trust: Trust
    evidence: str


EVENTS: tuple[type[Event], ...] = (
    EntryRecorded,
    ConversationOpened,
    ConversationAssigned,
    ConversationResolved,
    ReceiptChanged,
    IdentityLinked,
)


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
        author_type=entry.author.type,
        address_kind=entry.address.kind if entry.address else None,
        occurred_at=entry.occurred_at,
    )


def conversation_opened(conversation: Conversation, change: Change) -> ConversationOpened:
    """The event of a conversation that is open."""
    return ConversationOpened(
        metadata=_metadata(
            ConversationOpened,
            f"{conversation.id}:{conversation.revision}",
            conversation.last_activity_at,
            change,
        ),
        conversation_id=conversation.id,
        home_contact_id=conversation.home,
        reference=conversation.reference,
        channels=conversation.channels,
        assignee=conversation.assignee,
        revision=conversation.revision,
    )


def conversation_assigned(
    conversation: Conversation, change: Change, at: datetime
) -> ConversationAssigned:
    """The event of a conversation whose assignee was changed at `at`."""
    return ConversationAssigned(
        metadata=_metadata(
            ConversationAssigned, f"{conversation.id}:{conversation.revision}", at, change
        ),
        conversation_id=conversation.id,
        home_contact_id=conversation.home,
        reference=conversation.reference,
        assignee=conversation.assignee,
        revision=conversation.revision,
    )


def conversation_resolved(conversation: Conversation, change: Change) -> ConversationResolved:
    """The event of a conversation that is resolved."""
    return ConversationResolved(
        metadata=_metadata(
            ConversationResolved,
            f"{conversation.id}:{conversation.revision}",
            conversation.resolved_at or conversation.last_activity_at,
            change,
        ),
        conversation_id=conversation.id,
        home_contact_id=conversation.home,
        reference=conversation.reference,
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

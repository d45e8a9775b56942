"""What a rule of the template wants a customer to be told, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.entry import AuthorType, Channel, Kind
from shared.model.events import rfc3339
from shared.model.identity import Identity, Trust
from shared.model.receipt import ReceiptKey

ORIGIN = "origin"
"""The rung of a ladder that stands for where the customer last wrote on the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event that may lead to a notification; `home` is the contact it happened to.

    `type` is the event's. What an event does not tell (only entries have a place, a trust, an
    author and a kind) is None or empty.
    """

    id: str
    type: str
    time: datetime
    correlation: str
    depth: int
    home: str
    conversation_id: str = ""
    entry_id: str = ""
    occurred_at: datetime | None = None
    automatic: bool = False
    trust: Trust | None = None
    author: AuthorType | None = None
    kind: Kind | None = None

    @property
    def matter(self) -> str:
        """What it is about: events about one matter make one notification."""
        return self.conversation_id or self.entry_id or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a rule in template.yaml asks for: its constants, and the event.

    `ladder` names channels or ORIGIN, the first choice first; `wait_seconds` is how long a rung may
    stay without success before the next. Events within `debounce_seconds` of the first make one
    notification. `urgent` ones leave at night too.
    """

    rule: str
    template: str
    purpose: str
    ladder: tuple[str, ...]
    wait_seconds: int
    debounce_seconds: int
    urgent: bool
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a notification goes: by the ladder's `rung`th choice."""

    channel: Channel
    identity: Identity
    rung: int = 0


class NoticeKind(StrEnum):
    """What a notice waits for."""

    DEBOUNCE = "debounce"  # more events about the same matter, or the morning
    LADDER = "ladder"  # what becomes of the message that was sent last


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification that waits until `due` (UTC): nothing of it is on the timeline yet.

    `rung` is the first of the ladder that is still open, `after` the message whose failure, or
    silence, is waited for.
    """

    kind: NoticeKind
    request: Request
    due: datetime
    rung: int = 0
    after: ReceiptKey | None = None

    @property
    def home(self) -> str:
        """The contact it lies with."""
        return self.request.cause.home

    @property
    def id(self) -> str:
        """What it is found by, among the contact's of its kind."""
        return f"{self.request.rule}#{self.request.cause.matter}"

    @property
    def stamp(self) -> str:
        """Differs whenever the notice does; whoever acts on one proves it unchanged."""
        return f"{self.request.cause.id}#{self.rung}#{rfc3339(self.due)}"


@dataclass(frozen=True, slots=True)
class NoticeKey:
    """Where a notice lies."""

    kind: NoticeKind
    home: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTimes:
    """When a contact was sent what counts towards one hourly cap, the last hour's times.

    `scope` is empty for everything, or names a rule and an address. `revision` 0: none is kept.
    """

    contact_id: str
    scope: str
    times: tuple[datetime, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is written with a notification's message, or the message is not written.

    `notice` is dealt with and still unchanged, `sent` are the caps as they were read, `next` the
    notice that waits for the new message, `passed_over` the message (in that revision) that did not
    come through.
    """

    notice: Notice
    sent: tuple[SentTimes, ...]
    next: Notice | None = None
    passed_over: tuple[ReceiptKey, int] | None = None

"""Entries about one matter, over any channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.entry import Channel
from shared.model.identity import Trust


class State(StrEnum):
    """Where a conversation stands."""

    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"


class WaitingOn(StrEnum):
    """Whose turn it is."""

    AGENT = "agent"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastIn:
    """Where the customer last wrote in a conversation: the address an answer goes back to.

    `trust` is how far that very message proved its sender.
    """

    address_key: str
    channel: Channel
    message_id: str = ""
    trust: Trust = Trust.VERIFIED


@dataclass(frozen=True, slots=True)
class Joined:
    """The conversation that this one turned out to be part of."""

    conversation_id: str
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One matter of one contact. `parts` maps address keys that wrote here to their homes.

    `includes` are conversations that turned out to be part of this one. `revision` grows with each
    change an agent or a rule made, and numbers its events. `waiting_since` is when the customer
    wrote what no agent has answered yet, `breached_at` when that had waited longer than promised.
    """

    id: str
    home: str
    reference: str
    subject: str
    state: State
    opened_at: datetime
    last_activity_at: datetime
    revision: int = 1
    channels: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    assignee: str = ""
    resolved_at: datetime | None = None
    first_response_at: datetime | None = None
    waiting_on: WaitingOn | None = None
    waiting_since: datetime | None = None
    breached_at: datetime | None = None
    last_in: LastIn | None = None
    joined: Joined | None = None
    includes: tuple[str, ...] = ()
    continued_from: str = ""

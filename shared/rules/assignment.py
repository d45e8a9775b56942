"""Who is to answer a new conversation: the agent its contact is used to, if they are there."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.conversation import Conversation, State, WaitingOn
from shared.model.errors import MalformedMessageError

STALE_AFTER = timedelta(hours=24)  # a replay of the archive must assign nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A `ConversationOpened`, by its own id; `at` is when that was, `depth` as in `Change`."""

    event_id: str
    conversation_id: str
    revision: int
    depth: int
    at: datetime


class Verdict(StrEnum):
    """What becomes of a conversation that was opened."""

    ASSIGNED = "assigned"
    UNAVAILABLE = "unavailable"  # the agent they are used to is not there
    UNKNOWN = "unknown"  # nobody was ever assigned to this contact
    PASSED = "passed"  # it was changed since, does not wait for an agent, or is long past


def read_opened(body: str) -> Opened:
    """The event as the bus hands it to a queue. Raises MalformedMessageError."""
    try:
        told = json.loads(body)["detail"]
        return Opened(
            event_id=told["metadata"]["id"],
            conversation_id=told["conversation_id"],
            revision=int(told["revision"]),
            depth=int(told["metadata"]["depth"]),
            at=datetime.fromisoformat(told["metadata"]["time"]),
        )
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise MalformedMessageError("this is no ConversationOpened") from error


def is_stale(opened: Opened, now: datetime) -> bool:
    """Whether it is told long after it happened."""
    return now - opened.at > STALE_AFTER


def is_unchanged(conversation: Conversation, revision: int) -> bool:
    """Whether it still is as at that revision, and its customer waits for a first answer."""
    return (
        conversation.revision == revision
        and conversation.state is State.OPEN
        and conversation.waiting_on is WaitingOn.AGENT
        and conversation.first_response_at is None
    )


def decide(
    conversation: Conversation,
    revision: int,
    agent: str,
    available_until: datetime | None,
    now: datetime,
) -> Verdict:
    """What becomes of a conversation whose contact is used to `agent` ("": to nobody)."""
    if conversation.assignee or not is_unchanged(conversation, revision):
        return Verdict.PASSED
    if not agent:
        return Verdict.UNKNOWN
    if available_until is None or available_until <= now:
        return Verdict.UNAVAILABLE
    return Verdict.ASSIGNED


def reason(verdict: Verdict, agent: str) -> str:
    """What the timeline says of it."""
    match verdict:
        case Verdict.ASSIGNED:
            return f"Assigned to {agent}, who had this contact's last conversation."
        case Verdict.UNAVAILABLE:
            return f"Not assigned: {agent}, who had this contact's last conversation, is away."
        case _:
            return ""


def release_reason(agent: str) -> str:
    """What the timeline says when it is taken back."""
    return f"Taken back from {agent}, who did not answer in time."

"""Give a new conversation to the agent its contact is used to, and take it back in time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.conversation import Conversation
from shared.model.due import Task, TaskKind
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind
from shared.model.errors import ConflictError, GoneError, NotFoundError, UnavailableError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.recording import Marker
from shared.rules import assignment
from shared.rules.assignment import Opened, Verdict
from shared.rules.ordering import to_milliseconds
from shared.store import agents, conversations, due, notes
from shared.store.contacts import get_profile
from shared.store.roots import root_of
from shared.store.table import Leg, Table

RULE = "sticky_agent"
_TRIES = 6
# A dead letter is kept for 14 days, and put back by hand.
_MARKED = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What became of a conversation, and the agent it is about."""

    verdict: Verdict
    agent: str = ""


def assign(
    opened: Opened,
    *,
    table: Table,
    now: datetime,
    wait: timedelta,
    make_id: NewId = new_id,
) -> Assigned:
    """Assign a conversation that was opened, once for each event; the timeline says why.

    It is taken back after `wait` without an answer. Raises UnavailableError.
    """
    if assignment.is_stale(opened, now):
        return Assigned(verdict=Verdict.PASSED)
    for _ in range(_TRIES):
        try:
            seen = conversations.get(table, opened.conversation_id)
            root = root_of(table, get_profile(table, seen.home))
        except (NotFoundError, GoneError):
            return Assigned(verdict=Verdict.PASSED)
        if seen.id != opened.conversation_id:
            return Assigned(verdict=Verdict.PASSED)
        until = agents.get_available_until(table, root.assignee) if root.assignee else None
        verdict = assignment.decide(seen, opened.revision, root.assignee, until, now)
        text = assignment.reason(verdict, root.assignee)
        if not text:
            return Assigned(verdict=verdict)
        change = _change(seen, opened.event_id, opened.depth + 1)
        beside: list[Leg] = []
        if verdict is Verdict.ASSIGNED:
            task = Task(
                kind=TaskKind.ASSIGNMENT, home=seen.home, id=f"{seen.id}#{seen.revision + 1}"
            )
            beside = [
                agents.available_leg(root.assignee, now),
                agents.assign_leg(seen, root.assignee, change),
                due.task_leg(task, now + wait),
            ]
        if _tell(table, _entry(seen, text, now, make_id), opened.event_id, change, beside):
            return Assigned(verdict=verdict, agent=root.assignee)
    raise UnavailableError("this conversation is changing all the time")


def release(table: Table, task: Task, *, now: datetime, make_id: NewId = new_id) -> None:
    """Take a conversation back whose agent has not answered it, and end the task.

    What could not be done now is done when the task comes again.
    """
    conversation_id, _, revision = task.id.partition("#")
    try:
        seen = conversations.get(table, conversation_id)
        root_of(table, get_profile(table, seen.home))
    except (NotFoundError, GoneError):
        table.write_when_free(due.task_done_leg(task))
        return
    if seen.id != conversation_id or not assignment.is_unchanged(seen, int(revision)):
        table.write_when_free(due.task_done_leg(task))
        return
    change = _change(seen, f"task:{task.id}", 1)
    entry = _entry(seen, assignment.release_reason(seen.assignee), now, make_id)
    beside = (agents.assign_leg(seen, "", change), due.task_done_leg(task))
    _tell(table, entry, f"{RULE}#{task.id}", change, beside)


def _change(seen: Conversation, cause: str, depth: int) -> Change:
    return Change(
        events=("ConversationAssigned",), cause=cause, correlation=seen.id, depth=depth, by=RULE
    )


def _entry(seen: Conversation, text: str, now: datetime, make_id: NewId) -> Entry:
    return Entry(
        id=make_id("ent", now),
        home=seen.home,
        kind=Kind.ASSIGNMENT,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=Author(AuthorType.SYSTEM, id=RULE),
        conversation_id=seen.id,
        text=text,
        automatic=True,
    )


def _tell(
    table: Table, entry: Entry, counted_by: str, change: Change, beside: Iterable[Leg]
) -> bool:
    """Put it on the timeline with what is written beside it; False when something moved on."""
    now = entry.received_at
    marker = Marker(provider="event", id=counted_by, expires_at=now + _MARKED)
    recorded = replace(change, events=("EntryRecorded",))
    try:
        notes.write(table, entry, marker, recorded, now=now, beside=beside)
    except (ConflictError, NotFoundError):
        return False
    return True

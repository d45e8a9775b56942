"""Assign a conversation, or change where it stands."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.conversation import Conversation, State
from shared.model.errors import ConflictError
from shared.store import conversations
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is to be different; None leaves as it is, an `assignee` of "" is nobody.

    `last_activity_at` is the last activity the agent saw: what happened since makes it a conflict.
    """

    assignee: str | None = None
    state: State | None = None
    last_activity_at: datetime | None = None


def amend(
    table: Table, conversation_id: str, amendment: Amendment, *, now: datetime, by: str
) -> Conversation:
    """The conversation (id or reference) as it is after the amendment; repeating is harmless.

    Raises NotFoundError, ConflictError (it changed meanwhile, or is resolved), UnavailableError.
    """
    seen = conversations.find(table, conversation_id)
    if amendment.last_activity_at not in (None, seen.last_activity_at):
        raise ConflictError("the conversation went on since; read it again")
    state = None if amendment.state is seen.state else amendment.state
    assignee = None if amendment.assignee == seen.assignee else amendment.assignee
    if state is None and assignee is None:
        return seen
    if seen.state is State.RESOLVED and state is None:
        raise ConflictError("a resolved conversation has to be opened to be assigned")
    conversations.change(table, seen, now=now, by=by, assignee=assignee, state=state)
    return conversations.get(table, seen.id)

"""Keep an eye on how long customers wait for an answer."""

from datetime import datetime

from shared.model.conversation import Conversation
from shared.model.due import Task, Wait
from shared.model.errors import NotFoundError
from shared.rules.response import ServiceLevel
from shared.store import conversations, waits
from shared.store.table import Table


def follow(
    table: Table, before: Conversation | None, after: Conversation, level: ServiceLevel
) -> None:
    """Set or clear the timer of a promised answer, as one write to a conversation asks for.

    The same write may come again, never before an older one. Raises UnavailableError.
    """
    since = before.waiting_since if before else None
    if after.waiting_since == since:
        return
    if after.waiting_since and (until := level.until(after)):
        wait = Wait(
            conversation_id=after.id, home=after.home, since=after.waiting_since, until=until
        )
        waits.begin(table, wait)
    elif before and since and level.until(before):
        waits.end(table, before.home, before.id, since)


def breach(table: Table, task: Task, *, now: datetime) -> None:
    """Announce, once for each wait, that a promised answer has not come. Raises UnavailableError.

    Whatever was answered, resolved, joined or erased meanwhile is forgotten.
    """
    wait = waits.find(table, task.home, task.id)
    if wait is None or wait.until > now:
        return
    try:
        conversation = conversations.get(table, task.id)
    except NotFoundError:
        conversation = None
    lasts = conversation is not None and conversation.waiting_since == wait.since
    if conversation and conversation.id == task.id and lasts and not conversation.breached_at:
        waits.breach(table, conversation, wait, now=now)
    else:
        waits.end(table, wait.home, wait.conversation_id, wait.since)

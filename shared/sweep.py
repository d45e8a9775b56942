"""Wake what is due. Nothing is deleted here: whoever deals with it does that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from shared.model.due import Task
from shared.model.events import rfc3339
from shared.model.notification import NoticeKey
from shared.model.receipt import ReceiptKey
from shared.providers.sqs import MOST_MESSAGES, Queue
from shared.store.due import ready
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many messages and notices were woken, and the tasks that are to be gone on with."""

    messages: int
    notices: int
    tasks: tuple[Task, ...]


def sweep(table: Table, deliver_queue: Queue, notify_queue: Queue, now: datetime) -> Swept:
    """Put what is due on the queue of whoever deals with it, and list the tasks.

    What is still due in a minute is put there again, which does no harm. Raises UnavailableError.
    """
    due = list(ready(table, now))
    messages = [message_of(each) for each in due if isinstance(each, ReceiptKey)]
    notices = [notice_of(each) for each in due if isinstance(each, NoticeKey)]
    _put_all(deliver_queue, messages)
    _put_all(notify_queue, notices)
    return Swept(
        messages=len(messages),
        notices=len(notices),
        tasks=tuple(each for each in due if isinstance(each, Task)),
    )


def message_of(key: ReceiptKey) -> dict[str, Any]:
    """What deliver_message reads of a message whose time has come."""
    return {"home": key.home, "at": rfc3339(key.at), "entry": key.entry_id}


def notice_of(key: NoticeKey) -> dict[str, Any]:
    """What notify_customer reads of a notice whose time has come."""
    return {"due": str(key.kind), "home": key.home, "id": key.id}


def _put_all(queue: Queue, messages: Iterable[dict[str, Any]]) -> None:
    left = iter(messages)
    while batch := list(islice(left, MOST_MESSAGES)):
        queue.put(batch)

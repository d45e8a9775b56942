"""Wake what is due. Nothing is deleted here: whoever deals with it does that."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.model.due import Task
from shared.model.events import rfc3339
from shared.model.receipt import ReceiptKey
from shared.providers.sqs import MOST_MESSAGES, Queue
from shared.store.due import ready
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many messages were woken, and the tasks that are to be gone on with."""

    messages: int
    tasks: tuple[Task, ...]


def sweep(table: Table, deliver_queue: Queue, now: datetime) -> Swept:
    """Put every message whose time has come on the queue of deliver_message, and list the tasks.

    What is still due in a minute is put there again, which does no harm. Raises UnavailableError.
    """
    due = list(ready(table, now))
    messages = (each for each in due if isinstance(each, ReceiptKey))
    woken = 0
    while batch := list(islice(messages, MOST_MESSAGES)):
        deliver_queue.put(
            [{"home": key.home, "at": rfc3339(key.at), "entry": key.entry_id} for key in batch]
        )
        woken += len(batch)
    return Swept(messages=woken, tasks=tuple(each for each in due if isinstance(each, Task)))

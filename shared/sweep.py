"""Wake what is due. Nothing is deleted here: whoever deals with it does that."""

from datetime import datetime
from itertools import islice

from shared.model.events import rfc3339
from shared.model.receipt import ReceiptKey
from shared.providers.sqs import MOST_MESSAGES, Queue
from shared.store.due import ready
from shared.store.table import Table


def sweep(table: Table, deliver_queue: Queue, now: datetime) -> int:
    """Put every message whose time has come on the queue of deliver_message; how many there were.

    What is still due in a minute is put there again, which does no harm. Raises UnavailableError.
    """
    messages = (due for due in ready(table, now) if isinstance(due, ReceiptKey))
    woken = 0
    while batch := list(islice(messages, MOST_MESSAGES)):
        deliver_queue.put(
            [{"home": key.home, "at": rfc3339(key.at), "entry": key.entry_id} for key in batch]
        )
        woken += len(batch)
    return woken

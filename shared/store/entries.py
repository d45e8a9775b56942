"""One entry by where it lies."""

from datetime import datetime

from shared.model.entry import Attachment, Entry
from shared.model.errors import NotFoundError, UnavailableError
from shared.store import items, keys
from shared.store.moved import find_home
from shared.store.table import Table, TransactionRefusedError, Update


def get(table: Table, home: str, at: datetime, entry_id: str) -> Entry:
    """The entry as the table holds it, wherever a split has moved it. Raises NotFoundError."""
    item = table.get(keys.entry(home, at, entry_id))
    if item is None and (moved_to := find_home(table, home, at, entry_id)):
        item = table.get(keys.entry(moved_to, at, entry_id))
    if item is None:
        raise NotFoundError("no such entry")
    return items.read_entry(item)


def set_attachment(table: Table, entry: Entry, index: int, attachment: Attachment) -> None:
    """Put another attachment in the place of one of an entry's, as the entry was read.

    The next revision keeps a split or an erasure that read the entry before from missing it.
    Raises UnavailableError when the attachment or the entry's place is not as it was.
    """
    try:
        table.write(
            Update(
                keys.entry(entry.home, entry.occurred_at, entry.id),
                f"SET attachments[{index}] = :after, revision = revision + :one REMOVE #change",
                f"attachments[{index}] = :before",
                {
                    ":before": items.stored_attachment(entry.attachments[index]),
                    ":after": items.stored_attachment(attachment),
                    ":one": 1,
                },
                {"#change": "change"},
            )
        )
    except TransactionRefusedError as error:
        raise UnavailableError("the entry is not as it was read") from error

"""Promises, open and kept, beside the timeline of the contact they were made to."""

from dataclasses import replace
from datetime import datetime

from shared.model.errors import ConflictError, NotFoundError
from shared.model.promise import Promise
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.table import Put, Table, TransactionRefusedError, delete_as_read

_READ_AT_ONCE = 100


def leg(promise: Promise) -> Put:
    """What writes a new promise, beside the note that tells of it."""
    return Put(keys.promise(promise.home, promise.id, is_open=True), _item(promise))


def open_with(table: Table, contact_id: str) -> tuple[Promise, ...]:
    """The oldest hundred promises that are open with exactly this contact id: one Query."""
    prefix = keys.promises(is_open=True)
    found = table.query(
        keys.contact(contact_id),
        between=(prefix, prefix + keys.HIGHEST),
        limit=_READ_AT_ONCE,
        ascending=True,
    )
    return tuple(_read(item) for item in found.items)


def keep(table: Table, contact_id: str, promise_id: str, *, by: str, now: datetime) -> Promise:
    """Say that a promise was kept. Raises NotFoundError, and ConflictError when it was before."""
    kept_at = keys.promise(contact_id, promise_id, is_open=False)
    item = table.get(keys.promise(contact_id, promise_id, is_open=True))
    if item is None:
        if table.get(kept_at):
            raise ConflictError("this promise was kept already")
        raise NotFoundError("no such promise")
    kept = replace(_read(item), kept_by=by, kept_at=now)
    try:
        table.write(delete_as_read(item), Put(kept_at, _item(kept)))
    except TransactionRefusedError as error:
        raise ConflictError("this promise has just changed") from error
    return kept


def _item(promise: Promise) -> Item:
    return {
        "type": "promise",
        "schema": items.SCHEMA,
        "id": promise.id,
        "home": promise.home,
        "text": promise.text,
        "by": promise.by,
        "at": keys.timestamp(promise.at),
        "due": items.stored_time(promise.due),
        "conversation": promise.conversation_id,
        "kept_by": promise.kept_by,
        "kept_at": items.stored_time(promise.kept_at),
    }


def _read(item: Item) -> Promise:
    return Promise(
        id=item["id"],
        home=item["home"],
        text=item["text"],
        by=item["by"],
        at=keys.read_timestamp(item["at"]),
        due=items.optional_time(item.get("due")),
        conversation_id=item.get("conversation", ""),
        kept_by=item.get("kept_by", ""),
        kept_at=items.optional_time(item.get("kept_at")),
    )

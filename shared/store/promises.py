"""Promises, open and kept, beside the timeline of the contact they were made to."""

from collections.abc import Iterable
from dataclasses import replace

from shared.model.entry import Entry
from shared.model.promise import Promise
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.table import Delete, Put, Table

_READ_AT_ONCE = 100


def made_leg(promise: Promise) -> Put:
    """What writes a new promise, beside the note that tells of it."""
    return Put(keys.promise(promise.home, promise.id, is_open=True), _item(promise))


def kept_legs(promise: Promise, note: Entry) -> tuple[Delete, Put]:
    """What takes an open promise for kept, beside the note that tells of it."""
    kept = replace(promise, kept_by=note.author.id, kept_at=note.occurred_at)
    return (
        Delete(keys.promise(promise.home, promise.id, is_open=True), "attribute_exists(PK)"),
        Put(keys.promise(promise.home, promise.id, is_open=False), _item(kept)),
    )


def find_open(table: Table, homes: Iterable[str], promise_ids: Iterable[str]) -> list[Promise]:
    """Those of these promises that are open with any of these contact ids: one read.

    A hundred places may be looked at.
    """
    wanted = [
        keys.promise(home, promise_id, is_open=True)
        for home in sorted(homes)
        for promise_id in sorted(promise_ids)
    ]
    return [_read(item) for item in table.get_many(wanted).values()]


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

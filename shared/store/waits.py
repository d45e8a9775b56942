"""Answers that customers were promised by a time: one due item a conversation that waits.

A wait replaces an older one, never a newer: what the stream tells may come twice.
"""

from datetime import datetime

from shared.model.conversation import Conversation
from shared.model.due import TaskKind, Wait
from shared.model.events import Change
from shared.store import items, keys
from shared.store.keys import Key
from shared.store.table import Delete, Leg, Put, Table, TransactionRefusedError, Update


def begin(table: Table, wait: Wait) -> None:
    """Have the sweep look when the answer is due, unless a newer wait is known."""
    index = keys.due_index(wait.until, wait.conversation_id)
    item = {
        "type": "due",
        "schema": items.SCHEMA,
        "GSI1PK": index.pk,
        "GSI1SK": index.sk,
        "kind": str(TaskKind.ANSWER),
        "home": wait.home,
        "since": keys.timestamp(wait.since),
        "due": keys.timestamp(wait.until),
    }
    newer = "attribute_not_exists(PK) OR since < :since"
    key = _key(wait.home, wait.conversation_id)
    _try(table, Put(key, item, newer, {":since": item["since"]}))


def end(table: Table, home: str, conversation_id: str, since: datetime) -> None:
    """Forget a wait that is over; a newer one stays."""
    _try(table, _end_leg(home, conversation_id, since))


def find(table: Table, home: str, conversation_id: str) -> Wait | None:
    """What a conversation is known to wait for."""
    item = table.get(_key(home, conversation_id))
    if item is None:
        return None
    return Wait(
        conversation_id=conversation_id,
        home=home,
        since=keys.read_timestamp(item["since"]),
        until=keys.read_timestamp(item["due"]),
    )


def breach(table: Table, seen: Conversation, wait: Wait, *, now: datetime) -> None:
    """Note that a wait has been too long, if it still lasts; else the next look finds out.

    Nobody's view of the conversation is outdated by it: it stays in its revision.
    """
    change = Change(
        events=("SlaBreached",), cause=f"due:{seen.id}", correlation=seen.id, by="service_level"
    )
    _try(
        table,
        Update(
            keys.conversation(seen.id),
            "SET breached_at = :now, #change = :change",
            "waiting_since = :since AND attribute_not_exists(breached_at)",
            {
                ":now": keys.timestamp(now),
                ":since": keys.timestamp(wait.since),
                ":change": items.stored_change(change),
            },
            {"#change": "change"},
        ),
        _end_leg(wait.home, wait.conversation_id, wait.since),
    )


def _key(home: str, conversation_id: str) -> Key:
    return keys.due(home, TaskKind.ANSWER, conversation_id)


def _end_leg(home: str, conversation_id: str, since: datetime) -> Delete:
    return Delete(_key(home, conversation_id), "since <= :since", {":since": keys.timestamp(since)})


def _try(table: Table, *legs: Leg) -> None:
    try:
        table.write_when_free(*legs)
    except TransactionRefusedError:
        return  # what is there is newer

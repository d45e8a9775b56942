"""Due items: what is to be looked at again, found by its time (outbound.md §3).

Whoever acts on one removes or moves it in the same transaction, so nothing is forgotten when
somebody dies on the way.
"""

from collections.abc import Iterator
from datetime import datetime

from shared.model.due import Due, Task, TaskKind
from shared.model.entry import ProviderRef
from shared.model.notification import NoticeKey, NoticeKind
from shared.model.receipt import ReceiptKey
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.conversations import INDEX
from shared.store.keys import Key
from shared.store.table import Delete, Put, Table

RECEIPT = "receipt"
COPY = "copy"
_PAGE = 250
_NOTICES = frozenset(NoticeKind)


def due_key(key: ReceiptKey) -> Key:
    """Where a receipt's due item lies."""
    return keys.due(key.home, RECEIPT, f"{keys.timestamp(key.at)}#{key.entry_id}")


def put_leg(due: Due, before: Due | None = None) -> Put:
    """Set a due item, in the place of the one there was `before`, if that is unchanged."""
    key = due_key(due.key)
    index = keys.due_index(due.at, due.key.entry_id)
    item: Item = {
        "type": "due",
        "schema": items.SCHEMA,
        "GSI1PK": index.pk,
        "GSI1SK": index.sk,
        "kind": RECEIPT,
        "home": due.key.home,
        "at": keys.timestamp(due.key.at),
        "entry": due.key.entry_id,
        "due": keys.timestamp(due.at),
        "rev": due.revision,
        "address_key": due.address_key,
    }
    if before is None:
        return Put(key, item, condition="")
    return Put(key, item, condition="rev = :rev", values={":rev": before.revision})


def delete_leg(due: Due) -> Delete:
    """Remove a due item, if it is unchanged."""
    return Delete(due_key(due.key), "rev = :rev", {":rev": due.revision})


def read_due(item: Item) -> Due:
    """The due item in an item."""
    return Due(
        key=ReceiptKey(
            home=item["home"], at=keys.read_timestamp(item["at"]), entry_id=item["entry"]
        ),
        at=keys.read_timestamp(item["due"]),
        revision=item["rev"],
        address_key=item.get("address_key", ""),
    )


def task_leg(task: Task, at: datetime) -> Put:
    """Let a task be taken up from `at` on, each minute until it is done."""
    index = keys.due_index(at, task.id)
    item: Item = {
        "type": "due",
        "schema": items.SCHEMA,
        "GSI1PK": index.pk,
        "GSI1SK": index.sk,
        "kind": str(task.kind),
        "home": task.home,
        "due": keys.timestamp(at),
    }
    return Put(keys.due(task.home, task.kind, task.id), item, condition="")


def task_done_leg(task: Task) -> Delete:
    """Remove a task; removing it again is harmless."""
    return Delete(keys.due(task.home, task.kind, task.id), condition="")


def copy_leg(message: ProviderRef, at: datetime) -> Put:
    """Remember to have a provider delete its copy of a message.

    These are in a list of their own: who works it off takes its time.
    """
    item: Item = {
        "type": "due",
        "schema": items.SCHEMA,
        "GSI1PK": keys.copies_partition(),
        "GSI1SK": keys.timestamp(at),
        "kind": COPY,
        "provider": message.name,
        "provider_id": message.id,
        "due": keys.timestamp(at),
    }
    return Put(keys.due(keys.ERASED, COPY, f"{message.name}#{message.id}"), item, condition="")


def ready(table: Table, now: datetime) -> Iterator[ReceiptKey | NoticeKey | Task]:
    """All whose time has come. Eventually consistent: it reads the index."""
    for shard in range(keys.DUE_SHARDS):
        between = ("0", keys.timestamp(now))
        rows = table.walk(keys.due_partition(shard), between=between, at_once=_PAGE, index=INDEX)
        yield from map(_indexed, rows)


def _indexed(row: Item) -> ReceiptKey | NoticeKey | Task:
    """What a row of the index, which carries little but keys, stands for."""
    _, kind, rest = row["SK"].split("#", 2)
    if kind in _NOTICES:
        return NoticeKey(NoticeKind(kind), row["home"], rest)
    if kind != RECEIPT:
        return Task(kind=TaskKind(kind), home=row["home"], id=rest)
    at, entry_id = rest.split("#")
    return ReceiptKey(home=row["home"], at=keys.read_timestamp(at), entry_id=entry_id)

"""Splitting (T6): one transaction flips an address, a resumable mover brings its history after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.due import Task, TaskKind
from shared.model.entry import Entry
from shared.model.errors import NotFoundError
from shared.model.events import Change
from shared.model.identity import ConversationHint, Identity
from shared.model.merge import Split
from shared.model.receipt import Receipt, ReceiptState
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.conversations import get_several
from shared.store.due import due_key, task_done_leg, task_leg
from shared.store.merging import MovedOnError, Twin, new_conversation_legs, unchanged
from shared.store.table import (
    Leg,
    Put,
    Table,
    TransactionRefusedError,
    Update,
    delete_as_read,
)

# Two parts of a transaction for each item; half of them may be receipts with their due items.
_MOVED_AT_ONCE = 32
_ENTRIES = (keys.ENTRY, keys.ENTRY + keys.HIGHEST)
_BESIDE = (keys.LOWEST, keys.ENTRY)  # amounts, claims
# A page that had read the profile before the split may still be reading the entries.
_MOVES_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """What splitting one address off writes.

    `source` is the profile it was homed at, `root` the one that speaks for it, both as seen.
    `moved` are open conversations only it wrote in, `twins` continue the shared ones. Where there
    is neither, `resting` is the resolved one of its own that its next message may open again.
    """

    split: Split
    identity: Identity
    source: Profile
    root: Profile
    target: Profile
    moved: Sequence[Conversation]
    twins: Sequence[Twin]
    keeps_open: Mapping[str, str]
    resting: Conversation | None
    hint: ConversationHint | None
    entries: Sequence[Entry]


def task_of(split: Split) -> Task:
    """The task that brings a split to its end."""
    return Task(kind=TaskKind.SPLIT, home=split.source, id=split.id)


def get(table: Table, split_id: str) -> Split:
    """One split. Raises NotFoundError."""
    item = table.get(keys.split(split_id))
    if item is None:
        raise NotFoundError("no such split")
    return read_split(item)


def split(table: Table, s: Splitting, change: Change) -> None:
    """Flip the address to its new contact. Raises MovedOnError when anything has changed."""
    legs: list[Leg] = [
        Update(
            keys.identity(s.identity.key),
            "SET home = :target, #root = :target, separated = :yes"
            + (", conv = :conv" if s.hint else "")
            + " REMOVE #change"
            + ("" if s.hint else ", conv"),
            "home = :source AND n = :seen AND attribute_not_exists(erased_at)",
            {
                ":target": s.target.id,
                ":source": s.source.id,
                ":seen": s.identity.messages,
                ":yes": True,
            }
            | ({":conv": items.stored_hint(s.hint)} if s.hint else {}),
            {"#root": "root", "#change": "change"},
        ),
        Put(keys.profile(s.target.id), items.profile_item(s.target)),
        *_profile_legs(s),
        Put(keys.split(s.split.id), _split_item(s, change)),
        task_leg(task_of(s.split), s.split.at + _MOVES_AFTER),
        *(_moved_leg(seen, s) for seen in s.moved),
        *(_pruned_leg(twin.of, s.identity.key) for twin in s.twins),
        *([_resting_leg(s.resting, s.split)] if s.resting else []),
    ]
    for twin in s.twins:
        legs += new_conversation_legs(twin.conversation, change)
    legs += [
        Put(keys.entry(entry.home, entry.occurred_at, entry.id), items.entry_item(entry, change))
        for entry in s.entries
    ]
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        raise MovedOnError from error


def _profile_legs(s: Splitting) -> Iterable[Leg]:
    leave = "#moving.#address = :target"
    left = (
        "contains(addresses, :address) AND size(#moving) = :none AND size(arriving) = :none"
        " AND attribute_not_exists(erasing)"
    )
    shrink = "#open = :open, rev = rev + :one"
    as_seen = "rev = :seen AND #root = :own AND attribute_not_exists(erasing)"
    leave_values = {
        ":target": s.target.id,
        ":address": s.identity.key,
        ":gone": frozenset({s.identity.key}),
        ":heir": frozenset({s.target.id}),
        ":none": 0,
    }
    shrink_values = {
        ":open": dict(s.keeps_open),
        ":one": 1,
        ":seen": s.root.revision,
        ":own": s.root.id,
    }
    leave_names = {"#moving": "moving", "#address": s.identity.key}
    root_names = {"#root": "root", "#open": "open"}
    if s.source.id == s.root.id:
        yield Update(
            keys.profile(s.root.id),
            f"SET {leave}, {shrink} ADD moved_to :heir DELETE addresses :gone",
            f"{left} AND {as_seen}",
            leave_values | shrink_values,
            leave_names | root_names,
        )
        return
    yield Update(keys.profile(s.root.id), f"SET {shrink}", as_seen, shrink_values, root_names)
    yield Update(
        keys.profile(s.source.id),
        f"SET {leave} ADD moved_to :heir DELETE addresses :gone",
        f"{left} AND #root = :own",
        leave_values | {":own": s.root.id},
        leave_names | {"#root": "root"},
    )


def _moved_leg(seen: Conversation, s: Splitting) -> Update:
    condition, values, names = unchanged(seen)
    return Update(
        keys.conversation(seen.id),
        "SET home = :target, #parts = :moved REMOVE #change",
        condition,
        values | {":target": s.target.id, ":moved": {s.identity.key: s.target.id}},
        names | {"#change": "change"},
    )


def _resting_leg(seen: Conversation, split: Split) -> Update:
    """A resolved conversation becomes the new contact's, if nobody else took part in it."""
    return Update(
        keys.conversation(seen.id),
        "SET home = :target, #parts.#address = :target REMOVE joined, #change",
        "home = :source AND #parts = :parts AND resolved_at = :resolved",
        {
            ":target": split.target,
            ":source": split.source,
            ":parts": dict(seen.parts),
            ":resolved": items.stored_time(seen.resolved_at),
        },
        {"#parts": "parts", "#address": split.address, "#change": "change"},
    )


def _pruned_leg(seen: Conversation, address_key: str) -> Update:
    condition, values, names = unchanged(seen)
    return Update(
        keys.conversation(seen.id),
        "REMOVE #parts.#gone, #change",
        condition,
        values,
        names | {"#gone": address_key, "#change": "change"},
    )


# ---- the mover


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a move has come: where to go on, None at the end.

    `held`: a message of this stretch is just being sent, and stays until that is over.
    """

    position: str | None
    held: bool


def move_some(table: Table, split: Split, position: str | None, now: datetime) -> Step:
    """Move up to a transaction's worth of the address's history: entries first, oldest first.

    What is booked for a message is booked where its receipt is, so amounts come last. Anybody may
    begin at any time, at None, and go on. Raises MovedOnError when a receipt or another mover was
    faster: look at the stretch again. Nothing is announced again: what moves carries no change, and
    says that it moved.
    """
    beside = position is not None and position < keys.ENTRY
    found = table.query(
        keys.contact(split.source),
        between=_BESIDE if beside else _ENTRIES,
        limit=_MOVED_AT_ONCE,
        ascending=True,
        after=position,
    )
    lying = list(found.items)
    if found.last_key is None:
        position = None if beside else keys.LOWEST
    else:
        if lying[-1]["type"] == "entry":
            lying.pop()  # its receipt, if any, goes with it
        position = lying[-1]["SK"]
    own = [
        item for item in lying if item.get("address_key") == split.address and item["type"] != "due"
    ]
    receipts = {item["SK"]: items.read_receipt(item) for item in own if item["type"] == "receipt"}
    held = {sk for sk, receipt in receipts.items() if receipt.is_held(now)}
    held |= {sk.removesuffix(keys.RECEIPT) for sk in held}
    moving = [item for item in own if item["SK"] not in held]
    _take_along(table, split, (item.get("conversation", "") for item in moving))
    moving += _due_items(table, (r for sk, r in receipts.items() if sk not in held))
    if moving:
        try:
            table.write(*(leg for item in moving for leg in _move_legs(item, split.target)))
        except TransactionRefusedError as error:
            raise MovedOnError from error
    return Step(position=position, held=bool(held))


def _take_along(table: Table, split: Split, conversation_ids: Iterable[str]) -> None:
    """Resolved conversations that only the address wrote in, since they were last opened, are its.

    The open ones went with it in the split's own transaction.
    """
    for seen in get_several(table, sorted({*conversation_ids} - {""})):
        alone = seen.home == split.source and set(seen.parts) == {split.address}
        if not (alone and seen.resolved_at):
            continue
        try:
            table.write(_resting_leg(seen, split))
        except TransactionRefusedError as error:
            raise MovedOnError from error


def _due_items(table: Table, receipts: Iterable[Receipt]) -> Iterable[Item]:
    waiting = (r for r in receipts if r.state in (ReceiptState.RETRY, ReceiptState.UNKNOWN))
    return table.get_many(due_key(receipt.key) for receipt in waiting).values()


def _move_legs(item: Item, target: str) -> tuple[Leg, Leg]:
    at = keys.Key(item["PK"], item["SK"])
    gone = {"PK", "SK", "change"}
    moved = {name: value for name, value in item.items() if name not in gone}
    moved |= {"home": target, "moved": True}
    return delete_as_read(item), Put(keys.Key(keys.contact(target), at.sk), moved)


def finish(table: Table, split: Split) -> None:
    """Take the markers off both profiles once all has moved. Repeating it is harmless."""
    legs: list[Leg] = [
        Update(
            keys.profile(contact_id),
            "REMOVE #map.#address, #change",
            "#map.#address = :other",
            {":other": other},
            {"#map": attribute, "#address": split.address, "#change": "change"},
        )
        for contact_id, attribute, other in (
            (split.source, "moving", split.target),
            (split.target, "arriving", split.source),
        )
    ]
    legs += [
        Update(
            keys.split(split.id),
            "SET done = :done REMOVE #change",
            "done = :not_done",
            {":done": True, ":not_done": False},
            {"#change": "change"},
        ),
        task_done_leg(task_of(split)),
    ]
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        if not get(table, split.id).done:
            raise MovedOnError from error


# ---- the item


def _split_item(s: Splitting, change: Change) -> Item:
    split = s.split
    return {
        "type": "split",
        "schema": items.SCHEMA,
        "id": split.id,
        "address": split.address,
        "source": split.source,
        "target": split.target,
        "by": split.by,
        "at": keys.timestamp(split.at),
        "reason": split.reason,
        "done": split.done,
        # Until they are written in, nothing else leads to them.
        "twins": [twin.conversation.id for twin in s.twins],
        "revision": 1,
        "change": items.stored_change(replace(change, events=("ContactSplit",))),
    }


def read_split(item: Item) -> Split:
    """The split in an item."""
    return Split(
        id=item["id"],
        address=item["address"],
        source=item["source"],
        target=item["target"],
        by=item["by"],
        at=keys.read_timestamp(item["at"]),
        reason=item.get("reason", ""),
        done=item["done"],
    )

"""Splitting (T6): one transaction flips an address, a resumable mover brings its history after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.entry import Entry
from shared.model.errors import NotFoundError
from shared.model.events import Change
from shared.model.identity import ConversationHint, Identity
from shared.model.merge import Split
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.merging import MovedOnError, Twin, new_conversation_legs, unchanged
from shared.store.table import Delete, Leg, Put, Table, TransactionRefusedError, Update

# Two legs for each item, and an entry may have its receipt beside it: below 100 legs.
_MOVED_AT_ONCE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """What splitting one address off writes.

    `source` is the profile it was homed at, `root` the one that speaks for it, both as seen.
    `moved` are open conversations only it wrote in, `twins` continue the shared ones.
    """

    split: Split
    identity: Identity
    source: Profile
    root: Profile
    target: Profile
    moved: Sequence[Conversation]
    twins: Sequence[Twin]
    keeps_open: Mapping[str, str]
    hint: ConversationHint | None
    entries: Sequence[Entry]


def get(table: Table, split_id: str) -> Split:
    """One split. Raises NotFoundError."""
    item = table.get(keys.split(split_id))
    if item is None:
        raise NotFoundError("no such split")
    return _read_split(item)


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
        Put(keys.split(s.split.id), _split_item(s.split, change)),
        *(_moved_leg(seen, s) for seen in s.moved),
        *(_pruned_leg(twin.of, s.identity.key) for twin in s.twins),
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
            f"SET {leave}, {shrink} DELETE addresses :gone",
            f"{left} AND {as_seen}",
            leave_values | shrink_values,
            leave_names | root_names,
        )
        return
    yield Update(keys.profile(s.root.id), f"SET {shrink}", as_seen, shrink_values, root_names)
    yield Update(
        keys.profile(s.source.id),
        f"SET {leave} DELETE addresses :gone",
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


def move_some(table: Table, split: Split, position: str | None = None) -> str | None:
    """Move up to a transaction's worth of the address's history, oldest first.

    Returns where to go on, None when all has moved. Anybody may go on at any time, from anywhere.
    Raises MovedOnError when a receipt or another mover was faster: look at the stretch again.
    Nothing is announced again: what moves carries no change, and says that it moved.
    """
    found = table.query(
        keys.contact(split.source),
        between=(keys.ENTRY, keys.ENTRY + "~"),
        limit=_MOVED_AT_ONCE,
        ascending=True,
        after=position,
    )
    legs: list[Leg] = []
    for item in found.items:
        if item.get("address_key") == split.address:
            legs += _move_legs(item, split.target)
    if legs:
        try:
            table.write(*legs)
        except TransactionRefusedError as error:
            raise MovedOnError from error
    return found.last_key["SK"] if found.last_key else None


def _move_legs(item: Item, target: str) -> tuple[Leg, Leg]:
    at = keys.Key(item["PK"], item["SK"])
    gone = {"PK", "SK", "change"}
    moved = {name: value for name, value in item.items() if name not in gone}
    moved |= {"home": target, "moved": True}
    return (
        Delete(at, "revision = :revision", {":revision": item["revision"]}),
        Put(keys.Key(keys.contact(target), at.sk), moved),
    )


def finish(table: Table, split: Split) -> None:
    """Take the markers off both profiles once all has moved. Repeating it is harmless."""
    for contact_id, attribute, other in (
        (split.source, "moving", split.target),
        (split.target, "arriving", split.source),
    ):
        try:
            table.write(
                Update(
                    keys.profile(contact_id),
                    "REMOVE #map.#address",
                    "#map.#address = :other",
                    {":other": other},
                    {"#map": attribute, "#address": split.address},
                )
            )
        except TransactionRefusedError:
            continue
    table.write(
        Update(
            keys.split(split.id),
            "SET done = :done REMOVE #change",
            "attribute_exists(PK)",
            {":done": True},
            {"#change": "change"},
        )
    )


# ---- the item


def _split_item(split: Split, change: Change) -> Item:
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
        "revision": 1,
        "change": items.stored_change(change),
    }


def _read_split(item: Item) -> Split:
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

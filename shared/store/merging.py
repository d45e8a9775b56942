"""Merging and undoing (T4, T5): a pointer each way, one transaction, whatever the history.

A merge that proof or a suggestion led to decides that suggestion in the same transaction; so does
its undoing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.model.contact import Component, Profile
from shared.model.conversation import Conversation
from shared.model.entry import Entry
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Identity
from shared.model.merge import Merge, MergeState
from shared.model.suggestion import Suggestion
from shared.store import items, keys, suggestions
from shared.store.attributes import Item
from shared.store.table import Check, Leg, Put, Table, TransactionRefusedError, Update

_AS_SEEN = "rev = :seen AND #root = :own AND attribute_not_exists(erasing)"


class MovedOnError(Exception):
    """The contacts have changed since they were read: read and decide again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A conversation that continues `of` on the side that would be left without an open one."""

    of: Conversation
    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What undoing one merge writes: who keeps what, and which conversations go on twice.

    `conversations` are the open ones as seen, `pruned` the participants each loses. `suggestion`
    is what led to the merge, undone.
    """

    merge: Merge
    root: Profile
    keeps: Component
    leaves: Component
    keeps_open: Mapping[str, str]
    leaves_open: Mapping[str, str]
    conversations: Sequence[Conversation]
    pruned: Mapping[str, frozenset[str]]
    twins: Sequence[Twin]
    entries: Sequence[Entry]
    suggestion: Suggestion | None = None


def get(table: Table, merge_id: str) -> Merge:
    """One merge. Raises NotFoundError."""
    item = table.get(keys.merge(merge_id))
    if item is None:
        raise NotFoundError("no such merge")
    return read_merge(item)


def merge(
    table: Table,
    record: Merge,
    *,
    survivor: Profile,
    other: Profile,
    entry: Entry,
    change: Change,
    suggestion: Suggestion | None = None,
    proven: Sequence[Identity] = (),
) -> None:
    """Join two roots as they were seen, and keep the suggestion that is accepted by it.

    `proven` are the addresses whose proof this rests on. Raises MovedOnError when a root has
    changed, ConflictError when the suggestion has, or when the proof no longer holds.
    """
    brought = other.members
    edge = (record.id, record.survivor, record.other)
    legs: list[Leg] = [
        Update(
            keys.profile(survivor.id),
            "SET members = :members, edges = :edges, #open = :open, rev = rev + :one",
            _AS_SEEN,
            {
                ":members": survivor.members | brought,
                ":edges": _stored_edges((*survivor.edges, *other.edges, edge)),
                ":open": {**survivor.open, **other.open},
                ":one": 1,
                ":seen": survivor.revision,
                ":own": survivor.id,
            },
            {"#root": "root", "#open": "open"},
        ),
        Update(
            keys.profile(other.id),
            "SET #root = :root, #open = :none, rev = rev + :one REMOVE members, edges",
            _AS_SEEN,
            {
                ":root": survivor.id,
                ":none": {},
                ":one": 1,
                ":seen": other.revision,
                ":own": other.id,
            },
            {"#root": "root", "#open": "open"},
        ),
        *_follow(brought - {other.id}, old=other.id, new=survivor.id),
        Put(keys.merge(record.id), merge_item(record, change)),
        Put(keys.entry(entry.home, entry.occurred_at, entry.id), items.entry_item(entry, change)),
    ]
    grounds: list[Leg] = [_proven_leg(identity, survivor.id) for identity in proven]
    if suggestion:
        grounds += suggestions.legs(suggestion)
    _write(table, [*legs, *grounds], grounds)


def _proven_leg(identity: Identity, root: str) -> Update:
    """The address is still where it was and still proves who somebody is; its hint follows."""
    return Update(
        keys.identity(identity.key),
        "SET #root = :root REMOVE #change",
        "home = :home AND trust = :trust AND attribute_not_exists(erased_at)"
        " AND attribute_not_exists(#shared) AND attribute_not_exists(separated)",
        {":root": root, ":home": identity.home, ":trust": str(identity.trust)},
        {"#root": "root", "#change": "change", "#shared": "shared"},
    )


def undo(table: Table, undoing: Undoing, change: Change) -> None:
    """Take one merge back. Raises MovedOnError when anything it rests on has changed."""
    root, keeps, leaves = undoing.root, undoing.keeps, undoing.leaves
    legs: list[Leg] = [
        Update(
            keys.profile(root.id),
            "SET members = :members, edges = :edges, #open = :open, rev = rev + :one",
            _AS_SEEN,
            {
                ":members": keeps.members,
                ":edges": _stored_edges(keeps.edges),
                ":open": dict(undoing.keeps_open),
                ":one": 1,
                ":seen": root.revision,
                ":own": root.id,
            },
            {"#root": "root", "#open": "open"},
        ),
        Update(
            keys.profile(leaves.root),
            "SET #root = :root, members = :members, edges = :edges, #open = :open,"
            " rev = rev + :one",
            "#root = :old",
            {
                ":root": leaves.root,
                ":members": leaves.members,
                ":edges": _stored_edges(leaves.edges),
                ":open": dict(undoing.leaves_open),
                ":one": 1,
                ":old": root.id,
            },
            {"#root": "root", "#open": "open"},
        ),
        *_follow(leaves.members - {leaves.root}, old=root.id, new=leaves.root),
        _undone_leg(undoing, change),
        *(_conversation_leg(seen, undoing.pruned) for seen in undoing.conversations),
    ]
    for twin in undoing.twins:
        legs += new_conversation_legs(twin.conversation, change)
    legs += [
        Put(keys.entry(entry.home, entry.occurred_at, entry.id), items.entry_item(entry, change))
        for entry in undoing.entries
    ]
    if undoing.suggestion:
        legs += suggestions.legs(undoing.suggestion)
    _write(table, legs)


def new_conversation_legs(conversation: Conversation, change: Change) -> tuple[Leg, Leg]:
    """A conversation and its reference, both new."""
    return (
        Put(
            keys.conversation(conversation.id),
            items.conversation_item(conversation)
            | {"change": items.stored_change(_named(change, "ConversationOpened"))},
        ),
        Put(
            keys.reference(conversation.reference),
            {
                "type": "reference",
                "schema": items.SCHEMA,
                "conversation": conversation.id,
            },
        ),
    )


def unchanged(seen: Conversation) -> tuple[str, Item, dict[str, str]]:
    """Condition, values and names: an open conversation has the participants it was seen with."""
    return (
        "#parts = :parts AND attribute_not_exists(resolved_at)",
        {":parts": dict(seen.parts)},
        {"#parts": "parts"},
    )


def _conversation_leg(seen: Conversation, pruned: Mapping[str, frozenset[str]]) -> Leg:
    condition, values, names = unchanged(seen)
    gone = sorted(pruned.get(seen.id, ()))
    if not gone:
        return Check(keys.conversation(seen.id), condition, values, names)
    gone_names = {f"#gone{number}": address for number, address in enumerate(gone)}
    removes = ", ".join(f"#parts.{name}" for name in gone_names)
    return Update(
        keys.conversation(seen.id),
        f"REMOVE {removes}, #change",
        condition,
        values,
        names | gone_names | {"#change": "change"},
    )


def _undone_leg(undoing: Undoing, change: Change) -> Update:
    """The twins are named here: until they are written in, nothing else leads to them."""
    record = undoing.merge
    return Update(
        keys.merge(record.id),
        "SET #state = :undone, undone_by = :by, undone_at = :at, undone_reason = :reason,"
        " twins = :twins, revision = :two, #change = :change",
        "#state = :active",
        {
            ":undone": str(MergeState.UNDONE),
            ":active": str(MergeState.ACTIVE),
            ":by": record.undone_by,
            ":at": items.stored_time(record.undone_at),
            ":reason": record.undone_reason,
            ":twins": [twin.conversation.id for twin in undoing.twins],
            ":two": 2,
            ":change": items.stored_change(_named(change, "ContactUnmerged")),
        },
        {"#state": "state", "#change": "change"},
    )


def _follow(members: Iterable[str], *, old: str, new: str) -> Iterable[Leg]:
    for member in sorted(members):
        yield Update(
            keys.profile(member),
            "SET #root = :new",
            "#root = :old",
            {":new": new, ":old": old},
            {"#root": "root"},
        )


def _write(table: Table, legs: Sequence[Leg], grounds: Sequence[Leg] = ()) -> None:
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        if any(leg.key in error.failed for leg in grounds):
            raise ConflictError("what these contacts were to be joined for has changed") from error
        raise MovedOnError from error


def _named(change: Change, event: str) -> Change:
    return Change(
        events=(event,),
        cause=change.cause,
        correlation=change.correlation,
        depth=change.depth,
        by=change.by,
    )


def _stored_edges(edges: Iterable[tuple[str, str, str]]) -> list[list[str]]:
    return [list(edge) for edge in edges]


# ---- the item


def merge_item(record: Merge, change: Change) -> Item:
    """A new merge's item."""
    return {
        "type": "merge",
        "schema": items.SCHEMA,
        "id": record.id,
        "survivor": record.survivor,
        "other": record.other,
        "by": record.by,
        "at": keys.timestamp(record.at),
        "reason": record.reason,
        "state": str(record.state),
        "pair": list(record.pair),
        "revision": 1,
        "change": items.stored_change(_named(change, "ContactMerged")),
    }


def read_merge(item: Item) -> Merge:
    """The merge in an item."""
    return Merge(
        id=item["id"],
        survivor=item["survivor"],
        other=item["other"],
        by=item["by"],
        at=keys.read_timestamp(item["at"]),
        reason=item.get("reason", ""),
        state=MergeState(item["state"]),
        pair=tuple(item.get("pair", ())),
        undone_by=item.get("undone_by", ""),
        undone_at=items.optional_time(item.get("undone_at")),
        undone_reason=item.get("undone_reason", ""),
    )

"""Conversations: reading, assigning, resolving and reopening them, and the inbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.model.contact import OPEN_CAP
from shared.model.conversation import Conversation, State
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.ids import read_reference
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.contacts import get_profile
from shared.store.table import Leg, Table, TransactionRefusedError, Update

INDEX = "GSI1"


def get(table: Table, conversation_id: str) -> Conversation:
    """The conversation of this id, or the one it turned out to be part of; raises NotFoundError."""
    for _ in range(8):
        item = table.get(keys.conversation(conversation_id))
        if item is None:
            break
        conversation = items.read_conversation(item)
        if conversation.joined is None:
            return conversation
        conversation_id = conversation.joined.conversation_id
    raise NotFoundError("no such conversation")


def get_several(table: Table, conversation_ids: Iterable[str]) -> tuple[Conversation, ...]:
    """Those of these conversations that exist, in one read, joined ones as they are."""
    wanted = [keys.conversation(conversation_id) for conversation_id in conversation_ids]
    found = table.get_many(wanted)
    return tuple(items.read_conversation(found[key]) for key in wanted if key in found)


def find(table: Table, text: str) -> Conversation:
    """The conversation of an id or of a reference such as `7Q4K-2M`; raises NotFoundError."""
    if text.startswith("cnv_"):
        return get(table, text)
    reference = read_reference(text)
    item = table.get(keys.reference(reference)) if reference else None
    if item is None:
        raise NotFoundError("no such conversation")
    return get(table, item["conversation"])


def resolve(table: Table, seen: Conversation, *, now: datetime, by: str) -> None:
    """Close a conversation as it was seen, and let its addresses know.

    Raises ConflictError when a message landed meanwhile, or it was resolved or moved.
    """
    index = keys.inbox(State.RESOLVED, now, seen.id)
    _change_state(
        table,
        seen,
        Update(
            keys.conversation(seen.id),
            "SET #state = :state, resolved_at = :now, GSI1PK = :pk, GSI1SK = :sk,"
            " revision = revision + :one, #change = :change REMOVE waiting_on",
            "home = :home AND attribute_not_exists(resolved_at) AND last_activity_at = :seen",
            {
                ":state": str(State.RESOLVED),
                ":now": keys.timestamp(now),
                ":pk": index.pk,
                ":sk": index.sk,
                ":one": 1,
                ":home": seen.home,
                ":seen": keys.timestamp(seen.last_activity_at),
                ":change": _change("ConversationResolved", seen, by),
            },
            {"#state": "state", "#change": "change"},
        ),
        "REMOVE #open.#v SET rev = rev + :one",
        {":one": 1},
    )
    for key in seen.parts:
        _hint_closed(table, key, seen.id, now)


def reopen(table: Table, seen: Conversation, *, now: datetime, by: str) -> None:
    """Open a resolved conversation again.

    Raises ConflictError when it has changed meanwhile, or too many others are open.
    """
    index = keys.inbox(State.OPEN, now, seen.id)
    _change_state(
        table,
        seen,
        Update(
            keys.conversation(seen.id),
            "SET #state = :state, last_activity_at = :now, GSI1PK = :pk, GSI1SK = :sk,"
            " revision = revision + :one, #change = :change REMOVE resolved_at",
            "home = :home AND resolved_at = :resolved AND attribute_not_exists(joined)",
            {
                ":state": str(State.OPEN),
                ":now": keys.timestamp(now),
                ":pk": index.pk,
                ":sk": index.sk,
                ":one": 1,
                ":home": seen.home,
                ":resolved": items.stored_time(seen.resolved_at),
                ":change": _change("ConversationOpened", seen, by),
            },
            {"#state": "state", "#change": "change"},
        ),
        "SET #open.#v = :home, rev = rev + :one",
        {":one": 1, ":home": seen.home, ":cap": OPEN_CAP},
        root_condition=" AND size(#open) < :cap",
    )


def amend(
    table: Table,
    seen: Conversation,
    *,
    by: str,
    assignee: str | None = None,
    pending: bool | None = None,
) -> None:
    """Assign an open conversation ("" = nobody), or mark it open or pending.

    Raises ConflictError when it has changed meanwhile.
    """
    sets, removes = ["revision = revision + :one", "#change = :change"], []
    values: dict[str, Any] = {":one": 1, ":home": seen.home, ":revision": seen.revision}
    names = {"#change": "change"}
    event = "ConversationAssigned" if assignee is not None else "ConversationAmended"
    if assignee:
        sets.append("assignee = :assignee")
        values[":assignee"] = assignee
    elif assignee is not None:
        removes.append("assignee")
    if pending is not None:
        state = State.PENDING if pending else State.OPEN
        index = keys.inbox(state, seen.last_activity_at, seen.id)
        sets += ["#state = :state", "GSI1PK = :pk", "GSI1SK = :sk"]
        names["#state"] = "state"
        values |= {":state": str(state), ":pk": index.pk, ":sk": index.sk}
    values[":change"] = _change(event, seen, by)
    expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    try:
        table.write(
            Update(
                keys.conversation(seen.id),
                expression,
                "home = :home AND attribute_not_exists(resolved_at) AND revision = :revision",
                values,
                names,
            )
        )
    except TransactionRefusedError as error:
        raise ConflictError("the conversation has changed; read it again") from error


def join(table: Table, seen: Conversation, into: Conversation, *, now: datetime, by: str) -> None:
    """Declare `seen` to be part of `into`, both open and of one contact (T3).

    Entries are not rewritten: `seen` answers with `into` from now on. Raises ConflictError.
    """
    root = get_profile(table, get_profile(table, into.home).root)
    index = keys.inbox(State.OPEN, now, into.id)
    parts = {**into.parts, **seen.parts}
    as_seen = "#parts = :parts AND attribute_not_exists(resolved_at)"
    try:
        table.write(
            Update(
                keys.conversation(seen.id),
                "SET #state = :resolved, resolved_at = :now, joined = :joined,"
                " revision = revision + :one, #change = :change REMOVE GSI1PK, GSI1SK",
                f"home = :home AND {as_seen}",
                {
                    ":resolved": str(State.RESOLVED),
                    ":now": keys.timestamp(now),
                    ":joined": {"id": into.id, "home": into.home},
                    ":one": 1,
                    ":change": _change("ConversationJoined", seen, by),
                    ":home": seen.home,
                    ":parts": dict(seen.parts),
                },
                {"#state": "state", "#parts": "parts", "#change": "change"},
            ),
            Update(
                keys.conversation(into.id),
                "SET #parts = :all, last_activity_at = :now, GSI1PK = :pk, GSI1SK = :sk"
                " REMOVE #change ADD channels :channels",
                f"home = :home AND {as_seen}",
                {
                    ":all": parts,
                    ":now": keys.timestamp(now),
                    ":pk": index.pk,
                    ":sk": index.sk,
                    ":channels": frozenset(seen.channels),
                    ":home": into.home,
                    ":parts": dict(into.parts),
                },
                {"#parts": "parts", "#change": "change"},
            ),
            Update(
                keys.profile(root.id),
                "SET rev = rev + :one REMOVE #open.#seen",
                "#root = :root AND attribute_not_exists(erasing)"
                " AND attribute_exists(#open.#seen) AND attribute_exists(#open.#into)",
                {":one": 1, ":root": root.id},
                {"#root": "root", "#open": "open", "#seen": seen.id, "#into": into.id},
            ),
        )
    except TransactionRefusedError as error:
        raise ConflictError("these conversations cannot be joined as they are now") from error


def _change_state(
    table: Table,
    seen: Conversation,
    leg: Leg,
    root_expression: str,
    root_values: Mapping[str, Any],
    *,
    root_condition: str = "",
) -> None:
    home = get_profile(table, seen.home)
    root_leg = Update(
        keys.profile(home.root),
        root_expression,
        "#root = :root AND contains(members, :member) AND attribute_not_exists(erasing)"
        + root_condition,
        {**root_values, ":root": home.root, ":member": seen.home},
        {"#root": "root", "#open": "open", "#v": seen.id},
    )
    try:
        table.write(leg, root_leg)
    except TransactionRefusedError as error:
        raise ConflictError("the conversation has changed; read it again") from error


def _hint_closed(table: Table, key: str, conversation_id: str, now: datetime) -> None:
    """Spare the address's next message a refused transaction. Only a hint: it may fail."""
    update = Update(
        keys.identity(key),
        "SET conv.closed_at = :now REMOVE #change",
        "conv.id = :v AND attribute_not_exists(erased_at)",
        {":now": keys.timestamp(now), ":v": conversation_id},
        {"#change": "change"},
    )
    try:
        table.write(update)
    except TransactionRefusedError:
        return


def _change(event: str, seen: Conversation, by: str) -> Item | None:
    return items.stored_change(
        Change(events=(event,), cause=f"agent:{by}", correlation=seen.id, by=by)
    )


# ---- the inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Conversations by their last activity, newest first, and where to go on (None: the end)."""

    conversations: tuple[Conversation, ...]
    position: str | None


def inbox(
    table: Table,
    state: State,
    *,
    limit: int,
    position: str | None = None,
    assignee: str | None = None,
) -> InboxPage:
    """One page of the inbox. Eventually consistent: it reads the index (design.md §3 rule 10).

    `position` is what the page before gave. Only conversations of `assignee` when given.
    """
    pages = [
        table.query(
            keys.inbox_partition(state, shard),
            between=(keys.LOWEST, position or keys.HIGHEST),
            limit=limit + 1,
            index=INDEX,
        )
        for shard in range(keys.INBOX_SHARDS)
    ]
    frontier = max((page.last_key["GSI1SK"] for page in pages if page.last_key), default="")
    rows = sorted(
        (row for page in pages for row in page.items if row["GSI1SK"] != position),
        key=lambda row: str(row["GSI1SK"]),
        reverse=True,
    )
    rows = [row for row in rows if row["GSI1SK"] >= frontier]
    shown = rows[:limit]
    position = str(shown[-1]["GSI1SK"]) if len(rows) > limit else frontier or None
    wanted = [
        keys.Key(row["PK"], row["SK"])
        for row in shown
        if assignee is None or row.get("assignee", "") == assignee
    ]
    found = table.get_many(wanted)
    return InboxPage(
        conversations=tuple(items.read_conversation(found[key]) for key in wanted if key in found),
        position=position,
    )

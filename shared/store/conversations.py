"""Conversations: reading, assigning, resolving and reopening them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.model.contact import OPEN_CAP, Profile
from shared.model.conversation import Conversation, State
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.ids import read_reference
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.contacts import get_profile
from shared.store.table import Table, TransactionRefusedError, Update

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


def change(
    table: Table,
    seen: Conversation,
    *,
    now: datetime,
    by: str,
    assignee: str | None = None,
    state: State | None = None,
) -> None:
    """Assign a conversation ("" = nobody) and change where it stands, in one write.

    None leaves as it is. Whoever is assigned is whom the contact is used to from then on. Raises
    ConflictError when it has changed meanwhile, a message landed before a change of state, or too
    many others are open.
    """
    events, sets, removes = [], ["revision = revision + :one", "#change = :change"], []
    conditions = ["home = :home", "revision = :revision"]
    values: dict[str, Any] = {":one": 1, ":home": seen.home, ":revision": seen.revision}
    names = {"#change": "change"}
    root = _RootChange()
    if assignee is not None:
        events.append("ConversationAssigned")
        if assignee:
            sets.append("assignee = :assignee")
            values[":assignee"] = assignee
            root.sets.append("assignee = :assignee")
            root.values[":assignee"] = assignee
        else:
            removes.append("assignee")
    if state not in (None, seen.state):
        opens = seen.state is State.RESOLVED
        at = now if opens or state is State.RESOLVED else seen.last_activity_at
        index = keys.inbox(state, at, seen.id)
        sets += ["#state = :state", "GSI1PK = :pk", "GSI1SK = :sk"]
        conditions.append("last_activity_at = :activity")
        names["#state"] = "state"
        values |= {":state": str(state), ":pk": index.pk, ":sk": index.sk}
        values[":activity"] = keys.timestamp(seen.last_activity_at)
        if opens:
            events.append("ConversationOpened")
            sets.append("last_activity_at = :now")
            removes.append("resolved_at")
            values[":now"] = keys.timestamp(now)
            root.opens(seen)
        elif state is State.RESOLVED:
            events.append("ConversationResolved")
            sets.append("resolved_at = :now")
            removes += ["waiting_on", "waiting_since", "breached_at"]
            values[":now"] = keys.timestamp(now)
            root.closes(seen)
        else:
            events.append("ConversationAmended")
    values[":change"] = _change(tuple(events), seen, by)
    expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    at_conversation = keys.conversation(seen.id)
    legs = [Update(at_conversation, expression, " AND ".join(conditions), values, names)]
    if root.values:
        legs.append(root.leg(get_profile(table, seen.home)))
    try:
        table.write_when_free(*legs)
    except TransactionRefusedError as error:
        raise ConflictError("the conversation has changed; read it again") from error
    if state is State.RESOLVED:
        for key in seen.parts:
            _hint_closed(table, key, seen.id, now)


@dataclass(slots=True)
class _RootChange:
    """What a conversation's change changes at the contact it belongs to."""

    sets: list[str] = field(default_factory=list)
    remove: str = ""
    condition: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def opens(self, seen: Conversation) -> None:
        self.sets += ["#open.#v = :home", "rev = rev + :one"]
        self.condition = " AND size(#open) < :cap"
        self.values |= {":one": 1, ":home": seen.home, ":cap": OPEN_CAP}
        self.names |= {"#open": "open", "#v": seen.id}

    def closes(self, seen: Conversation) -> None:
        self.sets.append("rev = rev + :one")
        self.remove = " REMOVE #open.#v"
        self.values[":one"] = 1
        self.names |= {"#open": "open", "#v": seen.id}

    def leg(self, home: Profile) -> Update:
        return Update(
            keys.profile(home.root),
            f"SET {', '.join(self.sets)}{self.remove}",
            "#root = :root AND contains(members, :member) AND attribute_not_exists(erasing)"
            + self.condition,
            {**self.values, ":root": home.root, ":member": home.id},
            {**self.names, "#root": "root"},
        )


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


def _change(events: tuple[str, ...], seen: Conversation, by: str) -> Item | None:
    return items.stored_change(
        Change(events=events, cause=f"agent:{by}", correlation=seen.id, by=by)
    )

"""Agents: until when they are there, and the conversations they are given by a rule."""

from datetime import datetime

from shared.model.conversation import Conversation, WaitingOn
from shared.model.events import Change
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.table import Check, Delete, Put, Table, Update


def get_available_until(table: Table, agent_id: str) -> datetime | None:
    """Until when an agent is there, which may be over; None for one who is away."""
    item = table.get(keys.agent(agent_id))
    return keys.read_timestamp(item["available_until"]) if item else None


def set_available_until(table: Table, agent_id: str, until: datetime | None) -> None:
    """Put down until when an agent is there; None: they are away from now on."""
    if until is None:
        table.write_when_free(Delete(keys.agent(agent_id), condition=""))
        return
    item: Item = {
        "type": "agent",
        "schema": items.SCHEMA,
        "id": agent_id,
        "available_until": keys.timestamp(until),
        "expires_at": int(until.timestamp()),
    }
    table.write_when_free(Put(keys.agent(agent_id), item, condition=""))


def available_leg(agent_id: str, now: datetime) -> Check:
    """Let the transaction fail unless the agent is there."""
    return Check(
        keys.agent(agent_id), "available_until > :now", values={":now": keys.timestamp(now)}
    )


def assign_leg(seen: Conversation, agent_id: str, change: Change) -> Update:
    """Assign a conversation ("" = nobody) that waits for its first answer, unchanged since."""
    assigned = "SET assignee = :agent," if agent_id else "SET"
    return Update(
        keys.conversation(seen.id),
        f"{assigned} revision = revision + :one, #change = :change"
        + ("" if agent_id else " REMOVE assignee"),
        "home = :home AND revision = :revision AND waiting_on = :waiting"
        " AND attribute_not_exists(resolved_at) AND attribute_not_exists(first_response_at)",
        {
            ":one": 1,
            ":change": items.stored_change(change),
            ":home": seen.home,
            ":revision": seen.revision,
            ":waiting": str(WaitingOn.AGENT),
        }
        | ({":agent": agent_id} if agent_id else {}),
        {"#change": "change"},
    )

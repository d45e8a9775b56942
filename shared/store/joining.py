"""Declaring one open conversation to be part of another one of the same contact (T3)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.model.conversation import Conversation, State, WaitingOn
from shared.model.events import Change
from shared.store import items, keys
from shared.store.table import Leg, Update

_AS_SEEN = (
    "home = :home AND revision = :revision AND last_activity_at = :activity"
    " AND #parts = :parts AND attribute_not_exists(resolved_at)"
)


def join_legs(
    seen: Conversation, into: Conversation, root_id: str, change: Change, now: datetime
) -> Iterator[Leg]:
    """What makes `seen` answer with `into` from now on; both are as they were seen.

    Entries are not rewritten. Where an answer goes is as the customer's last message in either left
    it; it is our turn while something in either is unanswered.
    """
    yield Update(
        keys.conversation(seen.id),
        "SET #state = :resolved, resolved_at = :now, joined = :joined,"
        " revision = revision + :one, #change = :change"
        " REMOVE GSI1PK, GSI1SK, waiting_since, breached_at",
        _AS_SEEN,
        {
            ":resolved": str(State.RESOLVED),
            ":now": keys.timestamp(now),
            ":joined": {"id": into.id, "home": into.home},
            ":one": 1,
            ":change": items.stored_change(change),
            **_as_seen(seen),
        },
        {"#state": "state", "#parts": "parts", "#change": "change"},
    )
    index = keys.inbox(into.state, now, into.id)
    sets = ["#parts = :all", "last_activity_at = :now", "GSI1PK = :pk", "GSI1SK = :sk"]
    values: dict[str, Any] = {
        ":all": {**into.parts, **seen.parts},
        ":now": keys.timestamp(now),
        ":pk": index.pk,
        ":sk": index.sk,
        ":channels": frozenset(seen.channels),
        ":includes": frozenset({seen.id, *seen.includes}),
        **_as_seen(into),
    }
    if seen.last_in and _is_later(seen, into):
        sets.append("last_in = :last_in")
        values[":last_in"] = items.stored_last_in(seen.last_in)
    if seen.waiting_since:
        sets += ["waiting_on = :agent", "waiting_since = if_not_exists(waiting_since, :since)"]
        values |= {":agent": str(WaitingOn.AGENT), ":since": items.stored_time(seen.waiting_since)}
    elif seen.waiting_on and not into.waiting_since and _is_later(seen, into):
        sets.append("waiting_on = :waiting")
        values[":waiting"] = str(seen.waiting_on)
    yield Update(
        keys.conversation(into.id),
        f"SET {', '.join(sets)} REMOVE #change ADD channels :channels, includes :includes",
        _AS_SEEN,
        values,
        {"#parts": "parts", "#change": "change"},
    )
    yield Update(
        keys.profile(root_id),
        "SET rev = rev + :one REMOVE #open.#seen",
        "#root = :root AND attribute_not_exists(erasing)"
        " AND attribute_exists(#open.#seen) AND attribute_exists(#open.#into)",
        {":one": 1, ":root": root_id},
        {"#root": "root", "#open": "open", "#seen": seen.id, "#into": into.id},
    )


def _is_later(one: Conversation, other: Conversation) -> bool:
    return one.last_activity_at > other.last_activity_at


def _as_seen(conversation: Conversation) -> dict[str, Any]:
    return {
        ":home": conversation.home,
        ":revision": conversation.revision,
        ":activity": keys.timestamp(conversation.last_activity_at),
        ":parts": dict(conversation.parts),
    }

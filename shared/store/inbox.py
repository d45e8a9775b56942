"""The inbox: conversations in one state, by their last activity."""

from dataclasses import dataclass

from shared.model.conversation import Conversation, State
from shared.store import items, keys
from shared.store.conversations import INDEX
from shared.store.table import Table


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

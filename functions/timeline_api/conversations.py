"""Conversations: the inbox, one of them, and who has it."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes, shaping
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.amend import Amendment, amend
from shared.join import join
from shared.model.conversation import Conversation, State
from shared.model.cursor import Cursor
from shared.rules import cursors
from shared.store import conversations
from shared.store.inbox import inbox
from shared.store.roots import roots_of

if TYPE_CHECKING:
    from functions.timeline_api.bodies import ConversationPatch, JoinIn

DEFAULT_LIMIT = 25
MOST = 100


def list_inbox(request: Request, hub: Hub) -> shapes.ConversationPage:
    """Read the inbox: conversations in one state, the one with the latest activity first.

    The list may be a second behind what was just written.
    """
    query, binding = request.query, request.query.binding(request.path)
    token = query.text("cursor")
    page = inbox(
        hub.table,
        query.choice("state", State) or State.OPEN,
        limit=query.whole("limit", default=DEFAULT_LIMIT, most=MOST),
        position=cursors.unseal(hub.keys, token, binding).position if token else None,
        assignee=query.text("assignee") or None,
    )
    roots = roots_of(hub.table, (found.home for found in page.conversations))
    cursor = Cursor(page.position) if page.position else None
    return {
        "items": [
            shaping.conversation(found, roots.get(found.home, found.home))
            for found in page.conversations
        ],
        "next_cursor": cursors.seal(hub.keys, cursor, binding) if cursor else None,
    }


def get(request: Request, hub: Hub) -> shapes.Conversation:
    """Read a conversation by its id or its reference.

    One that turned out to be part of another answers with that one.
    """
    return _shaped(conversations.find(hub.table, request.id), hub)


def patch(request: Request, hub: Hub, body: "ConversationPatch") -> shapes.Conversation:
    """Assign, resolve or reopen a conversation, or mark it pending.

    A message that lands while it is being resolved makes it a conflict: read it, and decide again.
    """
    given = "assignee" in body.model_fields_set
    amendment = Amendment(
        assignee=(body.assignee or "") if given else None,
        state=body.state,
        last_activity_at=body.last_activity_at,
    )
    changed = amend(hub.table, request.id, amendment, now=hub.now, by=request.agent.id)
    return _shaped(changed, hub)


def post_join(request: Request, hub: Hub, body: "JoinIn") -> shapes.Conversation:
    """Declare another open conversation of the same contact to be part of this one.

    The other's id and reference answer with this one from then on. It cannot be undone.
    """
    joined = join(
        hub.table, request.id, body.other, author=request.agent, reason=body.reason, now=hub.now
    )
    return _shaped(joined, hub)


def _shaped(found: Conversation, hub: Hub) -> shapes.Conversation:
    roots = roots_of(hub.table, [found.home])
    return shaping.conversation(found, roots.get(found.home, found.home))

"""Suggestions: which addresses may be one person's, and what agents say to that."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared import suggestions
from shared.merge import Decision
from shared.model.cursor import Cursor
from shared.model.events import rfc3339
from shared.rules import cursors
from shared.suggestions import Question, Side

if TYPE_CHECKING:
    from functions.timeline_api.bodies import DecisionIn

DEFAULT_LIMIT = 25
MOST = 50


def list_open(request: Request, hub: Hub) -> shapes.SuggestionPage:
    """Read what is to be decided about who is who, newest first.

    The list may be a second behind what was just written.
    """
    query, binding = request.query, request.query.binding(request.path)
    token = query.text("cursor")
    page = suggestions.list_open(
        hub.table,
        limit=query.whole("limit", default=DEFAULT_LIMIT, most=MOST),
        position=cursors.unseal(hub.keys, token, binding).position if token else None,
    )
    return {
        "items": [_shaped(question) for question in page.questions],
        "next_cursor": cursors.seal(hub.keys, Cursor(page.position), binding)
        if page.position
        else None,
    }


def accept(request: Request, hub: Hub, body: "DecisionIn") -> shapes.Suggestion:
    """Say that both addresses are one person's: their contacts are merged.

    The older contact survives, and the merge can be undone. An address of nobody's is added. Where
    several people use an address, it is a conflict.
    """
    decision = _decision(request, body)
    return _shaped(suggestions.accept(hub.table, request.id, decision, now=hub.now))


def reject(request: Request, hub: Hub, body: "DecisionIn") -> shapes.Suggestion:
    """Say that the addresses are two people's: only new evidence asks again."""
    decision = _decision(request, body)
    return _shaped(suggestions.reject(hub.table, request.id, decision, now=hub.now))


def _decision(request: Request, body: "DecisionIn") -> Decision:
    return Decision(by=request.agent.id, reason=body.reason)


def _shaped(question: Question) -> shapes.Suggestion:
    found = question.suggestion
    return {
        "id": found.id,
        "state": found.state,
        "score": found.score,
        "evidence": sorted(found.evidence),
        "cautions": sorted(found.cautions),
        "sides": [_side(side) for side in question.sides],
        "suggested_at": rfc3339(found.at),
        "decided_by": found.by or None,
        "decided_at": rfc3339(found.decided_at) if found.decided_at else None,
        "reason": found.reason,
        "merge_id": found.merge_id or None,
    }


def _side(side: Side) -> shapes.SuggestionSide:
    return {
        "contact_id": side.contact_id or None,
        "kind": side.address.kind,
        "value": side.address.value,
        "trust": side.trust,
    }

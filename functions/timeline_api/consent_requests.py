"""Consent requests: which messages may be wishes to be left alone, over all contacts."""

from typing import TYPE_CHECKING

from functions.timeline_api import consent, shapes
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared import consent_requests
from shared.model.cursor import Cursor
from shared.rules import cursors

if TYPE_CHECKING:
    from functions.timeline_api.bodies import DecisionIn

DEFAULT_LIMIT = 25
MOST = 50


def list_open(request: Request, hub: Hub) -> shapes.ConsentRequestPage:
    """Read which messages, of all contacts, may ask not to be written to, newest first.

    Putting down what a request proposes (`PUT /v1/contacts/{id}/consent`) takes it off the list,
    and so does dismissing it. The list may be a second behind what was just written.
    """
    query, binding = request.query, request.query.binding(request.path)
    token = query.text("cursor")
    page = consent_requests.list_open(
        hub.table,
        limit=query.whole("limit", default=DEFAULT_LIMIT, most=MOST),
        position=cursors.unseal(hub.keys, token, binding).position if token else None,
    )
    return {
        "items": [consent.shape_request(wish) for wish in page.wishes],
        "next_cursor": cursors.seal(hub.keys, Cursor(page.position), binding)
        if page.position
        else None,
    }


def dismiss(request: Request, hub: Hub, body: "DecisionIn") -> shapes.Consents:
    """Say that a message asks for nothing of the kind; the timeline tells who said so, and why.

    Answers with what its contact wants to be written to about.
    """
    contact_id = consent_requests.dismiss(
        hub.table,
        request.id,
        by=request.agent,
        reason=body.reason,
        now=hub.now,
        correlation=request.request_id,
    )
    return consent.consents_of(hub, contact_id)

"""Agents: whether they are there to be given conversations."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.model.errors import InvalidRequestError
from shared.model.events import rfc3339
from shared.store import agents

if TYPE_CHECKING:
    from functions.timeline_api.bodies import AvailabilityIn


def put_availability(request: Request, hub: Hub, body: "AvailabilityIn") -> shapes.Availability:
    """Say whether an agent, by their token's `sub`, is there, and until when.

    Nobody is there for longer than was said. Who is there is given the new conversations of the
    contacts whose last one they had.
    """
    until = body.until if body.available else None
    if body.available and (until is None or until <= hub.now):
        raise InvalidRequestError("say until when: a time to come", "until")
    agents.set_available_until(hub.table, request.id, until)
    return {
        "agent": request.id,
        "available": until is not None,
        "until": rfc3339(until) if until else None,
    }

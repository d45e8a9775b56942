"""What happened at sites and in apps."""

import json
from typing import TYPE_CHECKING

from functions.timeline_api import shapes, shaping
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.log_event import AppEvent, log_event
from shared.model.entry import Kind
from shared.model.errors import InvalidRequestError
from shared.model.events import Change

if TYPE_CHECKING:
    from pydantic import JsonValue

    from functions.timeline_api.bodies import NewEvent

_LARGEST_DATA = 16 * 1024  # bytes


def post_event(request: Request, hub: Hub, body: "NewEvent") -> shapes.Entry:
    """Put an order, a page view or another event on a contact's timeline, where it belongs in time.

    The same `id` of the same `source` is there once, and answered as it is there. It keeps its
    date, however long ago, and opens no conversation.
    """
    by = request.agent.id
    logged = log_event(
        AppEvent(
            contact_id=request.id,
            kind=Kind(body.kind),
            source=body.source,
            id=body.id,
            occurred_at=body.occurred_at,
            data=_json(body.data),
            change=Change(
                events=("EntryRecorded",),
                cause=f"agent:{by}",
                correlation=request.request_id,
                by=by,
            ),
        ),
        table=hub.table,
        now=hub.now,
    )
    return shaping.entry(logged.entry, None, contact_id=logged.contact_id, keys=hub.keys)


def _json(data: dict[str, "JsonValue"]) -> str:
    """The data as it is kept; of no data, nothing."""
    try:
        kept = json.dumps(data, separators=(",", ":"), allow_nan=False) if data else ""
    except ValueError as error:  # NaN, or more digits than Python writes out
        raise InvalidRequestError("a number here is none that JSON has", "data") from error
    if len(kept) > _LARGEST_DATA:
        raise InvalidRequestError(f"at most {_LARGEST_DATA} bytes", "data")
    return kept

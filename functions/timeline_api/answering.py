"""From what a route answers, or an error, to an HTTP response."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.timeline_api import problems
from functions.timeline_api.attachments import Redirect
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from functions.timeline_api.route import Route

# What people wrote to each other is for nobody's cache.
_PRIVATE = {"Cache-Control": "no-store"}


def respond(route: Route, request: Request, hub: Hub) -> Response[str]:
    """The response to a request of this route. Raises what the route raises."""
    if route.body:
        from functions.timeline_api import bodies

        answer = route.answer(request, hub, request.read(getattr(bodies, route.body)))
    else:
        answer = route.answer(request, hub)
    if isinstance(answer, Redirect):
        return Response(route.status, headers={"Location": answer.url, **_PRIVATE}, body="")
    return _json(route.status, "application/json", answer)


def refuse(error: Exception, request_id: str) -> Response[str]:
    """The response to an error, which is logged here when it is our fault."""
    problems.log(error)
    problem = problems.problem_of(error, request_id)
    return _json(
        problem["status"], problems.MEDIA_TYPE, problem, headers=problems.headers_of(error)
    )


def _json(
    status: int, media_type: str, answer: Any, headers: dict[str, str] | None = None
) -> Response[str]:
    return Response(
        status,
        content_type=media_type,
        headers={**_PRIVATE, **(headers or {})},
        body=json.dumps(answer, ensure_ascii=False, separators=(",", ":")),
    )

"""The timeline API: whatever is under /v1, behind API Gateway's JWT authorizer."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.timeline_api.answering import refuse, respond
from functions.timeline_api.errors import MethodNotAllowedError
from functions.timeline_api.hub import hub
from functions.timeline_api.request import Request
from functions.timeline_api.route import Route
from functions.timeline_api.routes import ROUTES, methods_of, other_methods
from shared.model.errors import NotFoundError
from shared.runtime.telemetry import correlate

app = APIGatewayHttpResolver()


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    request_id = event["requestContext"]["requestId"]
    correlate(request_id)
    answered = app.resolve(_without_prefix(event), context)
    answered["headers"]["X-Request-Id"] = request_id
    return answered


def _without_prefix(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its path from our root on: a stage or a mapping key may stand before it."""
    path = event["rawPath"]
    context = {**event["requestContext"], "stage": "$default"}
    return {**event, "rawPath": path[max(path.find("/v1/"), 0) :], "requestContext": context}


@app.not_found
def no_such_route(_: Exception) -> Response[str]:
    return refuse_this(NotFoundError("no such route"))


def refuse_this(error: Exception) -> Response[str]:
    request_id: str = app.current_event.request_context.request_id
    return refuse(error, request_id)


app.exception_handler(Exception)(refuse_this)


def _serve(route: Route) -> Callable[..., Response[str]]:
    def serve(**parts: str) -> Response[str]:
        event = app.current_event.raw_event
        return respond(route, Request.from_event(event, route, parts), hub())

    return serve


def _refuse_method(path: str) -> Callable[..., Response[str]]:
    def serve(**_: str) -> Response[str]:
        raise MethodNotAllowedError(methods_of(path))

    return serve


for each in ROUTES:
    app.route(each.rule, each.method)(_serve(each))
for each in {route.path: route for route in ROUTES}.values():
    app.route(each.rule, other_methods(each.path))(_refuse_method(each.path))

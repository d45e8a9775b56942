"""Every error as a problem (RFC 9457), in one place."""

from http import HTTPStatus
from traceback import extract_tb
from typing import NotRequired

from typing_extensions import TypedDict

from functions.timeline_api.errors import (
    BodyTooLargeError,
    InvalidBodyError,
    MalformedRequestError,
    MethodNotAllowedError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from shared.model.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RejectedError,
    ThroughlineError,
    UnavailableError,
)
from shared.runtime.telemetry import logger

MEDIA_TYPE = "application/problem+json"

# The first that fits counts.
_STATUSES: tuple[tuple[type[ThroughlineError], HTTPStatus], ...] = (
    (MalformedRequestError, HTTPStatus.BAD_REQUEST),
    (InvalidRequestError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (MethodNotAllowedError, HTTPStatus.METHOD_NOT_ALLOWED),
    (BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedMediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RejectedError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class ProblemField(TypedDict):
    """One thing that is wrong with the request."""

    field: str
    """The parameter, header or field of the body; `to.kind` is a field within a field."""
    detail: str
    """What is wrong with it."""


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: str
    """`about:blank`: the status says what kind of problem this is."""
    title: str
    """The status in words."""
    status: int
    """The HTTP status."""
    detail: NotRequired[str]
    """What is wrong with this very request."""
    errors: NotRequired[list[ProblemField]]
    """Where the request is wrong."""


def status_of(error: Exception) -> HTTPStatus:
    """The status that answers an error; 500 for what nobody foresaw."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: Exception) -> Problem:
    """The problem that answers an error. Of what nobody foresaw it says nothing."""
    status = status_of(error)
    problem = Problem(type="about:blank", title=status.phrase, status=int(status))
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem
    problem["detail"] = str(error)
    if isinstance(error, InvalidBodyError):
        problem["errors"] = [
            ProblemField(field=each.field, detail=each.detail) for each in error.errors
        ]
    elif isinstance(error, InvalidRequestError) and error.field:
        problem["errors"] = [ProblemField(field=error.field, detail=str(error))]
    return problem


def headers_of(error: Exception) -> dict[str, str]:
    """What an answer to an error says in its headers."""
    if isinstance(error, MethodNotAllowedError):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, UnavailableError):
        return {"Retry-After": "1"}
    if isinstance(error, UnauthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def log(error: Exception) -> None:
    """Log what is our fault, once, by kind and place; an error's own words may hold content."""
    status = status_of(error)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    details = {"error": type(error).__name__, "status": int(status), "places": places}
    if error.__cause__:
        details["cause"] = type(error.__cause__).__name__
    logger().error("request failed", extra=details)

"""Every error as a problem (RFC 9457), in one place."""

from http import HTTPStatus
from traceback import extract_tb
from typing import NotRequired

from typing_extensions import TypedDict

from functions.timeline_api.errors import (
    BodyTooLargeError,
    ForbiddenError,
    InvalidBodyError,
    MalformedRequestError,
    MethodNotAllowedError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from functions.timeline_api.shapes import Time
from shared.model.erasure import Certificate
from shared.model.errors import (
    ConflictError,
    GoneError,
    InvalidRequestError,
    NotFoundError,
    RejectedError,
    ThroughlineError,
    UnavailableError,
    UnnamedMembersError,
    UnwantedError,
)
from shared.model.events import rfc3339
from shared.runtime.telemetry import count, logger

MEDIA_TYPE = "application/problem+json"

# The first that fits counts.
_STATUSES: tuple[tuple[type[ThroughlineError], HTTPStatus], ...] = (
    (MalformedRequestError, HTTPStatus.BAD_REQUEST),
    (InvalidRequestError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (MethodNotAllowedError, HTTPStatus.METHOD_NOT_ALLOWED),
    (BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedMediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RejectedError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (GoneError, HTTPStatus.GONE),
    (ConflictError, HTTPStatus.CONFLICT),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class ProblemField(TypedDict):
    """One thing that is wrong with the request."""

    field: str
    """The parameter, header or field of the body; `to.kind` is a field within a field."""
    detail: str
    """What is wrong with it."""


class Erasure(TypedDict):
    """That a person was erased, and how much of them is gone."""

    members: list[str]
    """All contacts they were."""
    requested_at: Time
    finished_at: Time | None
    """Null while it is under way; the counts say how far it has come."""
    addresses: int
    conversations: int
    entries: int
    objects: int
    """Files and large bodies, each with all its versions."""
    provider_copies: int
    """Messages that a provider still keeps and is to be told to delete."""


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
    request_id: str
    """Which request this was; our logs know it by the same id."""
    errors: NotRequired[list[ProblemField]]
    """Where the request is wrong."""
    reason: NotRequired[str]
    """With 409, why nothing may be sent: `no_consent` or `bounced`."""
    members: NotRequired[list[str]]
    """With 409, where all contacts that were merged have to be named."""
    certificate: NotRequired[Erasure]
    """With 410, of a contact who was erased."""


def status_of(error: Exception) -> HTTPStatus:
    """The status that answers an error; 500 for what nobody foresaw."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: Exception, request_id: str) -> Problem:
    """The problem that answers an error. Of what nobody foresaw it says nothing."""
    status = status_of(error)
    problem = Problem(
        type="about:blank", title=status.phrase, status=int(status), request_id=request_id
    )
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem
    problem["detail"] = str(error)
    if isinstance(error, InvalidBodyError):
        problem["errors"] = [
            ProblemField(field=each.field, detail=each.detail) for each in error.errors
        ]
    elif isinstance(error, InvalidRequestError) and error.field:
        problem["errors"] = [ProblemField(field=error.field, detail=str(error))]
    elif isinstance(error, GoneError):
        problem["certificate"] = erasure_of(error.certificate)
    elif isinstance(error, UnwantedError):
        problem["reason"] = error.reason
    elif isinstance(error, UnnamedMembersError):
        problem["members"] = sorted(error.members)
    return problem


def erasure_of(certificate: Certificate) -> Erasure:
    """How far an erasure has come, or that it is done."""
    finished_at = certificate.finished_at
    return {
        "members": list(certificate.members),
        "requested_at": rfc3339(certificate.requested_at),
        "finished_at": rfc3339(finished_at) if finished_at else None,
        "addresses": certificate.addresses,
        "conversations": certificate.conversations,
        "entries": certificate.entries,
        "objects": certificate.objects,
        "provider_copies": certificate.provider_copies,
    }


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
    """Log and count what is our fault, once, by kind and place.

    An error's own words may hold content.
    """
    status = status_of(error)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    details = {"error": type(error).__name__, "status": int(status), "places": places}
    if error.__cause__:
        details["cause"] = type(error.__cause__).__name__
    count("ServerErrors")
    logger().error("request failed", extra=details)

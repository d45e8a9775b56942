"""One request of an agent app, as API Gateway hands it over (HTTP API, payload format 2.0)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote

from functions.timeline_api.errors import (
    BodyTooLargeError,
    FieldError,
    InvalidBodyError,
    MalformedRequestError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from functions.timeline_api.query import Query
from functions.timeline_api.route import Route
from shared.model.entry import Author, AuthorType
from shared.model.errors import NotFoundError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Body = TypeVar("Body", bound=BaseModel)

_LONGEST_ID = 1_000  # bytes; a key of the table holds 2 048


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a route is asked.

    `path` is without stage and mapping key, `parts` are what stands in it for `{id}` and others,
    decoded. Header names are in lower case. `agent` is whom the token names, `scopes` what it
    allows.
    """

    request_id: str
    method: str
    path: str
    parts: Mapping[str, str]
    query: Query
    headers: Mapping[str, str]
    body: bytes
    agent: Author
    scopes: frozenset[str]

    @classmethod
    def from_event(cls, event: Mapping[str, Any], route: Route, encoded: Mapping[str, str]) -> Self:
        """The request in an event of this route, whose path has these parts, as they were sent.

        Raises UnauthenticatedError, MalformedRequestError, BodyTooLargeError, NotFoundError (an id
        longer than any of ours, which no key could hold).
        """
        context = event["requestContext"]
        if any(len(part.encode(errors="replace")) > _LONGEST_ID for part in encoded.values()):
            raise NotFoundError("no such thing")
        return cls(
            request_id=context["requestId"],
            method=context["http"]["method"],
            path=route.path.format_map(encoded),
            parts={name: unquote(part) for name, part in encoded.items()},
            query=Query(event.get("rawQueryString") or "", [known.name for known in route.query]),
            headers={name.lower(): value for name, value in event.get("headers", {}).items()},
            body=_body(event, route.largest_body),
            agent=_agent(context),
            scopes=_scopes(context),
        )

    @property
    def id(self) -> str:
        """What the route is about: its path's `{id}`."""
        return self.parts["id"]

    def read(self, model: "type[Body]") -> "Body":
        """The body as a route takes it.

        Raises UnsupportedMediaTypeError, MalformedRequestError (no JSON), InvalidBodyError.
        """
        from pydantic import ValidationError

        media_type = self.headers.get("content-type", "application/json").partition(";")[0]
        if media_type.strip().lower() != "application/json":
            raise UnsupportedMediaTypeError("send the body as application/json")
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise _refusal(error) from None  # it holds the input


def _body(event: Mapping[str, Any], largest: int) -> bytes:
    text: str = event.get("body") or ""
    if len(text) > largest * 4 // 3 + 4:
        raise BodyTooLargeError(f"the body is larger than {largest} bytes")
    try:
        # API Gateway encodes whatever has no media type that it takes for text.
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else None
    except binascii.Error as error:
        raise MalformedRequestError("the body's encoding is broken") from error
    body = text.encode("utf-8", "replace") if body is None else body
    if len(body) > largest:
        raise BodyTooLargeError(f"the body is larger than {largest} bytes")
    return body


def _agent(context: Mapping[str, Any]) -> Author:
    """Whom the token names; API Gateway has checked the token and its scopes."""
    claims = context.get("authorizer", {}).get("jwt", {}).get("claims", {})
    if not claims.get("sub"):
        raise UnauthenticatedError("the token names nobody")
    return Author(AuthorType.AGENT, id=claims["sub"], name=claims.get("name", ""))


def _scopes(context: Mapping[str, Any]) -> frozenset[str]:
    """The token's scopes; a list among its claims comes as `[a b]`."""
    claims = context["authorizer"]["jwt"]["claims"]
    return frozenset(str(claims.get("scope") or claims.get("scp") or "").strip("[]").split())


def _refusal(error: "ValidationError") -> MalformedRequestError | InvalidBodyError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return MalformedRequestError("the body is no JSON")
    return InvalidBodyError(
        tuple(
            FieldError(".".join(str(part) for part in each["loc"]), each["msg"]) for each in found
        )
    )

"""What can be wrong with a request before it means anything.

RejectedError
├─ InvalidRequestError
│  ├─ MalformedRequestError      it cannot be read: query, JSON, encoding (400)
│  └─ InvalidBodyError           it can be read and breaks the route's schema (422)
├─ UnauthenticatedError          no token came with it (401)
├─ ForbiddenError                the token's scopes do not allow this (403)
├─ MethodNotAllowedError         the path exists, not with this method (405)
├─ BodyTooLargeError             (413)
└─ UnsupportedMediaTypeError     the body is not called JSON (415)
"""

from dataclasses import dataclass

from shared.model.errors import InvalidRequestError, RejectedError


class MalformedRequestError(InvalidRequestError):
    """The request cannot be read."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `to.kind` names a field within a field."""

    field: str
    detail: str


class InvalidBodyError(InvalidRequestError):
    """The body breaks the route's schema in these places."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("the body does not have the form this route takes")
        self.errors = errors


class UnauthenticatedError(RejectedError):
    """Nobody is named as the one who asks."""


class ForbiddenError(RejectedError):
    """What is asked for takes a scope that the token does not have."""


class MethodNotAllowedError(RejectedError):
    """The path has no such method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("this path does not take this method")
        self.allowed = allowed


class BodyTooLargeError(RejectedError):
    """The body is larger than any request needs."""


class UnsupportedMediaTypeError(RejectedError):
    """The body is not JSON, by its own word."""

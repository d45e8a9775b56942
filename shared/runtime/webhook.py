"""Webhook requests as API Gateway hands them over, and how they are answered."""

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from shared.model.errors import (
    InvalidSignatureError,
    MalformedMessageError,
    NotFoundError,
    RejectedError,
    ThroughlineError,
    UnavailableError,
)
from shared.runtime.telemetry import correlate, count, logger
from shared.runtime.unforeseen import discreet

MAX_BODY_BYTES = 256 * 1024
MAX_FORM_FIELDS = 500

Response = dict[str, Any]


class MethodNotAllowedError(RejectedError):
    """The webhook does not take this method."""


class BodyTooLargeError(RejectedError):
    """The body is larger than any message a provider sends."""


class Form(dict[str, list[str]]):
    """A form's fields with all their values, in the shape that Twilio's validator reads."""

    def getlist(self, name: str) -> list[str]:
        """All values of a field, in the order they came."""
        return self.get(name, [])

    def first(self, name: str) -> str:
        """A field's first value, or nothing."""
        return self.get(name, [""])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One request as its sender made it.

    `path` includes the stage, `query` is undecoded, header names are in lower case, `body` is
    what was signed. `method` is one the webhook takes, `path_parameters` are the route's,
    `domain_name` is API Gateway's own word.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    domain_name: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"

    @classmethod
    def from_event(cls, event: Mapping[str, Any], methods: Collection[str] = ("POST",)) -> Self:
        """The request in an API Gateway event, payload format 2.0 or 1.0.

        Raises MethodNotAllowedError, BodyTooLargeError, MalformedMessageError (bad base64).
        """
        context = event["requestContext"]
        method = event.get("httpMethod") or context["http"]["method"]
        if method not in methods:
            raise MethodNotAllowedError(f"send this by {' or '.join(methods)}")
        values = event.get("multiValueQueryStringParameters") or {}
        return cls(
            method=method,
            path=event.get("rawPath") or context["path"],
            query=event.get("rawQueryString") or urlencode(values, doseq=True),
            headers=_headers(event),
            body=_body(event),
            domain_name=context.get("domainName", ""),
            path_parameters=event.get("pathParameters") or {},
        )

    def proof(self, name: str) -> str:
        """A header (lower-case name) that proves the sender.

        Raises InvalidSignatureError when it is missing: asked before any secret is read, it turns
        strangers away for free.
        """
        value = self.headers.get(name, "")
        if not value:
            raise InvalidSignatureError(f"the request carries no {name}")
        return value

    def urls(self, public_urls: tuple[str, ...]) -> tuple[str, ...]:
        """The URLs under which the sender may have known us.

        Never taken from a header: only our configured base URLs, and the domain by which API
        Gateway chose this API. A base URL may carry a stage or mapping key, so the path is
        appended from where our own routes begin.
        """
        query = f"?{self.query}" if self.query else ""
        route = self.path[max(self.path.find("/webhooks/"), 0) :]
        known = [f"{base}{route}{query}" for base in public_urls]
        if self.domain_name:
            known.append(f"https://{self.domain_name}{self.path}{query}")
        return tuple(dict.fromkeys(known))

    def form(self) -> Form:
        """The body's form fields, blank ones too. Raises MalformedMessageError."""
        form = Form()
        try:
            pairs = parse_qsl(
                self.body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
            )
        except ValueError as error:
            raise MalformedMessageError("the form cannot be read") from error
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        return form


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    several = event.get("multiValueHeaders")
    if several:
        return {name.lower(): ",".join(values) for name, values in several.items()}
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    encoded = event.get("isBase64Encoded", False)
    if len(text) > (MAX_BODY_BYTES * 4 // 3 + 4 if encoded else MAX_BODY_BYTES):
        raise BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        # API Gateway encodes every media type it does not take for text, forms among them.
        body = base64.b64decode(text, validate=True) if encoded else text.encode()
    except ValueError as error:
        raise MalformedMessageError("the body's encoding is broken") from error
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
    return body


def webhook(
    *,
    channel: str,
    unproven: int = HTTPStatus.FORBIDDEN,
    methods: Collection[str] = ("POST",),
) -> Callable[
    [Callable[[WebhookRequest], Response]], Callable[[Mapping[str, Any], object], Response]
]:
    """Make a Lambda handler of a function that answers a WebhookRequest.

    Its ThroughlineErrors become problem+json answers; `unproven` is the status for a sender who
    did not prove who they are. Every answer names its request.
    """

    def decorate(
        respond: Callable[[WebhookRequest], Response],
    ) -> Callable[[Mapping[str, Any], object], Response]:
        @discreet
        @wraps(respond)
        def lambda_handler(event: Mapping[str, Any], context: object) -> Response:
            request_id = event["requestContext"].get("requestId", "")
            correlate(request_id)
            try:
                answered = respond(WebhookRequest.from_event(event, methods))
            except InvalidSignatureError as error:
                count("RejectedSignatures", channel=channel)
                answered = _refuse(unproven, error, request_id)
            except ThroughlineError as error:
                answered = _refuse(_status(error), error, request_id)
            return {**answered, "headers": {**answered["headers"], "x-request-id": request_id}}

        return lambda_handler

    return decorate


def answer(status: int, body: str = "", media_type: str = "text/plain") -> Response:
    """A response in payload format 2.0."""
    return {"statusCode": status, "headers": {"content-type": media_type}, "body": body}


_STATUSES: tuple[tuple[type[ThroughlineError], HTTPStatus], ...] = (
    (MethodNotAllowedError, HTTPStatus.METHOD_NOT_ALLOWED),
    (BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (RejectedError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def _status(error: ThroughlineError) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.SERVICE_UNAVAILABLE  # a conflict: the sender may come again


def _refuse(status: int, error: ThroughlineError, request_id: str) -> Response:
    """A problem (RFC 9457). It says why, unless the trouble is ours: then only our log does."""
    logger().warning("webhook refused", extra={"status": int(status), "reason": str(error)})
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if ours:
        count("ServerErrors")
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": "please try again later" if ours else str(error),
        "request_id": request_id,
    }
    return answer(status, json.dumps(problem), "application/problem+json")

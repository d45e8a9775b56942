"""Webhooks whose sender proves who they are: what was proven is recorded or parked, never lost."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Self

from shared.model.errors import NotFoundError
from shared.runtime.telemetry import correlate, count, logger
from shared.runtime.unforeseen import reason
from shared.runtime.webhook import Response, WebhookRequest, webhook

_READ_AGAIN = ("content-type", "webhook-id")

Park = Callable[[str, Mapping[str, Any], str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A request, who proved to have sent it, and when it came."""

    request: WebhookRequest
    sender: str
    received_at: datetime

    @property
    def id(self) -> str:
        """The same each time that a sender delivers the same."""
        request = self.request
        delivery = request.headers.get("webhook-id", "")
        told = f"{self.sender} {request.path} {request.query} {delivery} ".encode()
        return sha256(told + request.body).hexdigest()[:32]

    def to_parked(self) -> dict[str, Any]:
        """What a replay needs, as JSON; no signature, for it was checked and proves it no longer.

        Bytes of the body that are no UTF-8 are surrogates, as in `surrogateescape`.
        """
        request = self.request
        return {
            "sender": self.sender,
            "received_at": self.received_at.isoformat(),
            "path": request.path,
            "query": request.query,
            "path_parameters": dict(request.path_parameters),
            "headers": {k: v for k, v in request.headers.items() if k in _READ_AGAIN},
            "body": request.body.decode(errors="surrogateescape"),
        }

    @classmethod
    def from_parked(cls, parked: Mapping[str, Any]) -> Self:
        """What `to_parked` made a dictionary of."""
        return cls(
            sender=parked["sender"],
            received_at=datetime.fromisoformat(parked["received_at"]),
            request=WebhookRequest(
                path=parked["path"],
                query=parked["query"],
                path_parameters=parked["path_parameters"],
                headers=parked["headers"],
                body=parked["body"].encode(errors="surrogateescape"),
                domain_name="",
            ),
        )


def proven_webhook(
    *,
    channel: str,
    prove: Callable[[WebhookRequest], str],
    clock: Callable[[], datetime],
    park: Park,
    parked: Response,
    unproven: int = HTTPStatus.FORBIDDEN,
    methods: Collection[str] = ("POST",),
) -> Callable[[Callable[[Proven], Response]], Callable[[Mapping[str, Any], object], Response]]:
    """Make a Lambda handler of a function that answers a Proven.

    `prove` names the sender or raises. Whatever goes wrong after that is parked with its reason and
    answered with `parked`, so that nobody repeats it in vain; except NotFoundError, which answers a
    question. If it cannot be parked either, the sender is asked to come again.

    The event `{"replay": …}` holds what was parked. Nobody outside can send it: what API Gateway
    makes of a request has other keys. It is taken for a POST, and answered by `{"failed": why}`,
    empty when it went well.
    """

    def decorate(
        respond: Callable[[Proven], Response],
    ) -> Callable[[Mapping[str, Any], object], Response]:
        @webhook(channel=channel, unproven=unproven, methods=methods)
        def from_outside(request: WebhookRequest) -> Response:
            proven = Proven(sender=prove(request), request=request, received_at=clock())
            try:
                return respond(proven)
            except NotFoundError:
                raise
            except Exception as error:
                why = reason(error)
                park(f"{channel}/{proven.id}", proven.to_parked(), why)
                count("MessagesParked", channel=channel)
                logger().error("webhook parked", extra={"parked": proven.id, "reason": why})
                return parked

        @wraps(respond)
        def lambda_handler(event: Mapping[str, Any], context: object) -> Response:
            if "replay" not in event:
                return from_outside(event, context)
            proven = Proven.from_parked(event["replay"])
            correlate(proven.id)
            try:
                respond(proven)
            except Exception as error:
                logger().warning("replay failed", extra={"reason": reason(error)})
                return {"failed": reason(error)}
            return {"failed": ""}

        return lambda_handler

    return decorate

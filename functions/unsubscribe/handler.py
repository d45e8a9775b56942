"""The link in mail that a rule sent: GET and POST /webhooks/unsubscribe/{token} (RFC 8058)."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from shared.consent import unsubscribe
from shared.model.consent import Purpose
from shared.model.errors import NotFoundError
from shared.rules.unsubscribe import read
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.proven import Proven, proven_webhook
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import UnsubscribeSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer
from shared.store.parking import Parking
from shared.store.table import Table

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Unsubscribe</title>'
    '<meta name="viewport" content="width=device-width"><body>{}</body></html>'
)
ASK = _PAGE.format(
    '<form method="post"><p>Shall we stop sending you mail like this?</p>'
    '<button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
)
DONE = _PAGE.format("<p>You are unsubscribed: we send no more mail like this.</p>")
NOTED = _PAGE.format("<p>Your wish has reached us; we see to it.</p>")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


@cache
def settings() -> UnsubscribeSettings:
    return UnsubscribeSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


def clock() -> datetime:
    return now(settings().clock_offset)


def prove(request: WebhookRequest) -> str:
    """The address and the purpose that the link names; else NotFoundError."""
    keys = signing_keys(settings().keys_secret).keys
    named = read(keys, request.path_parameters.get("token", ""))
    if named is None:
        raise NotFoundError("no such link")
    return "/".join(named)


def park(name: str, content: Mapping[str, Any], reason: str) -> None:
    Parking(clients.s3, settings().content_bucket).park(name, content, reason)


def _page(page: str) -> Response:
    answered = answer(200, page, "text/html; charset=utf-8")
    return {**answered, "headers": {**answered["headers"], **_HEADERS}}


@proven_webhook(
    channel="unsubscribe",
    prove=prove,
    clock=clock,
    park=park,
    parked=_page(NOTED),
    methods=("GET", "POST"),
)
def lambda_handler(proven: Proven) -> Response:
    """Deny what the mail was for; a GET only asks, because mail scanners follow links."""
    if proven.request.method == "GET":
        return _page(ASK)
    address_key, _, purpose = proven.sender.partition("/")
    is_new = unsubscribe(table(), address_key, Purpose(purpose), now=proven.received_at)
    logger().info("unsubscribed", extra={"purpose": purpose, "is_new": is_new})
    return _page(DONE)

"""The link in mail that a rule sent: GET and POST /webhooks/unsubscribe/{token} (RFC 8058)."""

from functools import cache

from shared.consent import unsubscribe
from shared.model.errors import NotFoundError
from shared.rules.unsubscribe import read
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import TableSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer, webhook
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
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


@cache
def settings() -> TableSettings:
    return TableSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@webhook(channel="email", methods=("GET", "POST"))
def lambda_handler(request: WebhookRequest) -> Response:
    """Deny what the mail was for; a GET only asks, because mail scanners follow links."""
    keys = signing_keys(settings().keys_secret).keys
    named = read(keys, request.path_parameters.get("token", ""))
    if named is None:
        raise NotFoundError("no such link")
    if request.method == "GET":
        return _page(ASK)
    address_key, purpose = named
    is_new = unsubscribe(table(), address_key, purpose, now=now(settings().clock_offset))
    logger().info("unsubscribed", extra={"purpose": purpose, "is_new": is_new})
    return _page(DONE)


def _page(page: str) -> Response:
    answered = answer(200, page, "text/html; charset=utf-8")
    return {**answered, "headers": {**answered["headers"], **_HEADERS}}

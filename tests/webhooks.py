"""Webhook requests as API Gateway hands them over, signed as their senders sign them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from shared.runtime.secrets import Site, TwilioAccount
from shared.runtime.webhook import Form, WebhookRequest

EVENTS = Path(__file__).parent / "events"
BASE = "https://hooks.example.com"
API = "https://abc123.execute-api.us-east-1.amazonaws.com"
MESSAGES = "/webhooks/twilio/messages"
CHAT = "/webhooks/chat"

ACCOUNT = TwilioAccount(account_sid="AC1", auth_token="a token for tests")
OLD_SECRET = f"whsec_{base64.b64encode(b'the old secret of site').decode()}"
SECRET = f"whsec_{base64.b64encode(b'the new secret of site').decode()}"
SITE = Site(name="shop", url="https://shop.example.com/chat", secrets=(SECRET,))

Event = dict[str, Any]


def form_body(name: str, **changes: str) -> str:
    """A captured form of Twilio's, with some fields changed."""
    captured = (EVENTS / "twilio" / f"{name}.txt").read_text()
    return urlencode(dict(parse_qsl(captured, keep_blank_values=True)) | changes)


def form(name: str, **changes: str) -> Form:
    """The same as fields."""
    return read_form(form_body(name, **changes))


def read_form(body: str) -> Form:
    """A body's fields."""
    fields = Form()
    for key, value in parse_qsl(body, keep_blank_values=True):
        fields.setdefault(key, []).append(value)
    return fields


def http_event(
    body: str | bytes = "",
    *,
    path: str = MESSAGES,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    encoded: bool = True,
) -> Event:
    """A POST in payload format 2.0; API Gateway encodes whatever it does not take for text."""
    event: Event = json.loads((EVENTS / "http_api_post.json").read_text())
    raw = body.encode() if isinstance(body, str) else body
    event["body"] = base64.b64encode(raw).decode() if encoded else raw.decode()
    event["isBase64Encoded"] = encoded
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["rawQueryString"] = query
    event["headers"] |= headers or {}
    return event


def twilio_event(
    body: str,
    *,
    url: str = BASE + MESSAGES,
    token: str = ACCOUNT.auth_token,
    algorithm: str = "HMAC_SHA1",
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> Event:
    """A webhook that Twilio signed for `url`."""
    signature = RequestValidator(token).compute_signature(url, read_form(body), algorithm)
    return http_event(body, headers={"x-twilio-signature": signature, **(headers or {})}, **request)


def chat_event(
    content: Any,
    *,
    delivery: str = "msg_1",
    secrets: tuple[str, ...] = (SECRET,),
    at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Event:
    """A webhook that a site signed with each of `secrets`."""
    body = content if isinstance(content, str) else json.dumps(content)
    at = at or datetime.now(UTC)
    signed = {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(s).sign(delivery, at, body) for s in secrets),
    }
    return http_event(body, path=CHAT, headers={**signed, **(headers or {})}, encoded=False)


def chat_message(visitor: Mapping[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """A visitor's message as the captured one, with parts changed."""
    event: dict[str, Any] = json.loads((EVENTS / "chat" / "message_created.json").read_text())
    event["data"] |= data
    event["data"]["visitor"] |= visitor or {}
    return event


def request(event: Event) -> WebhookRequest:
    """The request in an event."""
    return WebhookRequest.from_event(event)

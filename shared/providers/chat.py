"""Chat with a site's visitors, as Standard Webhooks both ways (design.md §11).

https://www.standardwebhooks.com. A site's signature is its word for who the visitor is; its
`verified` says whether the visitor is logged in there, and so whether that word covers the
visitor's e-mail address and phone number. What visitors typed themselves are claims.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from shared.model.entry import Channel
from shared.model.errors import InvalidRequestError, InvalidSignatureError, MalformedMessageError
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery, InboundMessage
from shared.model.receipt import ReceiptState
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, StatusReport
from shared.providers.http import NoAnswerError, NotReachedError, post
from shared.runtime.secrets import ChatSites, Site
from shared.runtime.webhook import WebhookRequest

PROVIDER = "chat"
DEFAULT_SITE = "default"
SIGNATURE_HEADER = "webhook-signature"
_ID_HEADER = "webhook-id"
_LONGEST_ID = 128
_STATES = {
    "message.delivered": ReceiptState.DELIVERED,
    "message.read": ReceiptState.READ,
}

ReadAddress = Callable[[IdentityKind, str], Address]


def verify(request: WebhookRequest, sites: ChatSites) -> Site:
    """The site that signed this request, with any of its secrets; else InvalidSignatureError."""
    request.proof(SIGNATURE_HEADER)
    for site in sites.values():
        for secret in site.secrets:
            try:
                Webhook(secret).verify(request.body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                # The library lets ValueErrors out for a garbled header or a body not in UTF-8.
                continue
            return site
    raise InvalidSignatureError("the signature is no site's of ours")


def parse_event(
    request: WebhookRequest, site: Site, received_at: datetime, read_address: ReadAddress
) -> InboundMessage | StatusReport:
    """What a site whose signature was checked tells us: a message, or what became of ours.

    `read_address` makes an address of what somebody typed, or raises InvalidRequestError; such an
    address is left out and named in the defects. A report's `provider_id` is the entry's id.
    Raises MalformedMessageError.
    """
    event = _object(request.body)
    data = _part(event, "data")
    kind = _text(event, "type")
    if kind == "message.created":
        delivery = _id(request.headers, _ID_HEADER)
        return _message(data, delivery, site, received_at, read_address)
    if kind in _STATES:
        return StatusReport(
            provider=PROVIDER,
            provider_id=_id(data, "entry"),
            state=_STATES[kind],
            at=received_at,
        )
    raise MalformedMessageError("the event's type is not known")


class ChatSender:
    """Sends to the visitor's site."""

    def __init__(self, sites: ChatSites) -> None:
        self._sites = sites

    def send(self, message: OutboundMessage) -> SendResult:
        """Send under the entry's id, which the site drops repeats by.

        So asking again does no harm, and whatever is no clear answer is worth another try.
        """
        site_name, visitor = _site_and_visitor(message.to.value)
        site = self._sites.get(site_name)
        if not site or not site.secrets:
            # With other sites there, this one was given up: another channel may reach them.
            return Refused("unknown-site", final=bool(self._sites), misconfigured=not self._sites)
        now = datetime.now(UTC)
        session, _, session_site = message.in_reply_to.rpartition("@")
        data = {
            "session": session if session_site == site.name else "",
            "visitor": visitor,
            "entry": message.key.entry_id,
            "text": message.text,
            "sent_at": (message.queued_at or now).isoformat(),
        }
        event = {"type": "message.created", "timestamp": now.isoformat(), "data": data}
        body = json.dumps(event, ensure_ascii=False)
        headers = _signed(site, message.key.entry_id, now, body)
        try:
            response = post(site.url, body.encode(), headers=headers)
        except (NotReachedError, NoAnswerError) as error:
            return Refused(str(error), final=False)
        return _result(response.status_code, message.key.entry_id)


def _signed(site: Site, delivery: str, at: datetime, body: str) -> dict[str, str]:
    """The headers; one signature for each secret, so that either end may rotate first."""
    signatures = (Webhook(secret).sign(delivery, at, body) for secret in site.secrets)
    return {
        "content-type": "application/json",
        _ID_HEADER: delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        SIGNATURE_HEADER: " ".join(signatures),
    }


def _result(status: int, entry_id: str) -> SendResult:
    if 200 <= status < 300:
        return Accepted(entry_id)
    refusal = f"http-{status}"
    if status in (401, 403):
        return Refused(refusal, final=False, misconfigured=True)
    return Refused(refusal, final=400 <= status < 500 and status != 429)


def _message(
    data: Mapping[str, Any],
    delivery: str,
    site: Site,
    received_at: datetime,
    read_address: ReadAddress,
) -> InboundMessage:
    visitor = _part(data, "visitor")
    text = _text(data, "text").replace("\0", "")
    verified = visitor.get("verified") is True
    addresses, defects = _addresses(visitor, read_address)
    sent_at = _time(data.get("sent_at"))
    if data.get("sent_at") and not sent_at:
        defects.append("sent_at is not a time with its zone")
    vouched = tuple(a for a in addresses if verified and a.kind in site.vouches)
    return InboundMessage(
        delivery=Delivery(f"{PROVIDER}:{site.name}", delivery),
        channel=Channel.CHAT,
        sender=_visitor_address(site, _visitor_id(data, visitor, read_address)),
        trust=Trust.VERIFIED if verified else Trust.CLAIMED,
        evidence="chat-signature",
        received_at=received_at,
        occurred_at=sent_at,
        recipient=site.name,
        author_name=_text(visitor, "name")[:256],
        text=text,
        vouched=vouched,
        claims=tuple(a for a in addresses if a not in vouched),
        # Where the answer goes: the visitor may have other windows open.
        message_id=f"{_id(data, 'session')}@{site.name}",
        defects=tuple(defects),
        size_bytes=len(text.encode("utf-8", "replace")),
    )


def _visitor_id(
    data: Mapping[str, Any], visitor: Mapping[str, Any], read_address: ReadAddress
) -> str:
    """The visitor's own id; the session's where that is nobody's, like `null`."""
    visitor_id = _id(visitor, "id")
    try:
        read_address(IdentityKind.CHAT, visitor_id)
    except InvalidRequestError:
        return f"session-{_id(data, 'session')}"
    return visitor_id


def _visitor_address(site: Site, visitor: str) -> Address:
    """A visitor's id means something on its own site alone; the site's name is left out of the
    ids of the one called `default`."""
    plain = site.name == DEFAULT_SITE and ":" not in visitor
    return Address(IdentityKind.CHAT, visitor if plain else f"{site.name}:{visitor}")


def _site_and_visitor(value: str) -> tuple[str, str]:
    """The site's name and the visitor's id in a chat address."""
    site_name, colon, visitor = value.partition(":")
    return (site_name, visitor) if colon else (DEFAULT_SITE, value)


def _addresses(
    visitor: Mapping[str, Any], read_address: ReadAddress
) -> tuple[tuple[Address, ...], list[str]]:
    addresses, defects = [], []
    for kind in (IdentityKind.EMAIL, IdentityKind.PHONE):
        value = _text(visitor, kind)
        if value:
            try:
                addresses.append(read_address(kind, value))
            except InvalidRequestError:
                defects.append(f"the visitor's {kind} is none")
    return tuple(addresses), defects


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError("the body is not JSON") from error
    if not isinstance(content, dict):
        raise MalformedMessageError("the body is not a JSON object")
    return content


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = content.get(name)
    if not isinstance(part, dict):
        raise MalformedMessageError(f"{name} is not an object")
    return part


def _text(content: Mapping[str, Any], name: str) -> str:
    """A text that may be missing. What JSON can write and UTF-8 cannot becomes `?`."""
    text = content.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise MalformedMessageError(f"{name} is not a text")
    return text.encode("utf-8", "replace").decode()


def _id(content: Mapping[str, Any], name: str) -> str:
    text = _text(content, name)
    if not text or len(text) > _LONGEST_ID or not text.isprintable():
        raise MalformedMessageError(f"{name} is missing or no id")
    return text


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None

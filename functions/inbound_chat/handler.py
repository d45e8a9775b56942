"""What sites with a chat tell us: POST /webhooks/chat."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from shared.model.errors import NotFoundError, RejectedError
from shared.model.sending import StatusReport
from shared.providers import chat
from shared.rate_card import rate_card
from shared.receipts import apply_report
from shared.receive import receive
from shared.rules.addresses import parse_address
from shared.rules.matching import Policy, policy
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.proven import Proven, proven_webhook
from shared.runtime.secrets import chat_sites, signing_keys
from shared.runtime.settings import InboundChatSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.parking import Parking
from shared.store.table import Table


@cache
def settings() -> InboundChatSettings:
    return InboundChatSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@cache
def linking() -> Policy:
    return policy(settings())


def clock() -> datetime:
    return now(settings().clock_offset)


def prove(request: WebhookRequest) -> str:
    """The name of the site that signed the request; else InvalidSignatureError."""
    request.proof(chat.SIGNATURE_HEADER)
    return chat.verify(request, chat_sites(settings().chat_secret)).name


def park(name: str, content: Mapping[str, Any], reason: str) -> None:
    Parking(clients.s3, settings().content_bucket).park(name, content, reason)


@proven_webhook(
    channel="chat",
    prove=prove,
    clock=clock,
    park=park,
    parked=answer(202, "kept, but not understood"),
    unproven=HTTPStatus.UNAUTHORIZED,
)
def lambda_handler(proven: Proven) -> Response:
    """Record a visitor's message, or move the receipt of one of ours."""
    site = chat_sites(settings().chat_secret).get(proven.sender)
    if site is None:
        raise RejectedError("the site that sent it is none of ours any more")
    at = clock()
    read_address = partial(parse_address, default_region=settings().default_region)
    event = chat.parse_event(proven.request, site, proven.received_at, read_address)
    if isinstance(event, StatusReport):
        key = receipts.find(table(), event.provider, event.provider_id)
        if key is None:
            raise NotFoundError("no such message")
        outcome = apply_report(key, event, table=table(), now=at)
        logger().info(outcome, extra={"entry_id": key.entry_id, "state": event.state})
        return answer(204)
    bodies = Bodies(clients.s3, settings().content_bucket)
    price = partial(price_inbound, rate_card())
    recorded, linked = receive(
        event, table=table(), bodies=bodies, now=at, price=price, policy=linking()
    )
    ids = {
        "entry_id": recorded.entry_id,
        "channel": event.channel,
        "merges": linked.merged,
        "suggestions": linked.suggested,
    }
    logger().info(recorded.outcome, extra=ids)
    return answer(204)

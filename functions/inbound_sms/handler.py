"""Twilio's incoming texts and WhatsApp messages: POST /webhooks/twilio/messages."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any

from shared.providers.twilio import SIGNATURE_HEADER, parse_message, verify
from shared.rate_card import rate_card
from shared.receive import receive
from shared.rules.matching import Policy, policy
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.proven import Proven, proven_webhook
from shared.runtime.secrets import public_urls, signing_keys, twilio_account
from shared.runtime.settings import InboundSmsSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer
from shared.store.bodies import Bodies
from shared.store.parking import Parking
from shared.store.table import Table

# An empty reply: a <Message> in it would be one more text, billed and not asked for.
NO_REPLY = answer(200, "<Response/>", "text/xml")


@cache
def settings() -> InboundSmsSettings:
    return InboundSmsSettings.from_env()


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
    """The Twilio account that signed the request; else InvalidSignatureError."""
    request.proof(SIGNATURE_HEADER)
    account = twilio_account(settings().twilio_secret)
    verify(request, account, public_urls(settings().public_urls_parameter))
    return account.account_sid


def park(name: str, content: Mapping[str, Any], reason: str) -> None:
    Parking(clients.s3, settings().content_bucket).park(name, content, reason)


@proven_webhook(channel="sms", prove=prove, clock=clock, park=park, parked=NO_REPLY)
def lambda_handler(proven: Proven) -> Response:
    """Record the message; a repeated delivery is answered alike and changes nothing."""
    message = parse_message(proven.request.form(), proven.received_at)
    bodies = Bodies(clients.s3, settings().content_bucket)
    price = partial(price_inbound, rate_card())
    recorded, linked = receive(
        message, table=table(), bodies=bodies, now=clock(), price=price, policy=linking()
    )
    ids = {
        "entry_id": recorded.entry_id,
        "channel": message.channel,
        "merges": linked.merged,
        "suggestions": linked.suggested,
    }
    logger().info(recorded.outcome, extra=ids)
    return NO_REPLY

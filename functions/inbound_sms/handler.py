"""Twilio's incoming texts and WhatsApp messages: POST /webhooks/twilio/messages."""

from functools import cache, partial

from shared.providers.twilio import SIGNATURE_HEADER, parse_message, verify
from shared.rate_card import rate_card
from shared.receive import receive
from shared.rules.matching import Policy, policy
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import public_urls, signing_keys, twilio_account
from shared.runtime.settings import InboundSmsSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer, webhook
from shared.store.bodies import Bodies
from shared.store.table import Table

# An empty reply: a <Message> in it would be one more text, billed and not asked for.
NO_REPLY = "<Response/>"


@cache
def settings() -> InboundSmsSettings:
    return InboundSmsSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@cache
def linking() -> Policy:
    told = settings()
    return policy(
        told.link_policy,
        sms_sender=told.sms_sender,
        mail_sender=told.mail_sender,
        mail_domain=told.mail_domain,
    )


@webhook(channel="sms")
def lambda_handler(request: WebhookRequest) -> Response:
    """Record the message; a repeated delivery is answered alike and changes nothing."""
    request.proof(SIGNATURE_HEADER)
    account = twilio_account(settings().twilio_secret)
    verify(request, account, public_urls(settings().public_urls_parameter))
    at = now(settings().clock_offset)
    message = parse_message(request.form(), at)
    bodies = Bodies(clients.s3, settings().content_bucket)
    price = partial(price_inbound, rate_card())
    recorded, linked = receive(
        message, table=table(), bodies=bodies, now=at, price=price, policy=linking()
    )
    ids = {"entry_id": recorded.entry_id, "merges": linked.merged, "suggestions": linked.suggested}
    logger().info(recorded.outcome, extra=ids)
    return answer(200, NO_REPLY, "text/xml")

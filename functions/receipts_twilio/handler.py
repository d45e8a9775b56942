"""What became of a text: POST /webhooks/twilio/status/{home}/{at}/{entry}."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from shared.providers.twilio import SIGNATURE_HEADER, parse_status, receipt_key, verify
from shared.receipts import Outcome, apply_report
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.proven import Proven, proven_webhook
from shared.runtime.secrets import public_urls, signing_keys, twilio_account
from shared.runtime.settings import ReceiptsTwilioSettings
from shared.runtime.telemetry import count, logger
from shared.runtime.webhook import Response, WebhookRequest, answer
from shared.store.parking import Parking
from shared.store.table import Table


@cache
def settings() -> ReceiptsTwilioSettings:
    return ReceiptsTwilioSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


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


@proven_webhook(channel="receipts", prove=prove, clock=clock, park=park, parked=answer(204))
def lambda_handler(proven: Proven) -> Response:
    """Move the receipt that the signed URL names; it only moves forward."""
    request = proven.request
    key = receipt_key(request.path_parameters)
    report = parse_status(request.form(), proven.received_at)
    outcome = apply_report(key, report, table=table(), now=clock())
    logger().info(outcome, extra={"entry_id": key.entry_id, "state": report.state})
    if outcome in (Outcome.DOUBLE, Outcome.LATE_SUCCESS):
        count(outcome)
    return answer(204)

"""What became of a text: POST /webhooks/twilio/status/{home}/{at}/{entry}."""

from functools import cache

from shared.providers.twilio import SIGNATURE_HEADER, parse_status, receipt_key, verify
from shared.receipts import Outcome, apply_report
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import public_urls, signing_keys, twilio_account
from shared.runtime.settings import ReceiptsTwilioSettings
from shared.runtime.telemetry import count, logger
from shared.runtime.webhook import Response, WebhookRequest, answer, webhook
from shared.store.table import Table


@cache
def settings() -> ReceiptsTwilioSettings:
    return ReceiptsTwilioSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@webhook(channel="sms")
def lambda_handler(request: WebhookRequest) -> Response:
    """Move the receipt that the signed URL names; it only moves forward."""
    request.proof(SIGNATURE_HEADER)
    account = twilio_account(settings().twilio_secret)
    verify(request, account, public_urls(settings().public_urls_parameter))
    at = now(settings().clock_offset)
    key, report = receipt_key(request.path_parameters), parse_status(request.form(), at)
    outcome = apply_report(key, report, table=table(), now=at)
    logger().info(outcome, extra={"entry_id": key.entry_id, "state": report.state})
    if outcome in (Outcome.DOUBLE, Outcome.LATE_SUCCESS):
        count(outcome)
    return answer(204)

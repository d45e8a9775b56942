"""What became of mail, as SES tells it through SNS, from its queue."""

import json
from functools import cache

from shared.providers.ses import parse_event
from shared.receipts import Outcome, apply_report
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.queue import each_message
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import TableSettings
from shared.runtime.telemetry import count, logger
from shared.store.table import Table


@cache
def settings() -> TableSettings:
    return TableSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@each_message
def lambda_handler(body: str, context: object) -> None:
    """Move the receipt that an event is about; one that is about none is only counted."""
    reported = parse_event(json.loads(body))
    if reported is None:
        count("MailEventsIgnored")
        return
    key, report = reported
    outcome = apply_report(key, report, table=table(), now=now(settings().clock_offset))
    if outcome in (Outcome.DOUBLE, Outcome.LATE_SUCCESS):
        count(outcome)
    logger().info(outcome, extra={"entry_id": key.entry_id, "state": report.state})

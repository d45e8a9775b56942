"""Events that rules want customers to be told about, from their queue."""

from functools import cache, partial

from shared.notify import notify
from shared.rate_card import rate_card
from shared.rules.notification import parse_request
from shared.rules.prices import price_outbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.queue import each_message
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import WritingSettings
from shared.runtime.telemetry import count, logger
from shared.store.bodies import Bodies
from shared.store.table import Table


@cache
def settings() -> WritingSettings:
    return WritingSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@each_message
def lambda_handler(body: str, context: object) -> None:
    """Write the notification that a rule asks for, or say and count why not."""
    request = parse_request(body)
    notified = notify(
        request,
        table=table(),
        bodies=Bodies(clients.s3, settings().content_bucket),
        now=now(settings().clock_offset),
        price=partial(price_outbound, rate_card()),
        mail_domain=settings().mail_domain,
    )
    if notified.stopped:
        count("NotificationsStopped", rule=request.rule, reason=notified.stopped)
    facts = {"rule": request.rule, "event_id": request.cause.id, "entry_id": notified.entry_id}
    logger().info(notified.stopped or "notified", extra=facts)

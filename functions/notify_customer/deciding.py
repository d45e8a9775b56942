"""One rule's request, decided, and what was decided said."""

from functools import cache, partial

from shared.notify import notify
from shared.rate_card import rate_card
from shared.rules.notification import parse_request
from shared.rules.prices import price_outbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import WritingSettings
from shared.runtime.telemetry import count, logger
from shared.store.bodies import Bodies
from shared.store.table import Table


@cache
def settings() -> WritingSettings:
    return WritingSettings.from_env()


def decide(body: str) -> None:
    """Write the notification that a rule asks for, or say and count why not.

    Raises RejectedError, NotFoundError, ConflictError, UnavailableError.
    """
    request = parse_request(body)
    keys = signing_keys(settings().keys_secret)
    notified = notify(
        request,
        table=Table(clients.dynamodb(), settings().table_name, keys.identity_key),
        bodies=Bodies(clients.s3, settings().content_bucket),
        now=now(settings().clock_offset),
        price=partial(price_outbound, rate_card()),
        mail_domain=settings().mail_domain,
    )
    if notified.stopped:
        count("NotificationsStopped", rule=request.rule, reason=notified.stopped)
    facts = {"rule": request.rule, "event_id": request.cause.id, "entry_id": notified.entry_id}
    logger().info(notified.stopped or "notified", extra=facts)

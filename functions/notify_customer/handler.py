"""Events that rules want customers to be told about, and notices that are due, from their queue."""

from functools import cache, partial

from functions.notify_customer.requests import read
from shared.model.notification import NoticeKey, Request
from shared.notify import Notified, Notifier
from shared.providers.sqs import Queue
from shared.rate_card import rate_card
from shared.rules.notification import Policy
from shared.rules.prices import price_outbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.queue import each_message
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import NotifyCustomerSettings
from shared.runtime.telemetry import count, logger
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.sweep import notice_of

_LONGEST_DELAY = 900  # seconds that SQS delays a message; beyond, the sweep alone wakes


@cache
def settings() -> NotifyCustomerSettings:
    return NotifyCustomerSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@cache
def policy() -> Policy:
    countries = settings().countries or settings().default_region
    return Policy(
        time_zone=settings().time_zone,
        countries=frozenset(countries.split(",")),
        hourly_cap=int(settings().notifications_per_hour),
        block_cap=int(settings().texts_per_block),
    )


@each_message
def lambda_handler(body: str, context: object) -> None:
    """Decide about one notification, or say and count why there is none."""
    asked = read(body)
    notifier = Notifier(
        table=table(),
        bodies=Bodies(clients.s3, settings().content_bucket),
        policy=policy(),
        price=partial(price_outbound, rate_card()),
        mail_domain=settings().mail_domain,
        now=now(settings().clock_offset),
    )
    match asked:
        case Request():
            notified = notifier.admit(asked)
            wake_soon(notified, notifier)
        case NoticeKey():
            notified = notifier.release(asked)
        case _:
            notified = notifier.fall_back(asked)
    if notified.stopped:
        count("NotificationsStopped", rule=notified.rule, reason=notified.stopped)
    logger().info(notified.stopped or "notified", extra={"entry_id": notified.entry_id})


def wake_soon(notified: Notified, notifier: Notifier) -> None:
    """Look at what waits a short time just when it is due; the sweep would up to a minute later."""
    if notified.notice is None or notified.due is None or notified.repeated:
        return
    seconds = -int((notifier.now - notified.due).total_seconds() // 1)  # never too early
    if seconds <= _LONGEST_DELAY:
        queue = Queue(clients.sqs(), settings().notify_queue_url)
        queue.put([notice_of(notified.notice)], delay_seconds=seconds)

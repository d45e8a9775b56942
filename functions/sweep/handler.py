"""Each minute: what is due goes to whoever deals with it."""

from functools import cache

from shared.providers.sqs import Queue
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import SweepSettings
from shared.runtime.telemetry import logger
from shared.store.table import Table
from shared.sweep import sweep


@cache
def settings() -> SweepSettings:
    return SweepSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


def lambda_handler(event: object, context: object) -> None:
    """Wake what is due; the next minute does what this one could not."""
    queue = Queue(clients.sqs(), settings().deliver_queue_url)
    woken = sweep(table(), queue, now(settings().clock_offset))
    if woken:
        logger().info("woken", extra={"messages": woken})

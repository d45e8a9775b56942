"""Each minute: what is due goes to whoever deals with it, and long work goes on."""

from collections.abc import Callable
from functools import cache, partial

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.providers.sqs import Queue
from shared.resume import resume
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import SweepSettings
from shared.runtime.telemetry import logger
from shared.runtime.unforeseen import discreet
from shared.store.objects import Objects
from shared.store.table import Table
from shared.sweep import sweep

_TURN = 10_000  # ms for one task, so that others have theirs
_RESERVE = 10_000  # ms in which whatever was begun comes to its end


@cache
def settings() -> SweepSettings:
    return SweepSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@discreet
def lambda_handler(event: object, context: LambdaContext) -> None:
    """Wake what is due; the next minute does what this one could not."""
    at = now(settings().clock_offset)
    swept = sweep(
        table(),
        Queue(clients.sqs(), settings().deliver_queue_url),
        Queue(clients.sqs(), settings().notify_queue_url),
        at,
    )
    woken = {"messages": swept.messages, "notices": swept.notices, "tasks": len(swept.tasks)}
    if any(woken.values()):
        logger().info("woken", extra=woken)
    resume(
        swept.tasks,
        table=table(),
        content=Objects(clients.s3, settings().content_bucket),
        mails=Objects(clients.s3, settings().mail_bucket),
        now=at,
        turn=partial(_turn, context.get_remaining_time_in_millis),
    )


def _turn(milliseconds_left: Callable[[], int]) -> Callable[[], bool]:
    end = max(milliseconds_left() - _TURN, _RESERVE)
    return lambda: milliseconds_left() > end

"""Messages whose turn has come, from their queue."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.deliver_message.courier import courier
from functions.deliver_message.notices import read_notice
from shared.deliver import Outcome
from shared.runtime.queue import each_message
from shared.runtime.telemetry import count, logger

_UNEVENTFUL = (Outcome.ACCEPTED, Outcome.NOT_DUE, Outcome.SETTLED)


@each_message
def lambda_handler(body: str, context: LambdaContext) -> None:
    """Give one message its turn."""
    key = read_notice(body)
    outcome = courier(context.get_remaining_time_in_millis).deliver(key)
    if outcome not in _UNEVENTFUL:
        count(outcome)
    logger().info(outcome, extra={"entry_id": key.entry_id})

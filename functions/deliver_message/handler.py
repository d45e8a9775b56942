"""Messages whose turn has come: a batch of an SQS queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.deliver_message.courier import courier
from functions.deliver_message.notices import read_notice
from shared.deliver import Outcome
from shared.model.errors import ThroughlineError
from shared.runtime.telemetry import correlate, count, logger

_UNEVENTFUL = (Outcome.ACCEPTED, Outcome.NOT_DUE, Outcome.SETTLED)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Hand out a batch of messages; what fails comes again, alone."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=receive, processor=processor, context=context
    )


def receive(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Give one message its turn."""
    correlate(record.message_id)
    try:
        key = read_notice(record.body)
        outcome = courier(lambda_context.get_remaining_time_in_millis).deliver(key)
        if outcome not in _UNEVENTFUL:
            count(outcome)
        logger().info(outcome, extra={"entry_id": key.entry_id})
    except Exception as error:
        # A foreign error's words may hold what somebody wrote; ours never do.
        reason = str(error) if isinstance(error, ThroughlineError) else type(error).__name__
        logger().warning("message not handed out", extra={"reason": reason})
        raise

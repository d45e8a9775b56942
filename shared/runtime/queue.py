"""Batches of an SQS queue as Lambda hands them over, message by message."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.model.errors import ThroughlineError
from shared.runtime.telemetry import correlate, logger


def each_message(
    receive: Callable[[str, LambdaContext], None],
) -> Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse]:
    """Make a Lambda handler of a function that takes one message's body.

    A message for which it raises comes again, alone, until its queue gives up on it.
    """

    @wraps(receive)
    def receive_body(record: SQSRecord, context: LambdaContext) -> None:
        receive(record.body, context)

    return each_record(receive_body)


def each_record(
    receive: Callable[[SQSRecord, LambdaContext], None],
) -> Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse]:
    """As `each_message`, of a function that also asks how often a message has come."""

    @wraps(receive)
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        def take(record: SQSRecord) -> None:  # Powertools hands it over by this name
            correlate(record.message_id)
            try:
                receive(record, context)
            except Exception as error:
                # A foreign error's words may hold what somebody wrote; ours never do.
                reason = str(error) if isinstance(error, ThroughlineError) else ""
                kind = type(error).__name__
                logger().warning("message failed", extra={"error": kind, "reason": reason})
                raise

        return process_partial_response(
            event=event,
            record_handler=take,
            processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
            context=context,
        )

    return lambda_handler

"""What became of mail, as SES tells it through SNS: a batch of an SQS queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.receipts_email.keeping import keep
from shared.model.errors import ThroughlineError
from shared.runtime.telemetry import correlate, logger


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Move the receipts that a batch tells of; what fails comes again, alone."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=receive, processor=processor, context=context
    )


def receive(record: SQSRecord) -> None:
    """Move the receipt that one of SES's notifications is about."""
    correlate(record.message_id)
    try:
        keep(record.body)
    except Exception as error:
        # A foreign error's words may hold what somebody wrote; ours never do.
        reason = str(error) if isinstance(error, ThroughlineError) else type(error).__name__
        logger().warning("receipt not kept", extra={"reason": reason})
        raise

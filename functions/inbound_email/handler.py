"""Mail that SES stored, as S3 announces it: a batch of an SQS queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.inbound_email.mail import mailbox, record_mail
from shared.model.errors import ThroughlineError
from shared.runtime.telemetry import correlate, logger


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Record the mails that a batch announces; what fails comes again, alone."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=receive, processor=processor, context=context
    )


def receive(record: SQSRecord) -> None:
    """Record the mails that one of S3's notifications tells of."""
    correlate(record.message_id)
    try:
        for key in mailbox().announced(record.body):
            recorded = record_mail(mailbox().fetch(key))
            ids = {"entry_id": recorded.entry_id, "channel": "email"}
            logger().info(recorded.outcome, extra=ids)
    except Exception as error:
        # A foreign error's words may hold what somebody wrote; ours never do.
        reason = str(error) if isinstance(error, ThroughlineError) else type(error).__name__
        logger().warning("mail not recorded", extra={"reason": reason})
        raise

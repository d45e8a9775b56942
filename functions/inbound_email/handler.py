"""Mail that SES stored, as S3 announces it on a queue."""

from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.inbound_email.message import to_message
from shared.providers.ses.mailbox import Mailbox, StoredMail
from shared.rate_card import rate_card
from shared.record import Recorded, record
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now, parse_offset
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import InboundEmailSettings
from shared.runtime.telemetry import correlate, logger
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.table import Table


@cache
def settings() -> InboundEmailSettings:
    return InboundEmailSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Record every mail announced; what fails comes again, alone."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=receive, processor=processor, context=context
    )


def receive(notice: SQSRecord) -> None:
    """Record the mails that one of S3's notifications tells of."""
    correlate(notice.message_id)
    mailbox = Mailbox(clients.s3(), settings().mail_bucket)
    try:
        for key in mailbox.announced(notice.body):
            recorded = record_mail(mailbox.fetch(key))
            logger().info(recorded.outcome, extra={"entry_id": recorded.entry_id})
    except Exception as error:
        # The type only: what a foreign error says may hold what somebody wrote.
        logger().warning("mail not recorded", extra={"reason": type(error).__name__})
        raise


def record_mail(mail: StoredMail) -> Recorded:
    """Put a mail on its sender's timeline; a repeated one changes nothing."""
    bucket, offset = settings().content_bucket, settings().clock_offset
    message = to_message(
        mail,
        mail_domain=settings().mail_domain,
        attachments=Attachments(clients.s3(), bucket),
        offset=parse_offset(offset),
    )
    return record(
        message,
        table=table(),
        bodies=Bodies(clients.s3(), bucket),
        now=now(offset),
        price=partial(price_inbound, rate_card()),
        reply_keys=signing_keys(settings().keys_secret).keys,
    )

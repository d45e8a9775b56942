"""Messages whose files are still at their provider, from their queue."""

import json
from datetime import datetime

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.fetch_media import TRIES, MediaFetcher, Place
from shared.model.errors import MalformedMessageError
from shared.providers import twilio
from shared.runtime import clients
from shared.runtime.queue import each_record
from shared.runtime.secrets import signing_keys, twilio_account
from shared.runtime.settings import FetchMediaSettings
from shared.runtime.telemetry import count, logger
from shared.store.attachments import Attachments
from shared.store.objects import Objects
from shared.store.table import Table


@each_record
def lambda_handler(record: SQSRecord, context: LambdaContext) -> None:
    """Fetch the files of one message; on the queue's last try, give up what is not to be had."""
    place = read_place(record.body)
    last_try = int(record.attributes.approximate_receive_count) >= TRIES
    fetched = fetcher().fetch(place, last_try=last_try)
    if fetched.lost:
        count("MessagesMissingFiles")
    facts = {"entry_id": place.entry_id, "kept": fetched.kept, "lost": fetched.lost}
    logger().info("files fetched", extra=facts)


def read_place(body: str) -> Place:
    """The entry that an event on the queue names. Raises MalformedMessageError."""
    try:
        told = json.loads(body)["detail"]
        at = datetime.fromisoformat(told["occurred_at"])
        return Place(told["home_contact_id"], at, told["entry_id"])
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise MalformedMessageError("the event names no entry") from error


def fetcher() -> MediaFetcher:
    """The fetcher of this deployment; its keys and credentials are read anew now and then."""
    told = FetchMediaSettings.from_env()
    keys = signing_keys(told.keys_secret)
    account = twilio_account(told.twilio_secret)
    return MediaFetcher(
        table=Table(clients.dynamodb(), told.table_name, keys.identity_key),
        attachments=Attachments(clients.s3, told.content_bucket),
        content=Objects(clients.s3, told.content_bucket),
        read=twilio.TwilioMedia(account, told.twilio_api_url).read,
    )

"""The bucket that SES puts mail into, and how S3 tells of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import MalformedMessageError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# SES puts this once, when a receipt rule is made.
_SETUP = "AMAZON_SES_SETUP_NOTIFICATION"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as SES stored it; `id` is SES's message id."""

    id: str
    key: str
    raw: bytes = field(repr=False)
    stored_at: datetime


class Mailbox:
    """The mail bucket of one deployment."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def fetch(self, key: str) -> StoredMail:
        """One mail. Raises UnavailableError, also while the mail is not there."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            raw = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the mail bucket did not give the mail") from error
        return StoredMail(_name(key), key, raw, answer["LastModified"])

    def announced(self, notification: str) -> Iterator[str]:
        """The keys of the mails that one of S3's notifications tells of.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        Raises MalformedMessageError for anything else, and for another bucket's notification.
        """
        try:
            told = json.loads(notification)
            if told.get("Event") == "s3:TestEvent":  # S3 puts this once, when it is set up
                return
            for record in told["Records"]:
                stored = record["s3"]
                if stored["bucket"]["name"] != self._bucket:
                    raise MalformedMessageError("a notification of another bucket")
                key = unquote_plus(stored["object"]["key"])
                key.encode()  # no key of S3's is of what UTF-8 cannot write
                if _name(key) != _SETUP:
                    yield key
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise MalformedMessageError("not a notification of S3's") from error


def _name(key: str) -> str:
    return key.rpartition("/")[2]

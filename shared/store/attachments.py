"""The files that came with messages, in the content bucket."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.entry import Attachment
from shared.model.errors import UnavailableError
from shared.model.message import Delivery

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Attachments:
    """The attachments of one deployment, as `attachments/<id>` objects."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(
        self, attachment: Attachment, content: bytes, *, delivery: Delivery, number: int
    ) -> Attachment:
        """The attachment with the key its content is stored under, the `number`th of `delivery`.

        Storing it again changes nothing: the key depends on nothing else. The file's own name is
        no part of it. Raises UnavailableError.
        """
        placed = place(attachment, delivery, number)
        try:
            self._client().put_object(
                Bucket=self._bucket,
                Key=placed.object_key,
                Body=content,
                ContentType=attachment.media_type,
                # Never shown in the browser's own window: it may be a page with scripts.
                ContentDisposition=f"attachment; filename*=UTF-8''{quote(attachment.name)}",
            )
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not take an attachment") from error
        return placed

    def read(self, attachment: Attachment) -> bytes:
        """What was stored of an attachment. Raises UnavailableError."""
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=attachment.object_key)
            return answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not give an attachment") from error


def place(attachment: Attachment, delivery: Delivery, number: int) -> Attachment:
    """The attachment with the key under which it is, or will be, kept."""
    named = f"{delivery.provider}:{delivery.id}:{number}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    return replace(attachment, object_key=f"attachments/att_{digest}")

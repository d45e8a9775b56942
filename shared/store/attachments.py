"""The files that came with messages, in the content bucket."""

import hashlib
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

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(
        self, attachment: Attachment, content: bytes, *, delivery: Delivery, number: int
    ) -> Attachment:
        """The attachment with the key its content is stored under, the `number`th of `delivery`.

        Storing it again changes nothing: the key depends on nothing else. The file's own name is
        no part of it. Raises UnavailableError.
        """
        key = f"attachments/{_attachment_id(delivery, number)}"
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=attachment.media_type,
                # Never shown in the browser's own window: it may be a page with scripts.
                ContentDisposition=f"attachment; filename*=UTF-8''{quote(attachment.name)}",
            )
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not take an attachment") from error
        return replace(attachment, object_key=key)


def _attachment_id(delivery: Delivery, number: int) -> str:
    named = f"{delivery.provider}:{delivery.id}:{number}"
    return f"att_{hashlib.sha256(named.encode()).hexdigest()[:32]}"

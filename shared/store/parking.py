"""What can never be processed, kept whole with the reason, for people to look at."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Parking:
    """The `parked/` part of the content bucket; `client` is asked for when something is parked."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def park(self, name: str, content: Mapping[str, Any], reason: str) -> None:
        """Keep `content` as `parked/<name>.json`; parking it again is harmless.

        Raises UnavailableError.
        """
        body = json.dumps({"reason": reason, "content": content}, default=str)
        try:
            self._client().put_object(
                Bucket=self._bucket, Key=f"parked/{name}.json", Body=body.encode()
            )
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not take what is parked") from error

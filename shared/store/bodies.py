"""Bodies too large for the table, in the content bucket."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.entry import Entry
from shared.model.errors import UnavailableError
from shared.model.recording import Marker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Compressed. An item may hold 400 KB and a transaction 4 MB; a page of 50 should stay below 6 MB.
LARGEST_IN_TABLE = 64 * 1024
_PREVIEW_CHARACTERS = 2_000


class Bodies:
    """The large bodies of one deployment, as `bodies/<hash>` objects.

    `client` is asked for when a body is large, which few are.
    """

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def offload(self, entry: Entry, marker: Marker) -> Entry:
        """The entry with its body stored apart when it is too large, a preview left in its place.

        What the marker makes count once is stored in one place, however often it is tried: none is
        left that no entry leads to, and that no erasure would find. Raises UnavailableError.
        """
        body = {"text": entry.text, "html": entry.html, "quoted_text": entry.quoted_text}
        if sum(len(part) for part in body.values()) <= LARGEST_IN_TABLE // 4:
            return entry
        packed = zlib.compress(json.dumps(body, ensure_ascii=False).encode())
        if len(packed) <= LARGEST_IN_TABLE:
            return entry
        named = f"{marker.provider}:{marker.id}:{marker.request_hash}"
        key = f"bodies/{hashlib.sha256(named.encode()).hexdigest()[:32]}"
        try:
            self._client().put_object(Bucket=self._bucket, Key=key, Body=packed)
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not take a body") from error
        return replace(
            entry,
            text=entry.text[:_PREVIEW_CHARACTERS],
            html="",
            quoted_text="",
            body_key=key,
        )

    def restore(self, entry: Entry) -> Entry:
        """The entry with its whole body. Raises UnavailableError."""
        if not entry.body_key:
            return entry
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=entry.body_key)
            packed = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not give a body") from error
        return replace(entry, **json.loads(zlib.decompress(packed)))

"""Links through which a browser fetches from the content bucket itself, for a short while."""

from collections.abc import Callable, Iterable
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_SECONDS = 60
MEDIA_LINK_SECONDS = 3600


class Downloads:
    """What people may fetch of one deployment's content."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def link(self, key: str, file_name: str) -> str:
        """A URL for an object that is good for 60 s and always saves, never shows.

        What somebody sent us may be a page with scripts: the browser is told that it is bytes.
        """
        return self._client().generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                # RFC 6266 with RFC 5987's encoding: the name can end neither header nor value.
                "ResponseContentDisposition": f"attachment; filename*=UTF-8''{_quoted(file_name)}",
                "ResponseContentType": "application/octet-stream",
            },
            ExpiresIn=LINK_SECONDS,
        )

    def media_link(self, key: str) -> str:
        """A URL from which a provider fetches a file of a message, good for an hour.

        A text may wait a quarter of that at Twilio before it is sent, and its files are fetched
        then (`VALIDITY_SECONDS` in providers/twilio/sender.py).
        """
        return self._client().generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=MEDIA_LINK_SECONDS
        )

    def keep_html(self, entry_id: str, html: str) -> str:
        """Keep an entry's sanitised HTML beside its body; returns its key.

        Keeping it again replaces it. Raises UnavailableError.
        """
        key = html_key(entry_id)
        try:
            self._client().put_object(
                Bucket=self._bucket, Key=key, Body=html.encode(), ContentType="text/html"
            )
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the content bucket did not take a body") from error
        return key

    def keep_export(self, contact_id: str, lines: Iterable[str]) -> str:
        """Keep a contact's export, in the place of an earlier one; returns its key.

        However long it is, it is never in memory as a whole. Raises UnavailableError.
        """
        key = export_key(contact_id)
        with TemporaryFile() as file:
            file.writelines(line.encode() for line in lines)
            file.seek(0)
            try:
                self._client().put_object(
                    Bucket=self._bucket, Key=key, Body=file, ContentType="application/jsonl"
                )
            except (ClientError, BotoCoreError) as error:
                raise UnavailableError("the content bucket did not take an export") from error
        return key


def export_key(contact_id: str) -> str:
    """Where the last export of a contact lies, until the bucket's lifecycle removes it."""
    return f"exports/{contact_id}.jsonl"


def html_key(entry_id: str) -> str:
    """Where an entry's sanitised HTML lies, once somebody has asked for it."""
    return f"bodies/{entry_id}.html"


def _quoted(file_name: str) -> str:
    return quote(file_name, safe="", errors="replace")

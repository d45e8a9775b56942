"""Objects in a bucket, where they are to be gone for good."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_DELETED_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html


class Objects:
    """One bucket's objects; `client` is asked for when there is something to delete."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def forget(self, keys: Iterable[str]) -> None:
        """Delete these objects with all their versions; what is gone already does no harm.

        Raises UnavailableError.
        """
        try:
            for key in keys:
                versions = self._versions(key)
                for start in range(0, len(versions), _DELETED_AT_ONCE):
                    self._delete(versions[start : start + _DELETED_AT_ONCE])
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("a bucket did not delete an object") from error

    def _versions(self, key: str) -> "list[ObjectIdentifierTypeDef]":
        pages = self._client().get_paginator("list_object_versions")
        return [
            {"Key": key, "VersionId": version["VersionId"]}
            for page in pages.paginate(Bucket=self._bucket, Prefix=key)
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            if version["Key"] == key
        ]

    def _delete(self, versions: "list[ObjectIdentifierTypeDef]") -> None:
        answer = self._client().delete_objects(
            Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True}
        )
        if answer.get("Errors"):
            raise UnavailableError("a bucket did not delete an object")

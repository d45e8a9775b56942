"""DynamoDB without HTTP: moto's own handlers, asked straight away.

Half of what a call to moto costs is wording it, signing it and reading it again.
"""

import json
from base64 import b64decode
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.responses import DynamoHandler

from tests.cheap_moto import plain
from tests.faults.state import REGION

Answer = tuple[AWSResponse, dict[str, Any]]


def ask(operation: str, body: bytes) -> Answer:
    """What moto answers, as botocore hands it over: values are those of the wire."""
    handler = DynamoHandler()
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, REGION
    handler.body = json.loads(body, object_hook=_with_bytes)
    try:
        result = getattr(handler, xform_name(operation))().result
    except JsonRESTError as error:
        return _refused(json.loads(error.description), error.code)
    meta = {"HTTPStatusCode": 200, "RetryAttempts": 0}
    return _response(200), {**plain(result), "ResponseMetadata": meta}


def _refused(told: dict[str, Any], status: int) -> Answer:
    code = told.pop("__type").rpartition("#")[2]
    message = told.get("Message") or told.get("message", "")
    meta = {"HTTPStatusCode": status, "RetryAttempts": 0}
    error = {"Code": code, "Message": message}
    return _response(status), {**told, "Error": error, "ResponseMetadata": meta}


def _response(status: int) -> AWSResponse:
    return AWSResponse("", status, {}, None)  # type: ignore[arg-type]  # no body is read


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys() == {"B"} and isinstance(value["B"], str):
        return {"B": b64decode(value["B"])}
    return value

"""The AWS clients, each made once, when it is first asked for."""

import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


def _config(*, read_timeout: int = 5, attempts: int = 3) -> Config:
    # botocore would wait 60 s for an answer; a webhook's sender gives up after 10 to 15.
    return Config(
        connect_timeout=1,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        # botocore builds its own anew, letter by letter, twice a call: a twentieth of its CPU.
        user_agent="Throughline",
    )


@cache
def dynamodb() -> "DynamoDBClient":
    """DynamoDB; three tries of 2 s, so that a webhook is answered even when it hangs."""
    # What store/attributes.py makes needs no second check, a sixth of a webhook's CPU.
    ours = Config(parameter_validation=False)
    client = boto3.client("dynamodb", config=_config(read_timeout=2).merge(ours))
    client.meta.events.register("before-parse.dynamodb.*", _take_as_it_is)
    return client


def _take_as_it_is(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Hand DynamoDB's own JSON on: botocore's walk over it is most of what a page costs in CPU.

    Bytes stay base64 text then. Errors are left to botocore.
    """
    if response_dict["status_code"] == HTTPStatus.OK:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


@cache
def secretsmanager() -> "SecretsManagerClient":
    """Secrets Manager; three tries of 2 s."""
    return boto3.client("secretsmanager", config=_config(read_timeout=2))


@cache
def ssm() -> "SSMClient":
    """Systems Manager's parameters; three tries of 2 s."""
    return boto3.client("ssm", config=_config(read_timeout=2))


@cache
def s3() -> "S3Client":
    """S3, whose links are signed for the bucket's own region: older signatures are refused."""
    signed = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return boto3.client("s3", config=_config().merge(signed))


@cache
def sqs() -> "SQSClient":
    """SQS."""
    return boto3.client("sqs", config=_config())


@cache
def events() -> "EventBridgeClient":
    """EventBridge."""
    return boto3.client("events", config=_config())


@cache
def sesv2() -> "SESV2Client":
    """SES, asked once only: a repeated SendEmail would send the mail again."""
    return boto3.client("sesv2", config=_config(attempts=1))

"""An e-mail from its queue record to the answer, and reading mail against the standard library."""

import json
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.inbound_email import handler as inbound_email
from shared.runtime import clients
from tests.benchmarks.bare import again, recorded
from tests.benchmarks.deployment import MAIL_BUCKET, Deployment, calls_of
from tests.benchmarks.figures import Figure, undisturbed
from tests.benchmarks.measuring import Work, cpu, side_by_side
from tests.mails import captured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROUNDS = 400
_numbers = count(1)


def measure(hub: Deployment, *, rounds: int = ROUNDS) -> Iterator[Figure]:
    """One known customer's answer, as SES stores it and S3 announces it."""
    raw = captured("gmail_reply_en")

    def receive() -> Work:
        number = next(_numbers)  # the same Message-ID would be a copy, which costs less
        mail = raw.replace(b"Message-ID: <", b"Message-ID: <%d." % number)
        event = announced(_key(number), mail)
        return lambda: _deliver(event)

    for _round in range(10):
        cpu(receive())
    dynamodb, s3 = calls_of(clients.dynamodb()), calls_of(clients.s3())
    cpu(receive())
    made = len(dynamodb), len(s3)
    asked = recorded(receive())
    bucket = boto3.client("s3")
    pair = side_by_side(
        [receive() for _ in range(rounds)],
        [_bare(bucket, again(hub, asked, number)) for number in range(rounds)],
    )
    yield Figure(name="e-mail, AWS calls of the table", value=made[0], unit="", target=2)
    yield Figure(name="e-mail, AWS calls of the mail bucket", value=made[1] - 1, unit="", target=1)
    yield Figure(
        name="e-mail, CPU from queue record to answer",
        value=undisturbed(pair.ours),
        unit="ms",
        target=7,
        note="django-helpdesk 25 ms, LibreDesk 22 to 121 ms",
    )
    yield Figure(
        name="e-mail, CPU of its three calls bare", value=undisturbed(pair.other), unit="ms"
    )
    yield Figure(
        name="e-mail, CPU over bare botocore, the mail's reading in", value=pair.ratio, unit="x"
    )


def _key(number: int) -> str:
    return f"inbound/m{number:09d}"


def _bare(bucket: "S3Client", calls: Work) -> Work:
    def work() -> None:
        bucket.get_object(Bucket=MAIL_BUCKET, Key=_key(1))["Body"].read()
        calls()

    return work


def announced(key: str, raw: bytes) -> dict[str, Any]:
    """Put a mail where SES would, and make the queue's record of it."""
    clients.s3().put_object(Bucket=MAIL_BUCKET, Key=key, Body=raw)
    stored = {"bucket": {"name": MAIL_BUCKET}, "object": {"key": key}}
    body = json.dumps({"Records": [{"s3": stored}]})
    return {"Records": [{"messageId": key, "eventSource": "aws:sqs", "body": body}]}


def _deliver(event: dict[str, Any]) -> None:
    answered = inbound_email.lambda_handler(event, LambdaContext())
    assert answered == {"batchItemFailures": []}

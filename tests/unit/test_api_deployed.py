"""The API as the template deploys it: with its environment, its keys, its bucket."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.timeline_api import handler
from functions.timeline_api.hub import hub, settings
from shared.record import record
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import NOW, mail, price
from tests.conftest import BUCKET, REGION
from tests.deployment import deploy, fresh_containers
from tests.http_events import http_event
from tests.table_schema import create_table


@pytest.fixture
def deployed(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "SMS_SENDER": "+14155550000",
        "MAIL_SENDER": "support@in.example.com",
        "MAIL_DOMAIN": "in.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    create_table(boto3.client("dynamodb", region_name=REGION), "throughline")
    boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
    settings.cache_clear()
    with fresh_containers("timeline_api"):
        deploy(monkeypatch)
        yield
    settings.cache_clear()


@pytest.mark.usefixtures("deployed")
def test_the_api_answers_with_what_the_environment_and_the_secrets_give_it() -> None:
    at = hub()
    table: Table = at.table
    bodies: Bodies = at.bodies
    recorded = record(mail(html="<p>a</p>"), table=table, bodies=bodies, now=NOW, price=price)
    path = f"/v1/contacts/{recorded.contact_id}/timeline"
    answer = handler.lambda_handler(http_event("GET", path), LambdaContext())
    assert answer["statusCode"] == 200
    assert recorded.entry_id in answer["body"]


def test_who_only_reads_does_not_wait_for_what_writing_needs() -> None:
    heavy = ("pydantic", "phonenumbers", "nh3", "requests", "twilio", "aws_xray_sdk")
    code = (
        "import sys, functions.timeline_api.handler\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.usefixtures("deployed")
def test_links_are_signed_so_that_every_region_takes_them() -> None:
    """Buckets made since June 2020 take no signature of version 2 (AWS's S3 announcement)."""
    asked = parse_qs(urlsplit(hub().downloads.link("attachments/1", "a.pdf")).query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["60"]

"""The product as deployed, in this process: its handlers, on DynamoDB Local and small stand-ins."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from shared.runtime import clients
from shared.store.table import Table
from tests import dynamodb_local
from tests.benchmarks import services
from tests.deployment import ENVIRONMENT
from tests.table_schema import create_table
from tests.template import told_by_default

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAIL_BUCKET = "mail"
_MORE = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "MAIL_BUCKET": MAIL_BUCKET,
    "MAIL_DOMAIN": "in.example.com",
    "MAIL_SENDER": "support@in.example.com",
    "SMS_SENDER": "+15005550006",
    "WHATSAPP_SENDER": "+15005550006",
}
_IDENTITY_KEY = b"a key for benchmarks"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the handlers' table is, and a client as botocore makes it."""

    url: str
    client: "DynamoDBClient"

    def new_table(self) -> Table:
        """An empty table beside the handlers', as they would see it."""
        name = f"benchmark-{next(_numbers)}"
        create_table(self.client, name)
        return Table(clients.dynamodb(), name, _IDENTITY_KEY)


@contextmanager
def deployed() -> Iterator[Deployment]:
    """Servers up, environment set, the handlers' table made."""
    with ExitStack() as stack:
        url = stack.enter_context(dynamodb_local.running())
        told = {
            **told_by_default(),
            **ENVIRONMENT,
            **_MORE,
            "AWS_ENDPOINT_URL": stack.enter_context(services.running()),
            "AWS_ENDPOINT_URL_DYNAMODB": url,
        }
        before = dict(os.environ)
        stack.callback(_restore, before)
        os.environ.update(told)
        client = boto3.client("dynamodb", config=Config(tcp_keepalive=True))
        create_table(client, told["TABLE_NAME"])
        yield Deployment(url, client)


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def calls_of(client: Any) -> list[str]:
    """The names of the operations a client is asked for from here on."""
    calls: list[str] = []
    client.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    return calls

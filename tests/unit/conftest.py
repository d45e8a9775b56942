"""Fixtures of the unit tests: the product on one moto table, and its API before it."""

import boto3
import pytest
from pytest_socket import socket_allow_hosts

from functions.timeline_api import handler
from functions.timeline_api.hub import Hub as ApiHub
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.downloads import Downloads
from shared.store.table import Table
from tests.api import Api
from tests.builders import NOW, later
from tests.conftest import BUCKET, REGION
from tests.hub import KEYS, Hub
from tests.notifying import Desk


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    """What providers bring is recorded here."""
    return Hub(table, bodies)


@pytest.fixture
def desk(table: Table, bodies: Bodies) -> Desk:
    """At noon on the clock of Ana's number."""
    return Desk(table, bodies, now=later(hours=8))


@pytest.fixture
def api(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API on the same table, at NOW."""
    s3 = boto3.client("s3", region_name=REGION)
    made = ApiHub(
        table=table,
        bodies=bodies,
        downloads=Downloads(lambda: s3, BUCKET),
        attachments=Attachments(lambda: s3, BUCKET),
        keys=KEYS,
        now=NOW,
        default_region="US",
        mail_domain="in.example.com",
    )
    monkeypatch.setattr(handler, "hub", lambda: made)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "timeline_api")
    return Api()


@pytest.fixture(autouse=True)
def nobody_but_this_machine() -> None:
    """Unit tests talk to this machine alone; the plugin lifts it after each test."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)

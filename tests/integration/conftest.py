"""The store on the engines there are: moto, and DynamoDB Local where Java and Maven are there."""

from collections.abc import Iterator
from itertools import count

import boto3
import pytest

from shared.store.table import Table
from tests import dynamodb_local
from tests.conftest import IDENTITY_KEY, REGION
from tests.table_schema import create_table

ENGINES = ["moto", *(["dynamodb-local"] if dynamodb_local.is_there() else [])]
_numbers = count()


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """The endpoint of one server for the whole run."""
    with dynamodb_local.running() as url:
        yield url


@pytest.fixture(params=ENGINES)
def table(request: pytest.FixtureRequest, aws: None) -> Table:
    """An empty table, once on each engine."""
    if request.param == "moto":
        client = boto3.client("dynamodb", region_name=REGION)
    else:
        url = request.getfixturevalue("dynamodb_local_url")
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
    name = f"throughline-{next(_numbers)}"
    create_table(client, name)
    return Table(client, name, IDENTITY_KEY)

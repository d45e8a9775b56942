"""The table of template.yaml, created on whatever engine a test runs."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
_TAKEN = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """Reads a template; what an intrinsic function would give does not matter here."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)


@cache
def _properties() -> dict[str, Any]:
    template = yaml.load(TEMPLATE.read_text(), Loader=_Loader)  # noqa: S506 a SafeLoader
    (resource,) = (
        resource
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    )
    return {name: resource["Properties"][name] for name in _TAKEN}


def create_table(client: "DynamoDBClient", name: str) -> None:
    """Create the template's table, empty, under `name`."""
    client.create_table(TableName=name, **_properties())

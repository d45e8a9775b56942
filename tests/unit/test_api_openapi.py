"""openapi.json says what is there: the routes, their scopes, their errors."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.timeline_api.reference import DOCUMENT
from functions.timeline_api.routes import ROUTES
from infrastructure.openapi import document
from tests.api import Api
from tests.template import ROUTES as DEPLOYED

OPENAPI: Any = json.loads(DOCUMENT.read_text())
OPERATIONS: dict[str, Any] = {
    f"{method} {path}": operation
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}


def test_the_committed_description_is_what_the_code_says_now() -> None:
    assert DOCUMENT.read_text() == document(), "run: python -m infrastructure.openapi"


def test_the_api_serves_its_description(api: Api) -> None:
    assert api.get("/v1/openapi.json") == OPENAPI


def test_every_route_is_deployed_with_its_scope_and_no_other_is() -> None:
    wanted = {f"{route.method} {route.path}": [route.scope] for route in ROUTES}
    deployed = {
        name: properties["Auth"]["AuthorizationScopes"]
        for name, (function, properties) in DEPLOYED.items()
        if function == "TimelineApiFunction"
    }
    assert deployed == wanted


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_what_it_needs_and_how_it_fails(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert len(operation["security"][0]["token"]) == 1
    assert {"400", "401", "403", "404", "413", "429", "500", "503"} <= operation["responses"].keys()


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", OPENAPI["components"]["schemas"])
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(OPENAPI["components"]["schemas"][name])


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(each) for each in part.values()))
        if isinstance(part, list):
            return set().union(*(references(each) for each in part))
        return set()

    for reference in references(OPENAPI):
        _, components, kind, name = reference.split("/")
        assert components == "components"
        assert name in OPENAPI["components"][kind]

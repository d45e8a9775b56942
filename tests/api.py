"""The timeline API as agent apps use it. Every answer is held against openapi.json."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from functions.timeline_api import handler
from functions.timeline_api.reference import DOCUMENT
from functions.timeline_api.routes import ROUTES
from tests.http_events import http_event


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem complains of."""
        return [error["field"] for error in self.json["errors"]]


class Api:
    """Calls lambda_handler with events of API Gateway."""

    def call(self, method: str, path: str, **event: Any) -> Answer:
        """One request, whatever the answer."""
        answered = handler.lambda_handler(http_event(method, path, **event), LambdaContext())
        answer = Answer(answered["statusCode"], answered["headers"], answered["body"])
        _check(method, path, answer)
        return answer

    def get(self, path: str, query: str = "", **event: Any) -> Any:
        """The body of a good answer."""
        return self._good(self.call("GET", path, query=query, **event))

    def post(self, path: str, body: Any, **event: Any) -> Any:
        """The body of a good answer."""
        return self._good(self.call("POST", path, body=body, **event))

    def put(self, path: str, body: Any, **event: Any) -> Any:
        """The body of a good answer."""
        return self._good(self.call("PUT", path, body=body, **event))

    def patch(self, path: str, body: Any, **event: Any) -> Any:
        """The body of a good answer."""
        return self._good(self.call("PATCH", path, body=body, **event))

    def _good(self, answer: Answer) -> Any:
        assert answer.status < 300, answer.text
        return answer.json


def _check(method: str, path: str, answer: Answer) -> None:
    """An answer is one that the description promises for its route; an error is a problem."""
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
    template = _template(path)
    operation = _document()["paths"].get(template, {}).get(method.lower())
    if operation is None:
        assert answer.status in (404, 405)
        return
    promised = operation["responses"][str(answer.status)]
    if "$ref" in promised:
        promised = _document()["components"]["responses"][promised["$ref"].split("/")[-1]]
    if "content" in promised:
        schema = promised["content"][answer.headers["Content-Type"]]["schema"]
        _validator(json.dumps(schema)).validate(answer.json)


def _template(path: str) -> str:
    """The route's path: `/v1/contacts/ctc_1` is `/v1/contacts/{id}`."""
    known = sorted({route.path for route in ROUTES})
    patterns = {re.sub(r"{\w+}", "[^/]+", template): template for template in known}
    return next((t for pattern, t in patterns.items() if re.fullmatch(pattern, path)), path)


@cache
def _document() -> Any:
    return json.loads(DOCUMENT.read_text())


@cache
def _validator(schema: str) -> Draft202012Validator:
    resource = Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **_document()}
    )
    registry: Any = Registry().with_resource("urn:openapi", resource)
    wanted = json.loads(schema.replace('"#/components', '"urn:openapi#/components'))
    return Draft202012Validator(
        wanted, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
    )

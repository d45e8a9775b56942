"""Write the timeline API's description to functions/timeline_api/openapi.json.

`python -m infrastructure.openapi`. It is made from the table of routes, the shapes of what they
answer and the models of what they take; a test fails when the committed one is not what this makes
now.
"""

import inspect
import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, with_config
from typing_extensions import is_typeddict

from functions.timeline_api import bodies, problems, reference, shapes
from functions.timeline_api.idempotency import HEADER, KEY
from functions.timeline_api.route import Parameter, Route
from functions.timeline_api.routes import ROUTES

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
DESCRIPTION = """\
One timeline per customer, over every channel.

Times are RFC 3339 in UTC, amounts integer micro-USD. Lists answer `{"items", "next_cursor"}`.
Fields may be added to answers, none is renamed or taken away. Parameters and fields of a request
that are not described here are refused. Every error is a problem (RFC 9457), but for those that the
gateway answers before the request reaches us: `{"message"}`."""

# What API Gateway itself answers, in words that no setting changes.
GATEWAY = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}
# What any route may answer, whatever it does.
ANY_ROUTE = (HTTPStatus.BAD_REQUEST, *GATEWAY)
WITH_A_BODY = (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY)
# What only the gateway answers.
NOT_OURS = (HTTPStatus.TOO_MANY_REQUESTS,)


def document() -> str:
    """The description, as its file has it."""
    made = {
        "openapi": "3.1.0",
        "info": {"title": "Throughline", "version": "1", "description": DESCRIPTION},
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Of the issuer the deployment trusts. Each route names the scope"
                    " its token needs.",
                }
            },
            "responses": _errors(),
            "schemas": _schemas(),
        },
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    summary, _, description = (inspect.getdoc(route.answer) or "").partition("\n\n")
    operation: Json = {
        "operationId": "_".join((*route.answer.__module__.split(".")[-1:], route.answer.__name__)),
        "summary": _one_line(summary).removesuffix("."),
        "tags": [route.path.split("/")[2].removesuffix(".json")],
        "security": [{"token": [route.scope]}],
        "parameters": [*_parameters(route)],
    }
    if description:
        operation["description"] = _one_line(description)
    if route.body:
        schema = {"$ref": SCHEMAS + route.body}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    operation["responses"] = _responses(route)
    return operation


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _parameters(route: Route) -> Iterable[Json]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    yield from (_query_parameter(parameter) for parameter in route.query)
    if route.repeatable:
        yield {
            "name": HEADER,
            "in": "header",
            "description": "The same key with the same request is done once, within 24 hours, and"
            " answered alike; with another request it is refused (422).",
            "schema": {"type": "string", "pattern": KEY},
        }


def _query_parameter(parameter: Parameter) -> Json:
    made: Json = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if parameter.required:
        made["required"] = True
    return made


def _responses(route: Route) -> Json:
    errors = {*ANY_ROUTE, *route.problems, *(WITH_A_BODY if route.body else ())}
    refused = {
        str(int(status)): {"$ref": f"#/components/responses/{_name(status)}"}
        for status in sorted(errors)
    }
    return {str(int(route.status)): _answer(route)} | refused


def _errors() -> Json:
    """The answer for each error, as we and as the gateway give it."""
    used = {*ANY_ROUTE, *WITH_A_BODY, *(status for route in ROUTES for status in route.problems)}
    made: Json = {}
    for status in sorted(used):
        content: Json = {}
        if status not in NOT_OURS:
            content[problems.MEDIA_TYPE] = {"schema": {"$ref": SCHEMAS + "Problem"}}
        if status in GATEWAY:
            content["application/json"] = {
                "schema": {"$ref": SCHEMAS + "GatewayMessage"},
                "example": {"message": GATEWAY[status]},
            }
        made[_name(status)] = {"description": status.phrase, "content": content}
    return made


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "")


def _answer(route: Route) -> Json:
    if route.status is HTTPStatus.FOUND:
        location = {"schema": {"type": "string", "format": "uri"}, "required": True}
        return {"description": "The link", "headers": {"Location": location}}
    shape = inspect.signature(route.answer).return_annotation
    schema = {"$ref": SCHEMAS + shape.__name__} if is_typeddict(shape) else {"type": "object"}
    return {
        "description": route.status.phrase,
        "content": {"application/json": {"schema": schema}},
    }


def _schemas() -> Json:
    made: Json = {}
    for shape in (*_typed_dicts(shapes), *_typed_dicts(problems)):
        with_config(ConfigDict(use_attribute_docstrings=True))(shape)
        _add(made, shape)
    for model in vars(bodies).values():
        if inspect.isclass(model) and issubclass(model, bodies.Body) and model is not bodies.Body:
            _add(made, model)
    made["GatewayMessage"] = {
        "type": "object",
        "description": "What API Gateway answers itself.",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }
    return dict(sorted(made.items()))


def _typed_dicts(module: Any) -> list[Any]:
    return [each for each in vars(module).values() if is_typeddict(each)]


def _add(made: Json, kind: type[BaseModel] | Any) -> None:
    schema = TypeAdapter(kind).json_schema(ref_template=SCHEMAS + "{model}")
    made |= {name: _plain(part) for name, part in schema.pop("$defs", {}).items()}
    made[kind.__name__] = _plain(schema)


def _plain(schema: Any) -> Any:
    """The schema without what pydantic makes up: titles, and null for what is left out."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if isinstance(schema, str):
        return _one_line(schema)
    if not isinstance(schema, dict):
        return schema
    return {
        name: _plain(part)
        for name, part in schema.items()
        if not (name == "title" and isinstance(part, str))
        and not (name == "default" and part is None)
    }


def main() -> None:
    reference.DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()

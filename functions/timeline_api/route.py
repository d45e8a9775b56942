"""What a route is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter, and the JSON Schema of its value."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `scope` is what API Gateway asks of the token (template.yaml, held by a test).

    `answer` gets the request, the hub and, where `body` names a model in bodies.py, the body; its
    docstring is the route's description. `problems` are errors of its own. `largest_body` is in
    bytes.
    """

    method: str
    path: str
    scope: str
    answer: Callable[..., Any]
    body: str = ""
    query: tuple[Parameter, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    problems: tuple[HTTPStatus, ...] = ()
    repeatable: bool = False  # takes an Idempotency-Key
    largest_body: int = 1024 * 1024

    @property
    def rule(self) -> str:
        """The path as Powertools writes it."""
        return self.path.replace("{", "<").replace("}", ">")

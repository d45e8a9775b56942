"""Python values to DynamoDB's wire types and back, integers exact, floats refused.

boto3's own serializer turns every number into a Decimal with a context per call; money and counts
here are integers, and a webhook pays for the difference on every message.
"""

import base64
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
WireItem = dict[str, dict[str, Any]]


def to_wire(item: Mapping[str, Any]) -> WireItem:
    """The item as DynamoDB takes it; None and empty strings, lists and sets are left out.

    Empty maps stay: later writes set their parts, and can only do so when the map is there.
    """
    return {name: encode(value) for name, value in item.items() if _kept(value)}


def from_wire(item: WireItem) -> Item:
    """The item as Python values."""
    return {name: decode(value) for name, value in item.items()}


def _kept(value: Any) -> bool:
    return value is not None and (isinstance(value, bool | int | Mapping) or bool(value))


def encode(value: Any) -> dict[str, Any]:  # noqa: PLR0911 one line a type
    """One value with its type. Raises TypeError for floats and whatever else has no type here."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case frozenset() | set():
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [encode(part) for part in value]}
        case Mapping():
            return {"M": {name: encode(part) for name, part in value.items()}}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in the table")


def decode(value: Mapping[str, Any]) -> Any:
    """One value without its type; numbers are integers."""
    ((kind, inner),) = value.items()
    match kind:
        case "S" | "BOOL":
            return inner
        case "N":
            return int(inner)
        case "B":  # JSON holds it as text: a stream's, or an answer that botocore has not read
            return base64.b64decode(inner) if isinstance(inner, str) else bytes(inner)
        case "SS":
            return frozenset(inner)
        case "L":
            return [decode(part) for part in inner]
        case "M":
            return {name: decode(part) for name, part in inner.items()}
        case _:
            raise TypeError(f"the table holds no {kind}")

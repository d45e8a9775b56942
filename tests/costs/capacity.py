"""What DynamoDB counts for an operation, by its own rules.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

Wire = Mapping[str, Mapping[str, Any]]
_PROJECTED = ("PK", "SK", "GSI1PK", "GSI1SK", "state", "assignee", "home")


def size(item: Wire | None) -> int:
    """An item's bytes: its names and its values."""
    return sum(len(name.encode()) + _value(value) for name, value in (item or {}).items())


def _value(value: Mapping[str, Any]) -> int:  # noqa: PLR0911 one line a type
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "N":
            return (len(inner.strip("-0.")) + 1) // 2 + 1
        case "B":
            return len(inner)
        case "SS":
            return sum(len(each.encode()) for each in inner)
        case "L":
            return 3 + sum(1 + _value(each) for each in inner)
        case "M":
            return 3 + size(inner) + len(inner)
        case _:
            return 1


def write_units(before: Wire | None, after: Wire | None, *, in_transaction: bool) -> int:
    """A write's units: a KB each, of the larger image; a transaction writes twice."""
    units = max(1, ceil(max(size(before), size(after)) / 1024))
    return units * 2 if in_transaction else units


def index_units(before: Wire | None, after: Wire | None) -> int:
    """The units of the index that follows: an entry put, taken away, or both when it moves."""
    old, new = _projection(before), _projection(after)
    if old == new:
        return 0
    moved = bool(old and new) and any(old[k] != new[k] for k in ("GSI1PK", "GSI1SK"))
    entries = (old, new) if moved else (new or old,)
    return sum(max(1, ceil(size(entry) / 1024)) for entry in entries)


def read_units(items: int, total_bytes: int) -> int:
    """Strongly consistent: 4 KB each; nothing found costs one as well."""
    return max(1, items and ceil(total_bytes / 4096))


def _projection(item: Wire | None) -> dict[str, Any]:
    if not item or "GSI1PK" not in item:
        return {}
    return {name: item[name] for name in _PROJECTED if name in item}

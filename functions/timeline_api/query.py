"""A request's query: read from the raw text, where repeated names and `+` can still be told."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote, unquote_plus

from functions.timeline_api.errors import MalformedRequestError

_MOST_PARAMETERS = 50
_LONGEST = 2_000
_NOT_FILTERS = frozenset({"cursor", "limit"})
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Choice = TypeVar("Choice", bound=StrEnum)


class _Truth(StrEnum):
    FALSE = "false"
    TRUE = "true"


class Query:
    """The parameters of one request, each read by its kind; where any text may stand, an empty one
    counts as not given.

    Everything raises MalformedRequestError, naming the parameter.
    """

    def __init__(self, raw: str, known: Iterable[str] = ()) -> None:
        pairs = [pair.partition("=") for pair in raw.split("&") if pair]
        if len(pairs) > _MOST_PARAMETERS:
            raise MalformedRequestError(f"more than {_MOST_PARAMETERS} parameters")
        self._values: dict[str, list[str]] = {}
        for encoded_name, _, value in pairs:
            name = unquote_plus(encoded_name)
            if name not in known:
                raise MalformedRequestError("this route has no such parameter", name[:100])
            if len(value) > _LONGEST:
                raise MalformedRequestError("this value is too long", name)
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, *, longest: int = _LONGEST) -> str:
        """A text in which `+` is a space, as forms write it; "" when not given."""
        value = unquote_plus(self._one(name))
        if len(value) > longest:
            raise MalformedRequestError(f"at most {longest} characters", name)
        return value

    def literal(self, name: str) -> str:
        """A text in which `+` is a plus: addresses and times have them; "" when not given."""
        return unquote(self._one(name))

    def whole(self, name: str, *, default: int, most: int) -> int:
        """A whole number from 1; more than `most` means `most`."""
        if name not in self._values:
            return default
        value = self._one(name)
        if not re.fullmatch(r"[0-9]+", value) or int(value) < 1:
            raise MalformedRequestError("this is no whole number from 1", name)
        return min(int(value), most)

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """One of a kind's values, or None."""
        return _member(kind, self.text(name), name) if name in self._values else None

    def flag(self, name: str) -> bool:
        """`true` or `false`; False when not given."""
        return self.choice(name, _Truth) is _Truth.TRUE

    def choices(self, name: str, kind: type[Choice]) -> frozenset[Choice]:
        """Any of a kind's values, repeated or with commas between."""
        given = [
            part for value in self._values.get(name, []) for part in unquote_plus(value).split(",")
        ]
        return frozenset(_member(kind, part, name) for part in given)

    def time(self, name: str) -> datetime | None:
        """A point in time (RFC 3339, with its offset), or None."""
        if name not in self._values:
            return None
        try:
            at = datetime.fromisoformat(self.literal(name))
            if at.tzinfo is None:
                raise ValueError
            return max(at.astimezone(UTC), _EARLIEST)
        except (ValueError, OverflowError) as error:
            raise MalformedRequestError(
                "this is no time with an offset, like 2026-11-20T12:00:00Z", name
            ) from error

    def binding(self, path: str) -> str:
        """What a cursor is good for: the path and all that chooses what is listed."""
        filters = sorted(
            (name, value)
            for name, values in self._values.items()
            for value in values
            if name not in _NOT_FILTERS
        )
        return json.dumps([path, filters])

    def _one(self, name: str) -> str:
        values = self._values.get(name, [""])
        if len(values) > 1:
            raise MalformedRequestError("this parameter is given more than once", name)
        return values[0]


def _member(kind: type[Choice], value: str, name: str) -> Choice:
    try:
        return kind(value)
    except ValueError as error:
        raise MalformedRequestError(f"one of {', '.join(kind)}", name) from error

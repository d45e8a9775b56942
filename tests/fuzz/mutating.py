"""A broken input made of a good one: of its bytes, or of its values where it is JSON."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

LARGEST = 64 * 1024  # bytes
_CHANGES = 4  # at most, of one input

_BYTES = (b"\x00", b"\x7f", b"\x80", b"\xff", b"\r\n", b"\n", b" ", b'"', b"\\", b"%", b"=", b"&")
_TEXTS = (
    "",
    "\0",
    "\ud800",
    "💥",
    "é",
    "\u202e",
    " ",
    "a" * 300,
    "%00",
    "%",
    "+",
    "../",
    "0",
    "null",
)
_TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-20T09:15:00", "T")
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, float("nan"), 10**400, [], {}, [[]], {"": None}, 
    *_TEXTS, *_TIMES,
)  # fmt: skip

Change = Callable[[bytes, Random], bytes]


def mutate(
    data: bytes, others: Sequence[bytes], words: Sequence[bytes], random: Random, *, is_json: bool
) -> bytes:
    """`data` with a few changes, at most 64 KB; `others` give pieces, `words` are the format's."""
    changes = _of_bytes(others, words)
    for _ in range(random.randint(1, _CHANGES)):
        if is_json and random.random() < 0.8:
            data = _change_values(data, others, random)
        else:
            data = random.choice(changes)(data, random)
    return data[:LARGEST]


def _of_bytes(others: Sequence[bytes], words: Sequence[bytes]) -> list[Change]:
    def flip(data: bytes, random: Random) -> bytes:
        at = random.randrange(len(data) or 1)
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]

    def insert(data: bytes, random: Random) -> bytes:
        at = random.randint(0, len(data))
        return data[:at] + random.choice([*_BYTES, *words]) + data[at:]

    def cut(data: bytes, random: Random) -> bytes:
        begin, end = sorted(random.randint(0, len(data)) for _ in range(2))
        return data[:begin] + data[end:]

    def truncate(data: bytes, random: Random) -> bytes:
        return data[: random.randint(0, len(data))]

    def splice(data: bytes, random: Random) -> bytes:
        other = random.choice(others)
        return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]

    def double(data: bytes, random: Random) -> bytes:
        """A piece, over and over: what takes more than linear time shows."""
        begin = random.randint(0, len(data))
        piece = data[begin : begin + random.choice((1, 2, 5, 20, 100, 1_000))]
        times = random.choice((2, 10, 100, LARGEST // (len(piece) or 1)))
        return data[:begin] + piece * times + data[begin + len(piece) :]

    return [flip, insert, insert, cut, truncate, splice, double]


def _change_values(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """The JSON with one value changed, left out, doubled or taken from another input."""
    try:
        content = json.loads(data)
        places = list(_places(content))
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key]] * random.choice((1, 2, 100))
            case 2:
                other, other_key = random.choice(list(_places(json.loads(random.choice(others)))))
                holder[key] = other[other_key]
            case 3 if isinstance(holder[key], str):
                text = holder[key]
                at = random.randint(0, len(text))
                holder[key] = text[:at] + random.choice(_TEXTS) + text[at:]
            case _:
                holder[key] = random.choice(_VALUES)
        return json.dumps(content).encode()
    except (ValueError, IndexError, RecursionError):  # no JSON, or nothing in it
        return data


def _places(content: Any) -> Any:
    """Every (holder, key) in a JSON value."""
    keys = content if isinstance(content, dict) else range(len(content))
    if not isinstance(content, dict | list):
        return
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])

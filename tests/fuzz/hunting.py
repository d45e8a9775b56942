"""The search for inputs that break a rule."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.holding import BrokenRuleError, hold
from tests.fuzz.mutating import mutate
from tests.fuzz.readers import Reader

ROOT = str(Path(__file__).parents[2])
_OURS = (f"{ROOT}/shared/", f"{ROOT}/functions/")
_MINIMISING = 10  # seconds a finding
_LARGEST_KEPT = 2 * 1024  # bytes, of an input that is only kept for what it reaches

Lines = set[tuple[CodeType, int]]


@dataclass
class Hunt:
    """What was seen of one reader: how many inputs, the broken rules with the least input that
    breaks each, and the inputs that reached lines none before had reached."""

    seen: int = 0
    lines: Lines = field(default_factory=set)
    findings: dict[str, bytes] = field(default_factory=dict)
    reaching: list[bytes] = field(default_factory=list)


def hunt(reader: Reader, seconds: float, random: Random) -> Hunt:
    """Read mutated inputs for so long."""
    with reader.around():
        return _hunt(reader, seconds, random)


def _hunt(reader: Reader, seconds: float, random: Random) -> Hunt:
    found = Hunt()
    pool = corpus.inputs(reader)
    for data in pool:
        _try(reader, data, found)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = mutate(random.choice(pool), pool, reader.words, random, is_json=reader.is_json)
        if _try(reader, data, found):
            pool.append(data)
            if len(data) <= _LARGEST_KEPT:
                found.reaching.append(data)
    found.findings = {rule: _least(reader, data, rule) for rule, data in found.findings.items()}
    return found


def _try(reader: Reader, data: bytes, found: Hunt) -> bool:
    """Whether an input reached new lines; a rule it broke is noted."""
    found.seen += 1
    before = len(found.lines)
    try:
        with _traced(found.lines):
            hold(reader, data)
    except BrokenRuleError as error:
        known = found.findings.get(error.rule)
        if known is None or len(data) < len(known):
            found.findings[error.rule] = data
        return False
    return len(found.lines) > before


@contextmanager
def _traced(lines: Lines) -> Iterator[None]:
    """Note every line of ours that runs."""

    def line(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        if event == "line":
            lines.add((frame.f_code, frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _: Any) -> Callable[..., Any] | None:
        return line if frame.f_code.co_filename.startswith(_OURS) else None

    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(None)


def _least(reader: Reader, data: bytes, rule: str) -> bytes:
    """An input as small as can be that breaks the same rule."""
    size = max(len(data) // 2, 1)
    until = time.monotonic() + _MINIMISING
    while size and time.monotonic() < until:
        at, smaller = 0, False
        while at < len(data) and time.monotonic() < until:
            without = data[:at] + data[at + size :]
            if _breaks(reader, without, rule):
                data, smaller = without, True
            else:
                at += size
        if not smaller:
            size //= 2
    return data


def _breaks(reader: Reader, data: bytes, rule: str) -> bool:
    try:
        hold(reader, data)
    except BrokenRuleError as error:
        return error.rule == rule
    return False

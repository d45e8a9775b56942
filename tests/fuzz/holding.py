"""The rules that a reader keeps, whatever it is given."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any

from tests.fuzz.readers import Reader

_SECONDS = 0.1  # for however little
_ROOM = 16 * 1024  # bytes that may come of however little


class BrokenRuleError(AssertionError):
    """A reader broke a rule; `rule` names which, the same for all inputs that do it alike."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def hold(reader: Reader, data: bytes) -> None:
    """Read `data`, and raise BrokenRuleError unless every rule was kept."""
    began = time.process_time()
    try:
        made: object = reader.read(data)
    except reader.errors as error:
        made = str(error)  # people read it
    except Exception as error:
        raise BrokenRuleError(_place(error)) from error
    taken = time.process_time() - began
    size = 0
    for text in texts(made):
        size += len(text)
        if isinstance(text, str) and not _is_writable(text):
            raise BrokenRuleError("a text that UTF-8 cannot write")
    if size > _ROOM + reader.growth * len(data):
        raise BrokenRuleError("more comes out than may")
    if taken > limit(reader, data) and _is_slow(reader, data):
        raise BrokenRuleError("it takes too long")


def limit(reader: Reader, data: bytes) -> float:
    """The seconds of CPU that reading may take."""
    return _SECONDS + reader.microseconds * len(data) / 1_000_000


def texts(made: Any) -> Iterator[str | bytes]:
    """Every text in what a reader made."""
    if isinstance(made, str | bytes):
        yield made
    elif isinstance(made, Mapping):
        for pair in made.items():
            yield from texts(pair)
    elif isinstance(made, tuple | list | set | frozenset):
        for member in made:
            yield from texts(member)
    elif is_dataclass(made):
        for each in fields(made):
            yield from texts(getattr(made, each.name))


def _is_slow(reader: Reader, data: bytes) -> bool:
    """Whether it takes too long each time, with nobody watching which lines run."""
    watching = sys.gettrace()
    sys.settrace(None)
    try:
        return all(_seconds(reader, data) > limit(reader, data) for _ in range(3))
    finally:
        sys.settrace(watching)


def _seconds(reader: Reader, data: bytes) -> float:
    began = time.process_time()
    with suppress(*reader.errors):
        reader.read(data)
    return time.process_time() - began


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _place(error: Exception) -> str:
    """The kind of error, and the last line of ours that it came through."""
    place, following = "", error.__traceback__
    while following:
        code = following.tb_frame.f_code
        if "/shared/" in code.co_filename or "/functions/" in code.co_filename:
            place = f"{code.co_filename.rpartition('/')[2]}:{code.co_name}"
        following = following.tb_next
    return f"{type(error).__name__} in {place}"

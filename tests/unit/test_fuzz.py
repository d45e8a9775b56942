"""Readers of what comes from outside: every kept input, some new ones, and the search itself."""

import time
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.holding import BrokenRuleError, hold
from tests.fuzz.hunting import hunt
from tests.fuzz.mutating import LARGEST, mutate
from tests.fuzz.readers import READERS, Reader

ALL = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)


@ALL
def test_every_kept_input_is_read_by_the_rules(reader: Reader) -> None:
    with reader.around():
        for data in reader.seeds():
            hold(reader, data)
        for file in corpus.kept(reader):
            try:
                hold(reader, file.read_bytes())
            except BrokenRuleError as error:
                raise AssertionError(f"{file}: {error.rule}") from error


@ALL
def test_what_chance_makes_of_them_is_too(reader: Reader) -> None:
    pool = corpus.inputs(reader)

    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(pool), st.randoms(use_true_random=False))
    def broken(data: bytes, random: Random) -> None:
        hold(reader, mutate(data, pool, reader.words, random, is_json=reader.is_json))

    with reader.around():
        broken()


def test_the_kept_inputs_are_small_and_all_somebodys() -> None:
    folders = {folder.name for folder in corpus.CORPUS.iterdir()}
    assert folders <= READERS.keys()
    sizes = [file.stat().st_size for file in corpus.CORPUS.rglob("*") if file.is_file()]
    assert sum(sizes) < 300_000
    assert sizes


def fall_over(data: bytes) -> str:
    if b"!" in data:
        raise LookupError("words of somebody's")
    return data.decode(errors="replace")


def be_slow(data: bytes) -> None:
    until = time.process_time() + len(data) / 1_000
    while time.process_time() < until:
        pass


@pytest.mark.parametrize(
    ("read", "rule", "least"),
    [
        (fall_over, "LookupError in ", b"!"),
        (lambda data: "\ud800" * data.count(b"\xff"), "a text that UTF-8 cannot write", b"\xff"),
        (lambda data: b"a" * 20_000 if b"%" in data else b"", "more comes out than may", b"%"),
    ],
)
def test_a_broken_rule_is_found_and_made_small(
    read: Callable[[bytes], object], rule: str, least: bytes
) -> None:
    reader = Reader(name="a reader", read=read, begin=(b"a fine input",))
    found = hunt(reader, 0.3, Random(1))
    assert found.findings == {rule: least}


def test_what_takes_too_long_for_its_length_is_a_broken_rule() -> None:
    reader = Reader(name="a reader", read=be_slow)
    hold(reader, b"a" * 50)
    with pytest.raises(BrokenRuleError, match="it takes too long"):
        hold(reader, b"a" * 150)


def test_an_error_that_is_promised_is_no_finding() -> None:
    reader = Reader(name="a reader", read=fall_over, errors=(LookupError,))
    hold(reader, b"!")


@given(st.binary(max_size=200), st.randoms(use_true_random=False))
def test_an_input_stays_within_its_size(data: bytes, random: Random) -> None:
    assert len(mutate(data, [data, b"other"], [b"word"], random, is_json=False)) <= LARGEST

"""Random histories, interleaved call by call, with deaths: what table.md promises holds throughout.

`tests/story.py` says what may happen, `tests/world.py` what must be true. That each guard of the
table is missed when it is taken away is shown by `python -m tests.guards` (decision 5).
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.store.bodies import Bodies
from shared.store.table import Table
from tests import dynamodb_local
from tests.story import Operation, new_story, tell, tell_at_once

ANY, MAIL, LATEST = st.integers(0, 8), st.integers(4, 6), st.integers(0, 9)
OPERATIONS = st.one_of(
    st.tuples(st.just("message"), ANY, st.integers(0, 3)),
    st.tuples(st.just("message"), ANY, st.integers(0, 3)),
    st.tuples(st.just("again"), LATEST, st.just(0)),
    st.tuples(st.just("spoof"), MAIL, st.integers(0, 3)),
    st.tuples(st.just("twice"), LATEST, st.just(0)),
    st.tuples(st.just("reply"), MAIL, MAIL),
    st.tuples(st.just("vouch"), st.integers(0, 1), st.integers(0, 6)),
    st.tuples(st.just("attach"), ANY, ANY),
    st.tuples(st.just("merge"), ANY, ANY),
    st.tuples(st.just("undo"), LATEST, st.just(0)),
    st.tuples(st.just("split"), ANY, st.just(0)),
    st.tuples(st.just("resolve"), LATEST, st.just(0)),
    st.tuples(st.just("reopen"), LATEST, st.just(0)),
    st.tuples(st.just("join"), ANY, LATEST),
    st.tuples(st.just("erase"), ANY, st.just(0)),
)
BATCHES = st.lists(st.lists(OPERATIONS, min_size=1, max_size=4), min_size=1, max_size=6)


def few(examples: int, *, repeatable: bool = True) -> settings:
    return settings(
        max_examples=examples,
        phases=tuple(Phase) if repeatable else (Phase.generate,),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@few(12)
@given(batches=BATCHES, seed=st.integers(0, 2**32))
def test_whatever_happens_at_once_nothing_is_lost_doubled_or_mixed(
    table: Table, bodies: Bodies, batches: list[list[Operation]], seed: int
) -> None:
    with new_story(table, bodies) as story:
        tell(story, batches, seed)


@few(12)
@given(batches=BATCHES, seed=st.integers(0, 2**32))
def test_whoever_dies_at_whatever_call_nothing_is_lost_doubled_or_mixed(
    table: Table, bodies: Bodies, batches: list[list[Operation]], seed: int
) -> None:
    with new_story(table, bodies) as story:
        tell(story, batches, seed, deaths=0.15)


@pytest.mark.parametrize("table", ["dynamodb-local"], indirect=True)
@pytest.mark.skipif(not dynamodb_local.is_there(), reason="needs Java and Maven")
@few(8, repeatable=False)
@given(batches=BATCHES, seed=st.integers(0, 2**32))
def test_on_an_engine_with_real_concurrency_nothing_is_lost_doubled_or_mixed(
    table: Table, bodies: Bodies, batches: list[list[Operation]], seed: int
) -> None:
    with new_story(table, bodies) as story:
        tell_at_once(story, batches, seed)

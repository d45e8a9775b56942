"""Some guards of the table, taken away: each is missed. `python -m tests.guards` tries them all."""

import pytest

from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.guarded import GUARDS
from tests.guards import what_breaks


@pytest.mark.parametrize("table", ["moto"], indirect=True)
@pytest.mark.parametrize(
    "guard",
    [
        "record: the delivery's marker is new",
        "record: the address's home",
        "record: a default conversation is the only one",
        "resolve: the last activity that was seen",
        "merge: the roots as seen",
        "undo: the participants seen",
        "split: the count of messages that was seen",
        "erase: the root as seen",
    ],
)
def test_a_guard_that_is_taken_away_is_missed(guard: str, table: Table, bodies: Bodies) -> None:
    assert what_breaks(GUARDS[guard], table, bodies)

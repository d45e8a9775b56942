"""Whichever single call fails, dies or is late: nothing is lost and nothing doubled.

A choice of the cases that is the same each time; `python -m tests.faults` runs them all.
"""

from tests.faults.account import account
from tests.faults.outcome import Verdict
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import one_in, run

_CHOSEN = {
    "known number",
    "answer",
    "text",
    "mail",
    "complaint",
    "poison record",
}


def test_a_fault_at_any_call_is_made_good_by_the_next_try_or_the_sweep() -> None:
    scenarios = tuple(each for each in SCENARIOS if each.name in _CHOSEN)
    with account() as made:
        results = list(run(made, one_in(12), scenarios))
    wrong = [it for it in results if it.verdict not in (Verdict.SAME, Verdict.UNCONFIRMED)]
    assert not wrong
    assert len(results) > 15

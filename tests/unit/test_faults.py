"""Whichever single call fails, dies or is late: nothing is lost and nothing doubled.

A choice of the cases that is the same each time; `python -m tests.faults` runs them all.
"""

from functions.timeline_api.routes import ROUTES
from tests.faults import report
from tests.faults.account import account
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import one_in, run
from tests.template import FUNCTIONS, package

_CHOSEN = {
    "known number",
    "from text to chat",
    "POST /v1/contacts/{id}/messages: text",
    "PUT /v1/contacts/{id}/consent: granted",
    "text",
    "mail",
    "complaint",
    "poison record",
}


def test_a_fault_at_any_call_is_made_good_by_the_next_try_or_the_sweep() -> None:
    with account() as made:
        chosen = [it for it in SCENARIOS if it.name in _CHOSEN]
        results = [result for each in chosen for result in run(made, each, one_in(16))]
    assert not [it for it in results if it.verdict not in report.ADMITTED]
    assert len(results) > 25


def test_every_function_meets_with_faults() -> None:
    assert {it.function for it in SCENARIOS} == {package(name) for name in FUNCTIONS}


def test_every_route_that_changes_something_meets_with_faults() -> None:
    asked = {it.name.partition(": ")[0] for it in SCENARIOS if it.function == "timeline_api"}
    assert {f"{it.method} {it.path}" for it in ROUTES if it.method != "GET"} <= asked

"""Scenarios side by side, each process with an account of its own."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import get_context

from tests.faults.account import Account, account
from tests.faults.injector import Call, Fault
from tests.faults.outcome import Verdict
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import Case, Result, run

_Told = tuple[int, list[tuple[Call, Fault, Verdict, list[str]]]]


def on_all_cores(chosen: Sequence[int]) -> Iterator[list[Result]]:
    """The results of one scenario after the other, as they come; they are chosen by number."""
    with get_context("spawn").Pool(os.cpu_count(), _open_account) as pool:
        for number, told in pool.imap_unordered(_of_one, chosen):
            yield [
                Result(Case(SCENARIOS[number], call, fault), verdict, different)
                for call, fault, verdict, different in told
            ]


_left_open = ExitStack()
_mine: list[Account] = []


def _open_account() -> None:
    """Each process has one account, for as long as it lives."""
    logging.disable()
    _mine.append(_left_open.enter_context(account()))


def _of_one(number: int) -> _Told:
    """A scenario's cases, in words that go from process to process."""
    found = list(run(_mine[0], SCENARIOS[number]))
    return number, [(it.case.call, it.case.fault, it.verdict, it.different) for it in found]

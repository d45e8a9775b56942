"""`python -m tests.faults [FUNCTION …]`: every case, and how each ended.

Without names it writes the result into docs/faults.md. Exits 1 if anything was lost or doubled.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing import get_context

from tests.faults import report
from tests.faults.account import Account, account
from tests.faults.injector import Call, Fault
from tests.faults.outcome import Verdict
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import Case, Result, run

Told = tuple[int, list[tuple[Call, Fault, Verdict, list[str]]]]


def main(functions: Sequence[str]) -> int:
    """Run the scenarios of these functions, or all, on all cores."""
    chosen = [n for n, it in enumerate(SCENARIOS) if not functions or it.function in functions]
    results: list[Result] = []
    begun = time.monotonic()
    for done, found in enumerate(_all(chosen), start=1):
        results += found
        for result in found:
            if result.verdict not in report.ADMITTED:
                _say(f"{result.verdict}: {result.case}", *result.different)
        seconds = time.monotonic() - begun
        progress = f"{done}/{len(chosen)} scenarios, {len(results)} cases, {seconds:.0f} s"
        print(f"\r{progress}", end="", file=sys.stderr, flush=True)
    results.sort(key=lambda result: SCENARIOS.index(result.case.scenario))
    print(f"\n{report.plain(report.table(results))}\n\n{report.plain(report.unconfirmed(results))}")
    if not functions:
        report.write(results, datetime.now(UTC).date())
    return int(any(result.verdict not in report.ADMITTED for result in results))


def _all(chosen: Sequence[int]) -> Iterator[list[Result]]:
    """The results of one scenario after the other, as they come."""
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


def _of_one(number: int) -> Told:
    """A scenario's cases, in words that go from process to process."""
    found = list(run(_mine[0], SCENARIOS[number]))
    return number, [(it.case.call, it.case.fault, it.verdict, it.different) for it in found]


def _say(*lines: str) -> None:
    print("", *(line[:400] for line in lines), sep="\n  ", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

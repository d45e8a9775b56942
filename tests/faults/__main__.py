"""`python -m tests.faults [FUNCTION …]`: every case, and how each ended.

Without names it writes the result into docs/faults.md. Exits 1 if anything was lost or doubled.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.faults import report
from tests.faults.cores import on_all_cores
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import Result


def main(functions: Sequence[str]) -> int:
    """Run the scenarios of these functions, or all, on all cores."""
    chosen = [n for n, it in enumerate(SCENARIOS) if not functions or it.function in functions]
    results: list[Result] = []
    begun = time.monotonic()
    for done, found in enumerate(on_all_cores(chosen[::-1]), start=1):  # the longest first
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


def _say(*lines: str) -> None:
    print("", *(line[:400] for line in lines), sep="\n  ", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

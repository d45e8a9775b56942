"""`python -m tests.faults`: every case, and how each ended. Exits 1 if any was lost or doubled."""

import sys
from collections import Counter

from tests.faults.account import account
from tests.faults.outcome import Verdict
from tests.faults.scenarios import SCENARIOS
from tests.faults.suite import run

_ADMITTED = (Verdict.SAME, Verdict.UNCONFIRMED)


def _short(fact: str) -> str:
    return fact if len(fact) < 400 else f"{fact[:400]}…"


def main() -> int:
    """Run what the arguments name (functions), or all."""
    chosen = tuple(s for s in SCENARIOS if not sys.argv[1:] or s.function in sys.argv[1:])
    counts: dict[str, Counter[Verdict]] = {}
    with account() as made:
        for result in run(made, scenarios=chosen):
            counted = counts.setdefault(result.case.scenario.function, Counter())
            counted[result.verdict] += 1
            if result.verdict not in _ADMITTED:
                print(
                    f"{result.verdict}: {result.case}",
                    *map(_short, result.different),
                    sep="\n  ",
                    flush=True,
                )
            print(f"\r{sum(map(Counter.total, counts.values()))}", end="", file=sys.stderr)
    print(f"\n{'function':18}{'cases':>6}" + "".join(f"{verdict:>13}" for verdict in Verdict))
    for function, counted in counts.items():
        row = "".join(f"{counted[verdict]:13}" for verdict in Verdict)
        print(f"{function:18}{counted.total():6}{row}")
    every = sum(counts.values(), Counter[Verdict]())
    print(f"{'all':18}{every.total():6}" + "".join(f"{every[verdict]:13}" for verdict in Verdict))
    return int(any(every[verdict] for verdict in Verdict if verdict not in _ADMITTED))


if __name__ == "__main__":
    sys.exit(main())

"""Fuzz the readers of what comes from outside: `python -m tests.fuzz [reader] [seconds]`.

Without a reader, each for so long (10 s). What breaks a rule is kept in tests/corpus, and with
KEEP=1 also what reaches lines that nothing before had reached. Exits with 1 when a rule was broken.
"""

import os
import sys
from random import Random

from tests.fuzz import corpus
from tests.fuzz.hunting import hunt
from tests.fuzz.readers import READERS


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name in READERS] or list(READERS)
    seconds = next((float(each) for each in arguments if each.replace(".", "").isdigit()), 10.0)
    broken = 0
    for name in names:
        reader = READERS[name]
        found = hunt(reader, seconds, Random(os.environ.get("SEED")))
        print(f"{name}: {found.seen} inputs, {len(found.lines)} lines reached", flush=True)
        for rule, data in found.findings.items():
            print(f"  {rule}: {corpus.keep(reader, data)}", flush=True)
        if os.environ.get("KEEP"):
            for data in found.reaching:
                corpus.keep(reader, data)
        broken += len(found.findings)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

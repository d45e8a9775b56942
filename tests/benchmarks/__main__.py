"""`make bench`: measure it all, print the table, write build/bench.json and docs/benchmarks.md."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from platform import machine, python_version

from tests import dynamodb_local
from tests.benchmarks import (
    artifacts,
    deaths,
    mails,
    merges,
    pages,
    readers,
    starts,
    webhooks,
)
from tests.benchmarks.deployment import Deployment, deployed
from tests.benchmarks.figures import Figure, table, write_json
from tests.costs import __main__ as costs_page
from tests.costs.model import figures as costs
from tests.scale import __main__ as scale_page
from tests.scale.__main__ import figures as scale
from tests.template import ROOT

_INTRODUCTION = """# Benchmarks

Written by `make bench` on {day}: Python {python} on {machine}, {cores} cores, DynamoDB Local and
small stand-ins for S3 and the secrets, each in a process of its own. {load}

- CPU is the handler's own process's (`time.process_time`): waiting is free, what the table
  computes is its own affair.
- Where two things are compared they take turns, round by round; the ratio is the median of the
  rounds' ratios. So a busy neighbour slows both sides and moves the ratio little.
- A time in milliseconds is where the quietest tenth of the rounds ends, the nearest to what the
  code takes undisturbed. It depends on the machine; ratios, calls and units do not.
- *Bare botocore* is a client as botocore makes it, given the very parameters the handler sent,
  with a new delivery and a new entry each time.
- What is without a target is shown for scale.
"""
_READING = """## What the profile showed

Of a webhook's CPU nine tenths are botocore's: checking the parameters, signing, HTTP, and walking
the answer. So what could be saved was there (`shared/runtime/clients.py`):

| what | was | is |
|---|---|---|
| the table's parameters are not checked a second time | 1.31 x bare botocore | 1.20 x |
| the client's name is a constant, not composed twice a call | 1.20 x | 1.14 x |
| the table's answers are read once, by `json`, not walked attribute by attribute | a page of 50 \
with 50 receipts: 13.3 ms | 6.9 ms |

What is left is the floor: an HTTP request through botocore takes about 1.5 ms of CPU, a message
takes two and a mail three. A mail's three calls made bare stand beside its figure: where those
alone take the machine 7 ms, nothing of ours can hold 7. Going below would mean to sign and send
requests without it; the saving is a fifth of a micro-dollar a message, and not worth being the only
ones to maintain that.
"""


def main() -> int:
    """Whether every target holds: 0, else 1; 2 when it cannot be measured here."""
    if not dynamodb_local.is_there():
        print("make bench needs Java and Maven (mvn) for DynamoDB Local; one of them is missing.")
        return 2
    full = os.environ.get("FULL", "") not in ("", "0", "no")
    found = list(_progress(_all(full)))
    write_json(ROOT / "build" / "bench.json", found)
    page = _introduction() + "\n" + "\n\n".join(_sections(found)) + "\n\n" + _READING
    if not full:
        page += "\nA million entries were not written this time: `make bench FULL=1` does.\n"
    (ROOT / "docs" / "benchmarks.md").write_text(page)
    for written in (costs_page, scale_page):
        written.PAGE.write_text(written.page())
    print("\n" + table(found))
    missed = [figure for figure in found if not figure.holds]
    print(f"\n{len(found)} figures, {len(missed)} over their target.")
    return 1 if missed else 0


Part = tuple[str, Callable[[], Iterable[Figure]]]
_titles: dict[str, str] = {}


def _all(full: bool) -> Iterator[Part]:
    with deployed() as hub:
        yield from _on_the_table(hub, full)
    yield "What a message costs", costs
    yield "Many contacts", scale
    yield "Starting", starts.measure
    yield "Artifacts", artifacts.measure
    yield "Reading mail", readers.measure


def _on_the_table(hub: Deployment, full: bool) -> Iterator[Part]:
    yield "Whatever dies", lambda: deaths.measure(hub)
    yield "Messages in", lambda: webhooks.measure(hub)
    yield "E-mail in", lambda: mails.measure(hub)
    yield "Timeline pages", lambda: pages.measure(hub, full=full)
    yield "Merging", lambda: merges.measure(hub)


def _progress(parts: Iterator[Part]) -> Iterator[Figure]:
    began = time.monotonic()
    for title, measure in parts:
        print(f"{time.monotonic() - began:5.0f} s  {title} ...", file=sys.stderr, flush=True)
        for figure in measure():
            _titles[figure.name] = title
            yield figure
    print(f"{time.monotonic() - began:5.0f} s  done", file=sys.stderr)


def _introduction() -> str:
    load, cores = os.getloadavg()[1], os.cpu_count() or 1
    busy = f"The machine was shared: {load:.0f} processes wanted its {cores} cores."
    return _INTRODUCTION.format(
        day=datetime.now(UTC).date(),
        python=python_version(),
        machine=machine(),
        cores=cores,
        load=busy if load > cores + 1 else "The machine was quiet.",
    )


def _sections(found: list[Figure]) -> Iterator[str]:
    for title in dict.fromkeys(_titles[figure.name] for figure in found):
        yield f"## {title}\n\n{table([f for f in found if _titles[f.name] == title])}"


if __name__ == "__main__":
    raise SystemExit(main())

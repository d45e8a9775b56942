"""What merging, undoing and the first page after it cost, at any length of history.

`python -m tests.benchmarks.identity 10 50000` prints the table of docs/benchmarks-identity.md.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from shared.merge import Decision, merge, undo
from shared.store import contacts
from shared.store.table import Table
from shared.store.timeline import read_page
from tests import dynamodb_local
from tests.builders import NOW, later
from tests.conftest import IDENTITY_KEY, REGION
from tests.table_schema import create_table
from tests.timelines import entry, lay, profile

AGENT = Decision(by="agent-1", reason="the same person")
PAGE = 50


@dataclass
class Cost:
    """The calls to the table in their order, and the bytes of their requests and answers."""

    calls: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    seconds: float = 0.0


@contextmanager
def counting(table: Table) -> Iterator[Cost]:
    """Count what is called while this is entered."""
    cost, events, began = Cost(), table._client.meta.events, time.monotonic()

    def before(model: Any, params: Any, **_: Any) -> None:
        cost.calls.append(model.name)
        cost.sent += len(params["body"])

    def after(http_response: Any, **_: Any) -> None:
        cost.received += len(http_response.content)

    events.register("before-call.dynamodb.*", before)
    events.register("after-call.dynamodb.*", after)
    try:
        yield cost
    finally:
        events.unregister("before-call.dynamodb.*", before)
        events.unregister("after-call.dynamodb.*", after)
        cost.seconds = time.monotonic() - began


def lay_two(table: Table, entries: int, mark: str) -> tuple[str, str]:
    """Two contacts with as many entries each, in turns."""
    ids = [f"ctc_{entries:08}{mark}{side}" for side in "ab"]
    lay(table, *(profile(each) for each in ids))
    for start in range(0, entries, 1000):
        numbers = range(start, min(start + 1000, entries))
        lay(
            table,
            *(
                entry(home=home, at=later(seconds=-2 * number - side))
                for number in numbers
                for side, home in enumerate(ids)
            ),
        )
    return ids[0], ids[1]


def measure(table: Table, entries: int, mark: str = "x") -> dict[str, Cost]:
    """Merge, read the first page, undo, read it again: what each costs."""
    one, other = lay_two(table, entries, mark)
    costs: dict[str, Cost] = {}
    with counting(table) as costs["merge"]:
        record = merge(table, one, other, AGENT, now=NOW)
    with counting(table) as costs["first page, merged"]:
        merged = read_page(table, one, limit=PAGE)
    with counting(table) as costs["undo"]:
        undo(table, record.id, AGENT, now=NOW)
    with counting(table) as costs["first page, undone"]:
        undone = read_page(table, one, limit=PAGE)
    assert {each.entry.home for each in merged.shown} == ({one, other} if entries else {one})
    assert {each.entry.home for each in undone.shown} == {one}
    assert contacts.get_contact(table, other).root.id == other
    return costs


def main(lengths: list[str]) -> None:
    """Print a row for each step and length."""
    with dynamodb_local.running() as url:
        client = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        create_table(client, "costs")
        table = Table(client, "costs", IDENTITY_KEY)
        measure(table, 10, "warm")
        print("| step | entries each | calls | sent, bytes | received, bytes | ms |")
        print("|---|---|---|---|---|---|")
        for length in lengths:
            for step, cost in measure(table, int(length)).items():
                row = f"{len(cost.calls)} | {cost.sent} | {cost.received}"
                print(f"| {step} | {length} | {row} | {cost.seconds * 1000:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

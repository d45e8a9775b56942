"""Merging two contacts: one transaction, whatever they have behind them."""

from collections.abc import Iterator

from shared.merge import Decision, merge, undo
from shared.model.identity import Address, IdentityKind
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.benchmarks.deployment import Deployment, calls_of
from tests.benchmarks.figures import Figure, middle, undisturbed
from tests.benchmarks.measuring import Work, cpu, turns
from tests.benchmarks.pages import fill
from tests.builders import NOW, sms
from tests.hub import Hub

ROUNDS = 30
LONG = 50_000
_DECISION = Decision(by="agent", reason="one person")


def measure(hub: Deployment, *, rounds: int = ROUNDS, long: int = LONG) -> Iterator[Figure]:
    """Two contacts of a few messages, and two of 50 000 entries each, merged by turns."""
    table = hub.new_table()
    short_pair = _two_people(table, 0)
    long_pair = _two_people(table, 2)
    for home in long_pair:
        fill(hub, table.name, home, long)
    works = [_merge(table, *pair) for pair in (short_pair, long_pair)]
    calls = calls_of(table._client)
    for work in works:
        calls.clear()
        cpu(work)
    merges = calls[: calls.index("TransactWriteItems") + 1]
    written = sum(name == "TransactWriteItems" for name in merges)
    yield Figure(
        name=f"merge of two of {long:,} entries each, transactions",
        value=written,
        unit="",
        target=1,
    )
    yield Figure(name="merge and undo, AWS calls", value=len(calls), unit="")
    few, many = turns(works, rounds)
    ratio = middle([one / two for one, two in zip(many, few, strict=True)])
    yield Figure(name="merge and undo, CPU", value=undisturbed(many), unit="ms")
    yield Figure(
        name=f"merge and undo at {long:,} entries, CPU over a few entries'",
        value=ratio,
        unit="x",
        target=1.1,
    )


def _two_people(table: Table, number: int) -> tuple[str, str]:
    def no_bucket() -> None:
        raise AssertionError("a short text needs no bucket")

    office = Hub(table, Bodies(no_bucket, "none"))  # type: ignore[arg-type]  # never asked
    homes = []
    for each in (number, number + 1):
        sender = Address(IdentityKind.PHONE, f"+1415555{each:04d}")
        office.receive(sms(sender=sender))
        identity = contacts.get_identity(table, sender)
        assert identity
        homes.append(identity.home)
    return homes[0], homes[1]


def _merge(table: Table, survivor: str, other: str) -> Work:
    def work() -> None:
        made = merge(table, survivor, other, _DECISION, now=NOW)
        undo(table, made.id, _DECISION, now=NOW)

    return work

"""What a message costs stays with its address, also while a split is moving its history."""

from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random

import pytest

from shared.merge import Decision
from shared.model.receipt import ReceiptKey
from shared.model.sending import StatusReport
from shared.rate_card import rate_card
from shared.receipts import apply_report
from shared.reprice import reprice
from shared.split import move, split
from shared.store import splitting
from shared.store.bodies import Bodies
from shared.store.ledger import read_ledger
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_PHONE, chat, later
from tests.interleaving import Interleaving
from tests.outbound import Office, key_of
from tests.streams import written
from tests.timelines import entry, lay

AGENT = Decision(by="agent-1", reason="this number is her son's")
Booking = Callable[[Office, ReceiptKey], None]


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def report(state: str, office: Office, key: ReceiptKey) -> None:
    said = StatusReport(provider="twilio", provider_id="id-1", state=state)
    apply_report(key, said, table=office.table, now=office.now)


def bill(amount: str, office: Office, key: ReceiptKey) -> None:
    reprice(key, amount, "USD", table=office.table, card=rate_card(), now=office.now)


def void_and_change(office: Office, key: ReceiptKey) -> None:
    """It is said to have failed, and yet it came."""
    report("failed", office, key)
    report("delivered", office, key)


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a history of a few entries is a long one."""
    monkeypatch.setattr(splitting, "_MOVED_AT_ONCE", 2)


def sent_after_others(office: Office) -> ReceiptKey:
    """A text that has left, behind so much else that a mover has steps to do before it."""
    home = office.hub.receive(chat(vouched=(ANA_PHONE,))).contact_id
    hers = office.table.address_key(ANA_CHAT)
    lay(
        office.table,
        *(
            entry(home=home, at=later(minutes=-number), address_key=hers, cost=None)
            for number in range(1, 4)
        ),
    )
    sent = key_of(office.answer(home, to=ANA_PHONE))
    office.deliver(sent)
    return sent


def check(office: Office) -> None:
    """Both sides' lines are their addresses' totals."""
    for address in (ANA_PHONE, ANA_CHAT):
        contact = office.hub.contact(address)
        lines = read_ledger(office.table, contact.root.id)
        total = sum(identity.cost_micro_usd for identity in contact.identities)
        assert sum(line.cost.total_micro_usd for line in lines) == total


@pytest.mark.parametrize(
    "book", [partial(report, "failed"), partial(bill, "-0.0166"), void_and_change]
)
@pytest.mark.parametrize("step", [1, 3])
def test_what_is_booked_between_two_steps_of_the_mover_moves_with_the_address(
    office: Office, book: Booking, step: int
) -> None:
    sent = sent_after_others(office)
    record = split(office.table, sent.home, ANA_PHONE, AGENT, now=office.now)
    steps = count()

    def go_on() -> bool:
        if next(steps) == step:
            book(office, sent)
        check(office)
        return True

    assert move(office.table, record.id, now=office.now, go_on=go_on)
    book(office, sent)
    check(office)
    left = [item["type"] for item in written(office.table) if item.get("home") == record.source]
    assert "cost_line" not in left


@pytest.mark.parametrize("seed", range(2))
def test_what_is_booked_while_the_mover_is_at_it_moves_with_the_address(
    office: Office, seed: int
) -> None:
    sent = sent_after_others(office)
    record = split(office.table, sent.home, ANA_PHONE, AGENT, now=office.now)
    work: list[Callable[[], object]] = [
        partial(move, office.table, record.id, now=office.now),
        *(partial(report, state, office, sent) for state in ("failed", "delivered")),
        *(partial(bill, amount, office, sent) for amount in ("-0.0166", "-0.0249")),
    ]
    for one in Interleaving(office.table, lambda: check(office)).run(work, Random(seed)):
        if one.error:
            raise one.error
    assert splitting.get(office.table, record.id).done
    check(office)

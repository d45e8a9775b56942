"""Real prices in the place of estimates: each booked once, whatever repeats (outbound.md §6)."""

import json
from dataclasses import replace

import pytest

from shared import erase
from shared.model.cost import Price
from shared.model.errors import NotFoundError, RejectedError
from shared.model.ledger import CostLine, LineKind
from shared.model.receipt import ReceiptKey
from shared.model.sending import Refused, StatusReport
from shared.receipts import apply_report
from shared.reprice import reprice
from shared.rules.prices import RateCard
from shared.store import contacts, receipts
from shared.store.bodies import Bodies
from shared.store.erasing import bury
from shared.store.ledger import read_line
from shared.store.table import Table
from tests.builders import ANA_PHONE, later, sms
from tests.outbound import Office, key_of
from tests.streams import written

IN, OUT, OWN, FEE = 8_310, 11_825, 25, 3_500
CARD = RateCard.from_json(
    json.dumps(
        {
            "rates": [
                {
                    "name": "sms.outbound.failed",
                    "prefix": "*",
                    "usd": "0.001",
                    "effective_from": "2026-01-01",
                }
            ],
            "exchanges": [
                {"currency": "EUR", "usd": "1.1", "effective_from": "2026-01-01"},
                {"currency": "EUR", "usd": "1.2", "effective_from": "2026-11-21"},
            ],
        }
    )
)


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


@pytest.fixture
def key(office: Office) -> ReceiptKey:
    """A text that Twilio has accepted as `id-1`."""
    sent = office.answer(office.hub.receive(sms()).contact_id)
    office.deliver(key_of(sent))
    return key_of(sent)


def lines(table: Table) -> list[CostLine]:
    """The deltas in the table."""
    found = (read_line(item) for item in written(table) if item["type"] == "cost_line")
    return [line for line in found if line]


def total(table: Table) -> int:
    identity = contacts.get_identity(table, ANA_PHONE)
    assert identity
    assert identity.cost_by_channel == {"sms": identity.cost_micro_usd}
    return identity.cost_micro_usd


def price(office: Office, key: ReceiptKey, amount: str, currency: str = "USD") -> bool:
    return reprice(key, amount, currency, table=office.table, card=CARD, now=office.now)


def report(office: Office, key: ReceiptKey, state: str) -> None:
    said = StatusReport(provider="twilio", provider_id="id-1", state=state)
    apply_report(key, said, table=office.table, now=office.now)


def test_a_price_that_comes_late_takes_the_estimates_place_once(
    office: Office, key: ReceiptKey
) -> None:
    office.wait(hours=20)
    answers = [price(office, key, amount) for amount in ("", "", "-0.01660", "-0.01660")]
    assert answers == [False, False, True, False]
    assert total(office.table) == IN + 16_600 + FEE + OWN
    assert office.receipt(key).booked_micro_usd == 16_600 + FEE + OWN
    (line,) = lines(office.table)
    assert (line.cost.total_micro_usd, line.kind, line.actual) == (8_300, LineKind.PRICE, True)
    assert (line.native, line.at) == (Price("-0.01660", "USD"), later(hours=20))
    assert line.entry_at == key.at


def test_a_price_takes_two_reads_of_the_message_and_one_transaction(
    office: Office, key: ReceiptKey, aws_calls: list[str]
) -> None:
    aws_calls.clear()
    price(office, key, "-0.02")
    assert aws_calls == ["BatchGetItem", "GetItem", "TransactWriteItems"]
    aws_calls.clear()
    price(office, key, "-0.02")
    assert aws_calls == ["BatchGetItem"]


def test_a_price_as_estimated_is_noted_and_makes_no_line(office: Office, key: ReceiptKey) -> None:
    assert price(office, key, "-0.00830")
    assert not price(office, key, "-0.00830")
    assert lines(office.table) == []
    assert office.receipt(key).price == Price("-0.00830", "USD")
    assert total(office.table) == IN + OUT


def test_a_price_that_is_corrected_is_booked_by_its_difference(
    office: Office, key: ReceiptKey
) -> None:
    for amount in ("-0.0166", "-0.0100", "-0.0100"):
        price(office, key, amount)
    assert sorted(line.cost.total_micro_usd for line in lines(office.table)) == [-6_600, 8_300]
    assert total(office.table) == IN + 10_000 + FEE + OWN


def test_another_currency_is_kept_as_it_is_and_converted_once_half_to_even(
    office: Office, key: ReceiptKey
) -> None:
    assert price(office, key, "-0.0100005", "eur")  # 11 000.55 micro-USD
    (line,) = lines(office.table)
    assert line.native == Price("-0.0100005", "EUR")
    assert line.cost.rate == "exchange/EUR/2026-01-01"
    assert total(office.table) == IN + 11_001 + FEE + OWN
    office.wait(days=5)  # on another day the same bill is no other price
    assert not price(office, key, "-0.0100005", "EUR")
    assert CARD.convert(Price("0.0000005", "USD"), office.now) == (0, "")
    assert CARD.convert(Price("0.0000015", "USD"), office.now) == (2, "")
    assert CARD.convert(Price("1", "EUR"), office.now) == (1_200_000, "exchange/EUR/2026-11-21")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("NaN", "USD"), ("1e3", "USD"), ("-0,01", "USD"), ("-0.01", "XTS"), ("9" * 40, "USD")],
)
def test_what_is_no_price_is_refused_and_books_nothing(
    office: Office, key: ReceiptKey, amount: str, currency: str
) -> None:
    with pytest.raises(RejectedError):
        price(office, key, amount, currency)
    assert total(office.table) == IN + OUT


def test_a_message_that_fails_on_the_way_costs_the_failures_fee(
    office: Office, key: ReceiptKey
) -> None:
    report(office, key, "failed")
    report(office, key, "failed")
    assert total(office.table) == IN + 1_000 + OWN
    (line,) = lines(office.table)
    assert (line.kind, line.actual, line.cost.carrier_fee_micro_usd) == ("change", False, -FEE)


def test_a_failure_that_was_none_is_owed_again(office: Office, key: ReceiptKey) -> None:
    for state in ("failed", "delivered", "failed"):
        report(office, key, state)
    assert total(office.table) == IN + OUT
    assert sum(line.cost.total_micro_usd for line in lines(office.table)) == 0


@pytest.mark.parametrize("order", [("price", "failed"), ("failed", "price")])
def test_a_failures_real_price_is_the_same_before_and_after_the_report(
    office: Office, key: ReceiptKey, order: tuple[str, ...]
) -> None:
    for step in order:
        if step == "price":
            price(office, key, "-0.0012")
        else:
            report(office, key, "failed")
    assert total(office.table) == IN + 1_200 + OWN


def test_a_message_that_never_left_costs_nothing(office: Office) -> None:
    office.provider.answers = [Refused("21610", final=True)]
    key = key_of(office.answer(office.hub.receive(sms()).contact_id))
    office.deliver(key)
    assert total(office.table) == IN
    assert office.receipt(key).booked_micro_usd == 0
    (line,) = lines(office.table)
    assert (line.kind, line.cost.total_micro_usd) == ("void", -OUT)


def test_a_price_yields_to_whoever_moves_the_receipt_and_then_books(
    office: Office, key: ReceiptKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = receipts.save
    moved: list[bool] = []

    def moved_first(*given: object, **named: object) -> object:
        if not moved:
            moved.append(True)
            report(office, key, "delivered")
        return save(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(receipts, "save", moved_first)
    assert price(office, key, "-0.0166")
    assert office.receipt(key).state == "delivered"
    assert total(office.table) == IN + 16_600 + FEE + OWN


def test_a_price_for_a_message_that_is_gone_is_not_found(office: Office, key: ReceiptKey) -> None:
    with pytest.raises(NotFoundError):
        price(office, replace(key, entry_id="ent_other"), "-0.0166")


def test_a_price_for_somebody_who_is_being_erased_is_in_no_address_totals(
    office: Office, key: ReceiptKey
) -> None:
    erase.begin(office.table, key.home, set(), now=office.now, by="agent")
    address = office.table.address_key(ANA_PHONE)
    root = contacts.get_profile(office.table, key.home)
    bury(office.table, root, address, office.now)
    assert price(office, key, "-0.0166")
    (line,) = lines(office.table)
    assert line.address_key == ""

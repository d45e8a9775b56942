"""Carriers' fees by the day: over the estimates, once, and on nobody's account."""

import json
from datetime import date

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reconcile import handler
from shared.fees import book_fees
from shared.model.cost import Price
from shared.model.errors import RejectedError, UnavailableError
from shared.model.ledger import CostLine
from shared.providers.twilio import TwilioUsage
from shared.rate_card import rate_card
from shared.runtime.settings import ReconcileSettings
from shared.store import metering
from shared.store.bodies import Bodies
from shared.store.ledger import read_line
from shared.store.metering import Counted
from shared.store.table import Table
from tests.builders import NOW, later, sms
from tests.loopback import Reply, closed_url, provider
from tests.outbound import Office
from tests.streams import written
from tests.webhooks import ACCOUNT

DAY = NOW.date()


def lines(table: Table) -> list[CostLine]:
    found = (read_line(item) for item in written(table) if item["type"] in ("entry", "cost_line"))
    return [line for line in found if line]


def meter(table: Table, since: int = 0) -> int:
    """The stream has come this far."""
    new = lines(table)[since:]
    metering.add(table, f"shardId-{since}", [Counted(str(n), it) for n, it in enumerate(new)])
    return since + len(new)


@pytest.fixture
def metered(table: Table, bodies: Bodies) -> Table:
    """Two texts were sent: 7 000 micro-USD of carriers' fees are estimated."""
    office = Office(table, bodies)
    ana = office.hub.receive(sms()).contact_id
    office.answer(ana)
    office.answer(ana)
    meter(table)
    return table


def book(table: Table, amount: str, currency: str = "USD", days: int = 1) -> bool:
    return book_fees(
        DAY, Price(amount, currency), table=table, card=rate_card(), now=later(days=days)
    )


def test_a_days_fees_are_booked_once_over_their_estimates_and_again_when_they_change(
    metered: Table,
) -> None:
    told = [
        book(metered, amount, days=n) for n, amount in enumerate(("0.0081", "0.0081", "0.0060"))
    ]
    assert told == [True, False, True]
    fees = {line.id: line for line in lines(metered) if line.kind == "fees"}
    assert {name: line.cost.total_micro_usd for name, line in fees.items()} == {
        f"fees:{DAY}:1": 1_100,
        f"fees:{DAY}:2": -2_100,
    }
    assert {(it.home, it.address_key, it.actual) for it in fees.values()} == {
        ("unallocated", "", True)
    }


def test_fees_that_were_booked_are_no_estimates_of_their_day(metered: Table) -> None:
    assert book(metered, "0.0081", days=0)
    fees = [line for line in lines(metered) if line.kind == "fees"]
    metering.add(metered, "shardId-9", [Counted("1", line) for line in fees])
    assert metering.estimated_fees(metered, DAY) == 7_000
    assert not book(metered, "0.0081", days=0)
    assert metering.month_to_date(metered, "2026-11") == 8_310 + 2 * 11_825 + 1_100


def test_a_day_that_was_not_metered_has_no_difference(table: Table) -> None:
    assert not book(table, "0.0081")


def test_what_is_no_amount_is_refused(metered: Table) -> None:
    with pytest.raises(RejectedError):
        book(metered, "a lot")


# ---- Twilio's word


def usage(*prices: tuple[str, str]) -> Reply:
    rows = [{"category": "c", "price": price, "price_unit": unit} for price, unit in prices]
    return Reply(200, json.dumps({"usage_records": rows}).encode())


def test_texts_and_pictures_fees_are_one_amount_of_a_day() -> None:
    told = iter([usage(("0.14", "usd")), usage(("0.0115", "usd"))])
    with provider(lambda: next(told)) as twilio:
        fees = TwilioUsage(ACCOUNT, twilio.url).carrier_fees(date(2026, 11, 20))
    assert fees == Price("0.1515", "USD")
    asked = [request.path for request in twilio.requests]
    assert "Category=sms-messages-carrierfees&StartDate=2026-11-20&EndDate=2026-11-20" in asked[0]
    assert "Category=mms-messages-carrierfees" in asked[1]


def test_a_day_without_records_has_no_fees() -> None:
    with provider(usage()) as twilio:
        assert TwilioUsage(ACCOUNT, twilio.url).carrier_fees(DAY) is None


@pytest.mark.parametrize(
    "answer",
    [
        Reply(503, b""),
        Reply(200, b"[]"),
        Reply(200, b'{"usage_records": 1}'),
        Reply(200, b"[" * 100_000),
        Reply(200, b'{"usage_records": ["no row"]}'),
        Reply(200, b'{"usage_records": [{"price": "NaN", "price_unit": "usd"}]}'),
        Reply(200, b'{"usage_records": [{"price": "1e999999", "price_unit": "usd"}]}'),
        Reply(200, b'{"usage_records": [{"price": "x", "price_unit": "usd"}]}'),
        Reply(200, b'{"usage_records": [{"price": "1"}]}'),
        usage(("1", "usd"), ("1", "eur")),
    ],
)
def test_usage_that_cannot_be_relied_on_is_asked_for_again(answer: Reply) -> None:
    with provider(answer) as twilio, pytest.raises(UnavailableError):
        TwilioUsage(ACCOUNT, twilio.url).carrier_fees(DAY)


def test_a_twilio_that_is_away_is_asked_again() -> None:
    with pytest.raises(UnavailableError):
        TwilioUsage(ACCOUNT, closed_url()).carrier_fees(DAY)


def test_the_daily_run_books_the_fees_of_the_days_before(
    metered: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "reconcile")
    monkeypatch.setattr(handler, "now", lambda offset: later(days=1))
    monkeypatch.setattr(handler, "table", lambda: metered)
    monkeypatch.setattr(handler, "twilio_account", lambda secret: ACCOUNT)
    with provider(usage(("0.004", "usd"))) as twilio:
        told = {name: "" for name in ReconcileSettings.__dataclass_fields__}
        settings = ReconcileSettings(**{**told, "twilio_api_url": twilio.url})
        monkeypatch.setattr(handler, "settings", lambda: settings)
        for _ in range(2):
            handler.lambda_handler({"run": "fees"}, LambdaContext())
    (fees,) = [line for line in lines(metered) if line.id.startswith(f"fees:{DAY}")]
    assert fees.cost.total_micro_usd == 2 * 4_000 - 7_000

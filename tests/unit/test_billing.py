"""AWS's bill of a month: over what the ledger holds of it, once, and on nobody's account."""

import csv
import io

import pytest

from infrastructure.costs.statement import statement, write_csv
from shared.billing import book_bill, on_the_bill
from shared.model.cost import Price
from shared.model.errors import RejectedError
from shared.model.ledger import CostLine
from shared.rate_card import rate_card
from shared.store.bodies import Bodies
from shared.store.books import Books, read_books
from shared.store.table import Table
from tests.builders import later, mail, sms
from tests.outbound import Office

DECEMBER = later(days=13)


@pytest.fixture
def november(table: Table, bodies: Bodies) -> Table:
    """A text and a mail came, of 10 micro-USD each for AWS; SES took 8 300 for the mail."""
    office = Office(table, bodies)
    office.hub.receive(sms())
    office.hub.receive(mail())
    return table


def books(table: Table, month: str = "2026-11") -> Books:
    return read_books(table._client, table.name, month)


def book(table: Table, amount: str, days: int = 13) -> CostLine | None:
    held = sum(on_the_bill(books(table).lines.values()))
    price, now = Price(amount, "USD"), later(days=days)
    return book_bill("2026-11", price, held, table=table, card=rate_card(), now=now)


def test_what_is_billed_over_the_ledger_is_one_line_of_the_month_it_is_told_in(
    november: Table,
) -> None:
    line = book(november, "12.34")
    assert line
    assert line.cost.total_micro_usd == 12_340_000 - 8_320
    assert (line.home, line.kind, line.actual) == ("unallocated", "bill", True)
    assert list(books(november, "2026-12").lines.values()) == [line]
    assert line.id not in books(november).lines


def test_telling_it_again_books_nothing_and_another_amount_the_difference(november: Table) -> None:
    told = [book(november, it, days) for it, days in (("12.34", 13), ("12.34", 14), ("12", 50))]
    assert [line and line.cost.total_micro_usd for line in told] == [12_331_680, None, -340_000]
    assert sum(it.cost.total_micro_usd for it in books(november).bill.values()) == 11_991_680


def test_the_statement_says_what_of_the_bill_stands_where(november: Table) -> None:
    book(november, "12.34")
    text = statement(books(november), "2026-11", stack="hub", now=DECEMBER)
    bill = text[text.index("AWS's bill") :].splitlines()[2:7]
    assert [line.split()[-1] for line in bill] == [
        "0.000020",
        "0.008300",
        "12.331680",
        "---------",
        "12.340000",
    ]
    assert "booked in 2026-12" in bill[2]


def test_it_is_in_the_statement_and_the_csv_of_the_month_it_is_booked_in(november: Table) -> None:
    book(november, "12.34")
    december, file = books(november, "2026-12"), io.StringIO()
    text = statement(december, "2026-12", stack="hub", now=DECEMBER)
    shown = {line.split("  ")[1]: line.split()[-1] for line in text.splitlines() if "  " in line}
    assert shown["no contact's"] == shown["total"] == "12.331680"
    write_csv(december, "2026-12", file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    assert (row["kind"], row["own_usd"], row["billed_amount"]) == ("bill", "12.331680", "12.34")


def test_a_month_that_is_not_over_has_no_bill(november: Table) -> None:
    with pytest.raises(RejectedError, match="not over"):
        book(november, "1", days=0)


@pytest.mark.parametrize("amount", ["", "12,34", "a lot", "1e3", "NaN"])
def test_what_is_no_amount_is_refused(november: Table, amount: str) -> None:
    with pytest.raises(RejectedError):
        book(november, amount)


def test_a_bill_is_a_query_and_a_put(november: Table, aws_calls: list[str]) -> None:
    for _ in range(2):
        price = Price("1", "USD")
        book_bill("2026-11", price, 0, table=november, card=rate_card(), now=DECEMBER)
    assert aws_calls == ["Query", "PutItem", "Query"]

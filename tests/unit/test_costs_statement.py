"""`make costs`: a month's books as finance reads them, exact to the micro-dollar."""

import csv
import io
from collections.abc import Mapping

import pytest

from infrastructure.costs.statement import statement, table, usd, write_csv
from shared import merge
from shared.rate_card import rate_card
from shared.reprice import reprice
from shared.store.bodies import Bodies
from shared.store.books import Books, read_books
from shared.store.table import Table
from tests.builders import NOW, chat, later, mail, sms
from tests.outbound import Office, key_of


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    """Ana writes by text and mail, Bo by chat; a text to Ana is billed in November, one later."""
    made = Office(table, bodies)
    ana, other = made.hub.receive(sms()).contact_id, made.hub.receive(mail()).contact_id
    merge.merge(table, ana, other, merge.Decision(by="agent", reason="the same"), now=NOW)
    made.hub.receive(chat())
    for days in (1, 12):
        key = key_of(made.answer(ana, channel="sms"))
        made.deliver(key)
        now = later(days=days)
        reprice(key, "-0.0166", "USD", table=table, card=rate_card(), now=now)
    made.hub.receive(sms(received_at=later(days=12)), now=later(days=12))
    return made


def books(office: Office, month: str = "2026-11") -> Books:
    return read_books(office.table._client, office.table.name, month)


def rows(text: str) -> Mapping[str, list[str]]:
    """The statement's lines by their first word."""
    return {words[0]: words for words in map(str.split, text.splitlines()) if words}


def test_the_statement_sums_what_was_booked_in_the_month(office: Office) -> None:
    text = statement(books(office), "2026-11", stack="throughline", now=NOW)
    shown = rows(text)
    assert "so far" in text
    assert shown["total"] == [
        "total",
        "5",
        "0.048580",
        "0.000000",
        "0.000000",
        "0.008300",
        "0.056880",
    ]
    assert shown["email"] == [
        "email",
        "inbound",
        "1",
        "0.008310",
        "0.000000",
        "0.000000",
        "0.000000",
        "0.008310",
    ]
    assert shown["providers"][1:] == ["0.049800", "87.6", "%"]
    december = statement(books(office, "2026-12"), "2026-12", stack="throughline", now=NOW)
    assert rows(december)["total"][-1] == "0.016610"
    assert "so far" not in december


def test_merged_contacts_are_one_among_the_dearest(office: Office) -> None:
    text = statement(books(office), "2026-11", stack="throughline", now=NOW)
    dearest = text[text.index("dearest") :].splitlines()[2:4]
    assert [line.split()[1:] for line in dearest] == [
        ["sms", "4", "0.048570"],
        ["chat", "1", "0.008310"],
    ]
    assert rows(text)["contacts"][2] == "2"


def test_estimates_stand_against_bills_of_the_same_messages(office: Office) -> None:
    office.answer(next(iter(books(office).roots)), channel="sms")
    text = statement(books(office), "2026-11", stack="throughline", now=NOW)
    sent = text[text.index("sent messages") :].splitlines()[2]
    assert sent.split() == [
        "sms",
        "2",
        "of",
        "3",
        "0.016600",
        "0.033200",
        "0.016600",
        "+100.0",
        "%",
    ]


def test_the_csv_has_every_line_and_its_sum_is_the_statements(office: Office) -> None:
    file = io.StringIO()
    write_csv(books(office), "2026-11", file)
    lines = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert len(lines) == 6
    assert sum(int(line["total_usd"].replace(".", "")) for line in lines) == 56_880
    (billed,) = [line for line in lines if line["kind"] == "price"]
    assert (billed["billed_amount"], billed["actual"]) == ("-0.0166", "yes")
    assert len({line["contact"] for line in lines}) == 2


def test_an_empty_month_is_a_statement_too(office: Office) -> None:
    text = statement(books(office, "2020-01"), "2020-01", stack="throughline", now=NOW)
    assert rows(text)["total"][-1] == "0.000000"


@pytest.mark.parametrize(
    ("micro_usd", "places", "shown"),
    [(0, 6, "0.000000"), (-1, 6, "-0.000001"), (1_234_567, 6, "1.234567"), (1_235_000, 2, "1.24")],
)
def test_dollars_are_written_with_every_digit(micro_usd: int, places: int, shown: str) -> None:
    assert usd(micro_usd, places) == shown


def test_amounts_stand_under_one_another() -> None:
    assert table(["a", "USD"], [["x", "1.5"], ["total", "12.5"]], left=1, total=True) == (
        "  a       USD\n  -----  ----\n  x       1.5\n  -----  ----\n  total  12.5"
    )

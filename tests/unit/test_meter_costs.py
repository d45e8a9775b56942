"""Costs as metrics: one document an amount, by channel and direction, never by contact."""

import json
from typing import Any

import pytest

from functions.meter_costs import handler
from shared.model.sending import Refused
from shared.store.attributes import Item
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import mail, sms
from tests.outbound import Office, key_of
from tests.streams import record, written


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "meter_costs")


def metered(capsys: pytest.CaptureFixture[str], *items: Item) -> list[dict[str, Any]]:
    """The EMF documents that new items lead to."""
    capsys.readouterr()
    answer = handler.lambda_handler({"Records": [record(item) for item in items]}, None)
    assert answer == {"batchItemFailures": []}
    lines = capsys.readouterr().out.splitlines()
    return [line for line in map(json.loads, lines) if "_aws" in line]


def facts(table: Table) -> list[Item]:
    """What the stream's filter lets through."""
    return [item for item in written(table) if item["type"] in ("entry", "cost_line")]


def test_an_amount_is_one_document_whose_contact_is_no_dimension(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = Office(table, bodies).hub.receive(sms())
    (document,) = metered(capsys, *facts(table))
    (metrics,) = document["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "Throughline"
    assert metrics["Dimensions"] == [["channel", "direction"]]
    assert metrics["Metrics"] == [
        {"Name": "CostMicroUsd", "Unit": "None"},
        {"Name": "OwnCostMicroUsd", "Unit": "None"},
    ]
    del document["_aws"]
    assert document == {
        "channel": "sms",
        "direction": "inbound",
        "CostMicroUsd": [8_309.0],
        "OwnCostMicroUsd": [9.0],
        "fact_id": recorded.entry_id,
        "contact": recorded.contact_id,
        "entry": recorded.entry_id,
        "category": "sms.in",
        "micro_usd": 8_309,
        "own_micro_usd": 9,
    }


def test_documents_distinct_by_fact_sum_to_the_contacts_totals(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(table, bodies)
    contact = office.hub.receive(sms()).contact_id
    office.hub.receive(sms("x" * 5_000))
    office.deliver(key_of(office.answer(contact)))
    office.provider.answers = [Refused("21211", final=True)]
    office.deliver(key_of(office.answer(contact)))
    office.hub.receive(mail())
    documents = metered(capsys, *facts(table), *facts(table))
    amounts = {document["fact_id"]: document["micro_usd"] for document in documents}
    totals = [item["cost_total"] for item in written(table) if item["type"] == "identity"]
    assert len(documents) == 2 * len(amounts) == 2 * 6
    assert sum(amounts.values()) == sum(totals)
    assert min(amounts.values()) == -11_822


def test_what_costs_nothing_and_what_a_split_has_moved_is_no_amount(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    Office(table, bodies).hub.receive(sms())
    (entry,) = facts(table)
    note = {name: value for name, value in entry.items() if name != "cost"}
    assert metered(capsys, note, entry | {"moved": True}) == []


def test_an_amount_that_cannot_be_read_is_counted_and_blocks_nobody(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    Office(table, bodies).hub.receive(sms())
    (entry,) = facts(table)
    names = [
        document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]
        for document in metered(capsys, entry | {"cost": {"provider": 1}}, entry)
    ]
    assert names == ["AmountsUnreadable", "CostMicroUsd"]

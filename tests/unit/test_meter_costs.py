"""Costs as metrics: one document an amount, by channel and direction, never by contact."""

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from functions.meter_costs import handler, responses
from shared import merge
from shared.model.errors import UnavailableError
from shared.model.sending import Refused
from shared.rules.business_hours import Calendar
from shared.rules.response import ServiceLevel
from shared.store import metering
from shared.store.attributes import Item
from shared.store.bodies import Bodies
from shared.store.stream import Record
from shared.store.table import Table
from tests.builders import NOW, chat, later, mail, sms
from tests.conftest import BUCKET, REGION
from tests.outbound import Office, key_of
from tests.streams import record, written

GAUGE = "MonthToDateCost"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, table: Table) -> None:
    monkeypatch.setattr(handler, "table", lambda: table)
    nothing = ServiceLevel.parse(
        Calendar.parse("always", "UTC"), first_minutes="0", next_minutes="0"
    )
    monkeypatch.setattr(responses, "level", lambda: nothing)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "meter_costs")
    told = SimpleNamespace(content_bucket=BUCKET)
    monkeypatch.setattr(handler, "settings", lambda: told)


def metered(capsys: pytest.CaptureFixture[str], *items: Item) -> list[dict[str, Any]]:
    """The EMF documents that new items lead to."""
    return batch(capsys, [record(item) for item in items])


def batch(
    capsys: pytest.CaptureFixture[str], records: Sequence[Record], shard: str = ""
) -> list[dict[str, Any]]:
    """The EMF documents that one invocation leads to, without its counts."""
    return [each for each in whole_batch(capsys, records, shard) if not is_count(each)]


def whole_batch(
    capsys: pytest.CaptureFixture[str], records: Sequence[Record], shard: str = "shardId-1"
) -> list[dict[str, Any]]:
    """The EMF documents that one invocation leads to."""
    capsys.readouterr()
    event = {"Records": records, **({"shardId": shard} if shard else {})}
    answer = handler.lambda_handler(event, None)
    assert answer == {"state": {}, "batchItemFailures": []}
    lines = capsys.readouterr().out.splitlines()
    return [line for line in map(json.loads, lines) if "_aws" in line]


def is_count(document: dict[str, Any]) -> bool:
    return bool({"ContactsServed", "ConversationsOpened", GAUGE} & document.keys())


def counts(documents: list[dict[str, Any]]) -> dict[str, int]:
    """What a batch says beside its amounts."""
    found: dict[str, int] = {}
    for document in documents:
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            if is_count(document):
                assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
                found[metric["Name"]] = document[metric["Name"]][0]
    if GAUGE in found:
        (document,) = filter(is_count, documents)
        assert found[GAUGE] * 1_000_000 == pytest.approx(document["month_to_date_micro_usd"])
        found[GAUGE] = document["month_to_date_micro_usd"]
    return found


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
        "CostMicroUsd": [8_310.0],
        "OwnCostMicroUsd": [10.0],
        "fact_id": recorded.entry_id,
        "contact": recorded.contact_id,
        "entry": recorded.entry_id,
        "kind": "estimate",
        "category": "sms.in",
        "micro_usd": 8_310,
        "own_micro_usd": 10,
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
    assert min(amounts.values()) == -11_825


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


def test_a_record_that_was_parked_counts_once_when_it_can_be_read(
    table: Table, bodies: Bodies
) -> None:
    Office(table, bodies).hub.receive(sms())
    (entry,) = facts(table)
    broken, mended = record(entry | {"cost": {"provider": 1}}), record(entry)
    handler.lambda_handler({"Records": [broken]}, None)
    s3 = boto3.client("s3", region_name=REGION)
    (found,) = s3.list_objects_v2(Bucket=BUCKET, Prefix="parked/amounts/")["Contents"]
    kept = json.load(s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"])
    assert handler.lambda_handler({"replay": kept["content"]}, None) == {"failed": kept["reason"]}
    for _ in range(2):
        assert handler.lambda_handler({"replay": mended}, None) == {"failed": ""}
    assert metering.month_to_date(table, "2026-11") == 8_310


def test_a_correction_is_a_metric_of_its_own(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(table, bodies)
    office.provider.answers = [Refused("21211", final=True)]
    office.deliver(key_of(office.answer(office.hub.receive(sms()).contact_id)))
    void = [it for it in metered(capsys, *facts(table)) if it["kind"] == "void"]
    assert [it["CorrectionMicroUsd"] for it in void] == [[-11_825.0]]


# ---- what a batch comes to


def test_a_contact_is_served_once_a_month_whoever_it_was_merged_from(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Office(table, bodies).hub
    ana, other = hub.receive(sms()).contact_id, hub.receive(mail()).contact_id
    merge.merge(table, ana, other, merge.Decision(by="agent", reason="the same"), now=NOW)
    hub.receive(chat())
    entries = [record(item) for item in facts(table)]
    seen = [counts(whole_batch(capsys, it)).get("ContactsServed", 0) for it in (entries, entries)]
    assert seen == [2, 0]
    hub.receive(sms(received_at=later(days=20)), now=later(days=20))
    december = [record(it) for it in facts(table) if it["received_at"].startswith("2026-12")]
    assert counts(whole_batch(capsys, december))["ContactsServed"] == 1
    assert counts(whole_batch(capsys, entries)).get("ContactsServed", 0) == 0


def test_a_new_conversation_is_counted(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    Office(table, bodies).hub.receive(sms())
    inserted = [record(it) for it in written(table) if it["type"] in ("entry", "conversation")]
    assert counts(whole_batch(capsys, inserted))["ConversationsOpened"] == 1


def test_the_months_sum_counts_every_amount_once_however_batches_repeat(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Office(table, bodies).hub
    for _ in range(8):
        hub.receive(sms())
    records = [record(item) for item in facts(table)]
    shown = [
        counts(whole_batch(capsys, records[start:end], shard))[GAUGE]
        for start, end, shard in (
            (0, 3, "shardId-1"),
            (0, 3, "shardId-1"),  # the answer was lost
            (2, 5, "shardId-1"),  # the reader began anew, and cut its batches otherwise
            (1, 2, "shardId-1"),
            (5, 8, "shardId-2"),
        )
    ]
    assert [amount // 8_310 for amount in shown] == [3, 3, 5, 5, 8]
    assert metering.month_to_date(table, "2026-11") == 8 * 8_310


def test_each_month_has_its_own_sum_and_each_day_its_estimated_fees(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(table, bodies)
    ana = office.hub.receive(sms()).contact_id
    office.answer(ana)
    office.wait(days=12)
    office.answer(ana)
    whole_batch(capsys, [record(item) for item in facts(table)])
    sums = [metering.month_to_date(table, month) for month in ("2026-11", "2026-12", "2027-01")]
    assert sums == [8_310 + 11_825, 11_825, 0]
    fees = [
        metering.estimated_fees(table, at.date()) for at in (NOW, later(days=12), later(days=1))
    ]
    assert fees == [3_500, 3_500, 0]


def test_a_batch_whose_shard_is_not_told_has_no_sum(
    table: Table, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sum for several shards could not tell what it has counted."""
    Office(table, bodies).hub.receive(sms())
    told = counts(whole_batch(capsys, [record(item) for item in facts(table)], shard=""))
    assert GAUGE not in told


def test_the_end_of_a_window_is_answered_and_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert whole_batch(capsys, []) == []


def test_a_profile_that_is_busy_is_waited_for(
    table: Table,
    bodies: Bodies,
    capsys: pytest.CaptureFixture[str],
    refuse_transactions: Callable[[int], None],
) -> None:
    Office(table, bodies).hub.receive(sms())
    records = [record(item) for item in facts(table)]
    refuse_transactions(2)
    assert counts(whole_batch(capsys, records)) == {"ContactsServed": 1, GAUGE: 8_310}
    refuse_transactions(2)
    other = [record(item) for item in facts(table)]
    assert counts(whole_batch(capsys, other)) == {GAUGE: 2 * 8_310}
    refuse_transactions(99)
    with pytest.raises(UnavailableError):
        whole_batch(capsys, [record(item) for item in facts(table)])

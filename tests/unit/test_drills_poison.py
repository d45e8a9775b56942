"""A drill: in every queue and at both readers of the stream lies something nobody can process."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from shared.model.identity import Address, IdentityKind
from shared.store import contacts
from tests.faults.scenarios.scenario import call
from tests.running import Running, running
from tests.template import QUEUES
from tests.world import World

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # where the numbers are
PHONE = "+14155550101"
POISON = '{"detail": "nobody can make anything of this"}'
SOURCES = sorted(name for name in QUEUES if "DeadLetter" not in name)


@pytest.fixture
def run() -> Iterator[Running]:
    with running(NOON) as made:
        yield made


def parked(run: Running) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="content", Prefix="parked/")
    return [it["Key"] for it in found.get("Contents", [])]


def test_in_every_queue_the_poison_ends_in_the_dead_letters_and_the_rest_goes_through(
    run: Running,
) -> None:
    assert run.text(1, PHONE) == 200
    run.turn()
    (home,) = World.of(run.account.table).profiles
    answer = {"channel": "sms", "text": "It left."}
    for queue in SOURCES:
        run.put(queue, POISON)
    assert call(run.account, "POST", f"/v1/contacts/{home}/messages", answer)["statusCode"] == 202
    run.mail(1, "ana@example.org")
    run.minutes(6)
    assert {name: bodies for name, bodies in run.dead.items() if bodies} == {
        queue: [POISON] for queue in SOURCES
    }
    assert [send[:2] for send in run.account.providers.sent][0] == ("twilio", PHONE)
    assert contacts.get_identity(run.account.table, Address(IdentityKind.EMAIL, "ana@example.org"))


def broken(record: dict[str, Any]) -> dict[str, Any]:
    """An item that no version of ours has written."""
    made = deepcopy(record)
    made["dynamodb"]["NewImage"] |= {"channel": {"S": "smoke signals"}}
    return made


def test_at_both_readers_of_the_stream_the_poison_is_parked_and_the_rest_goes_through(
    run: Running,
) -> None:
    assert run.text(1, PHONE) == 200
    records = run.account.records
    entry = next(it for it in records if it["dynamodb"]["NewImage"]["type"] == {"S": "entry"})
    records.insert(
        0, {**broken(entry), "dynamodb": {**broken(entry)["dynamodb"], "SequenceNumber": "0"}}
    )
    run.turn()
    assert parked(run) == ["parked/amounts/0.json", "parked/events/0.json"]
    assert [event["detail-type"] for event in run.archive].count("EntryRecorded") == 1
    assert run.account.printed.getvalue().count('"fact_id"') == 1


def test_what_was_parked_of_somebody_who_was_erased_since_comes_back_by_no_replay(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.text(1, PHONE) == 200
    run.account.wait(minutes=1)

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError

    with monkeypatch.context() as defect:
        defect.setattr("functions.inbound_sms.handler.receive", fail)
        assert run.text(2, PHONE) == 200
    (home,) = World.of(run.account.table).profiles
    assert call(run.account, "DELETE", f"/v1/contacts/{home}")["statusCode"] == 202
    run.minutes(2)
    assert World.of(run.account.table).erased == {home}
    (key,) = parked(run)
    kept = json.load(boto3.client("s3").get_object(Bucket="content", Key=key)["Body"])
    before = World.of(run.account.table).items
    answer = run.account.invoke("inbound_sms", {"replay": kept["content"]})
    assert answer == {"failed": ""}
    assert World.of(run.account.table).items == before

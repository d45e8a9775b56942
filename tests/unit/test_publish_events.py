"""From the table's stream to the bus: what was stamped, once each, nothing lost or held up."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import jsonschema
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.publish_events import handler
from infrastructure.event_schemas import DIRECTORY
from shared import erase
from shared.join import join
from shared.merge import Decision, merge, undo
from shared.model.conversation import State
from shared.model.due import Wait
from shared.model.entry import Author, AuthorType
from shared.model.errors import UnavailableError
from shared.model.events import EVENTS
from shared.model.identity import Address, IdentityKind
from shared.model.sending import Refused
from shared.providers.eventbridge import Bus
from shared.publish import publish
from shared.split import move, split
from shared.store import conversations, waits
from shared.store.attributes import Item
from shared.store.bodies import Bodies
from shared.store.objects import Objects
from shared.store.parking import Parking
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.conftest import BUCKET, REGION
from tests.outbound import Office, key_of
from tests.streams import record, written


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "PutEvents")


@dataclass
class Events:
    """EventBridge's client as far as the bus needs it; `answer` decides on each entry."""

    answer: Callable[[dict[str, Any]], str] = lambda entry: ""
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.requests.append(Entries)
        codes = [self.answer(entry) for entry in Entries]
        self.taken += [e for e, code in zip(Entries, codes, strict=True) if not code]
        return {
            "FailedEntryCount": sum(map(bool, codes)),
            "Entries": [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes],
        }

    @property
    def ids(self) -> list[str]:
        return [json.loads(entry["Detail"])["metadata"]["id"] for entry in self.taken]


@pytest.fixture
def parked(aws: None) -> Callable[[], dict[str, Any]]:
    """What has been parked, by key."""
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=BUCKET)

    def read() -> dict[str, Any]:
        found = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {
            it["Key"]: json.load(client.get_object(Bucket=BUCKET, Key=it["Key"])["Body"])
            for it in found
        }

    return read


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.providers.eventbridge.sleep", lambda seconds: None)


def parking() -> Parking:
    return Parking(lambda: boto3.client("s3", region_name=REGION), BUCKET)


def relay(client: Events, *records: dict[str, Any]) -> Any:
    return publish(records, bus=Bus(client, "throughline"), parking=parking())  # type: ignore[arg-type]


def resolved(number: int, **fields: Any) -> Item:
    """A conversation's item that announces its end."""
    return {
        "PK": f"CONVERSATION#cnv_{number}",
        "SK": "CONVERSATION",
        "type": "conversation",
        "id": f"cnv_{number}",
        "home": "ctc_1",
        "reference": "7Q4K2M",
        "state": "resolved",
        "opened_at": "2026-11-20T12:00:00.000Z",
        "last_activity_at": "2026-11-20T12:00:00.000Z",
        "resolved_at": "2026-11-20T13:00:00.000Z",
        "revision": 2,
        "change": {
            "events": ["ConversationResolved"],
            "cause": "agent:a",
            "correlation": "request",
            "depth": 0,
            "by": "a",
        },
        **fields,
    }


# ---- what is published


def test_everything_the_product_stamps_is_published_as_an_event_with_a_schema(
    table: Table, bodies: Bodies
) -> None:
    office = Office(table, bodies)
    hub = office.hub
    published: set[str] = set()

    def take() -> None:
        client = Events()
        assert relay(client, *(record(item) for item in written(table))).parked == 0
        for entry in client.taken:
            published.add(entry["DetailType"])
            schema = (DIRECTORY / f"{entry['DetailType']}.json").read_text()
            jsonschema.validate(json.loads(entry["Detail"]), json.loads(schema))

    ana = hub.receive(mail())
    take()
    hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    office.provider.answers = [Refused("21211", final=True)]
    office.deliver(key_of(office.answer(ana.contact_id, "a long answer " * 100)))
    take()
    other = hub.receive(mail(subject="Another matter")).conversation_id
    conversations.change(table, hub.conversation(other), now=NOW, by="a", assignee="bo")
    take()
    conversations.change(table, hub.conversation(other), now=NOW, by="a", state=State.PENDING)
    take()
    third = hub.receive(mail(subject="A third matter")).conversation_id
    join(table, other, third, author=Author(AuthorType.AGENT, "a"), reason="one", now=NOW)
    take()
    waiting = hub.conversation(other)
    assert waiting.waiting_since
    wait = Wait(conversation_id=other, home=waiting.home, since=waiting.waiting_since, until=NOW)
    waits.begin(table, wait)
    waits.breach(table, waiting, wait, now=NOW)
    take()
    hub.resolve(other, now=later(hours=1))
    take()
    bo = hub.receive(sms("STOP", sender=Address(IdentityKind.PHONE, "+14155550102")))
    take()
    merged = merge(table, ana.contact_id, bo.contact_id, Decision(by="a", reason="same"), now=NOW)
    take()
    undo(table, merged.id, Decision(by="a", reason="not the same"), now=NOW)
    take()
    number = split(table, ana.contact_id, ANA_PHONE, Decision(by="a", reason="his"), now=NOW)
    take()
    assert move(table, number.id, now=NOW)
    erase.begin(table, ana.contact_id, frozenset(), by="a", now=NOW)
    objects = Objects(lambda: boto3.client("s3", region_name=REGION), BUCKET)
    erase.finish(table, ana.contact_id, content=objects, mails=objects, now=NOW)
    take()
    assert published == {event.__name__ for event in EVENTS}


def test_an_event_says_what_happened_in_ids_and_facts(table: Table, bodies: Bodies) -> None:
    recorded = Office(table, bodies).hub.receive(sms("where is it?", sid="SM1"))
    client = Events()
    relay(client, *(record(item) for item in written(table) if item["type"] == "entry"))
    (entry,) = client.taken
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
        "throughline",
        "throughline",
        "EntryRecorded",
    )
    assert json.loads(entry["Detail"]) == {
        "metadata": {
            "id": f"EntryRecorded:{recorded.entry_id}",
            "source": "throughline",
            "specversion": "1.0",
            "type": "EntryRecorded",
            "time": "2026-11-20T12:00:00.000Z",
            "correlation": recorded.entry_id,
            "depth": 0,
            "cause": "delivery:twilio",
        },
        "entry_id": recorded.entry_id,
        "home_contact_id": recorded.contact_id,
        "conversation_id": recorded.conversation_id,
        "kind": "message",
        "channel": "sms",
        "direction": "inbound",
        "trust": "verified",
        "automatic": False,
        "opens_conversation": True,
        "author_type": "customer",
        "address_kind": "phone",
        "occurred_at": "2026-11-20T12:00:00.000Z",
        "status": "",
        "files_elsewhere": False,
    }


def test_the_same_write_twice_gives_the_same_event_ids(table: Table, bodies: Bodies) -> None:
    Office(table, bodies).hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    first, second = Events(), Events()
    for client in (first, second):
        relay(client, *(record(item) for item in written(table)))
    assert first.ids == second.ids
    assert len(set(first.ids)) == len(first.ids)


def test_a_write_that_repeats_the_change_before_it_announces_nothing() -> None:
    client = Events()
    again = resolved(1, subject="renamed")
    relay(client, record(again, resolved(1)), record(None, resolved(1)))
    assert client.requests == []
    relay(client, record(resolved(1, revision=3), resolved(1)))
    assert client.ids == ["ConversationResolved:cnv_1:3"]


# ---- when the bus does not take it


def test_events_go_out_ten_at_a_time_in_order() -> None:
    client = Events()
    done = relay(client, *(record(resolved(n)) for n in range(25)))
    assert [len(request) for request in client.requests] == [10, 10, 5]
    assert client.ids == [f"ConversationResolved:cnv_{n}:2" for n in range(25)]
    assert (done.events, done.stopped_at) == (25, "")


def test_a_request_stays_below_a_megabyte() -> None:
    client = Events()
    relay(client, *(record(resolved(n, assignee="a" * 300_000)) for n in range(5)))
    assert [len(request) for request in client.requests] == [3, 2]


def test_only_the_entries_that_failed_are_sent_again() -> None:
    failed: list[str] = []

    def answer(entry: dict[str, Any]) -> str:
        if "cnv_3:" in entry["Detail"] and len(failed) < 2:
            failed.append(entry["Detail"])
            return "ThrottlingException"
        return ""

    client = Events(answer)
    relay(client, *(record(resolved(n)) for n in range(10)))
    assert [len(request) for request in client.requests] == [10, 1, 1]
    assert sorted(client.ids) == [f"ConversationResolved:cnv_{n}:2" for n in range(10)]


def test_what_the_bus_will_never_take_is_parked_whole_with_the_reason_and_the_rest_goes_on(
    parked: Callable[[], dict[str, Any]],
) -> None:
    client = Events(lambda entry: "MalformedDetail" if "cnv_1:" in entry["Detail"] else "")
    records = [record(resolved(n)) for n in range(3)]
    assert relay(client, *records).parked == 1
    assert client.ids == ["ConversationResolved:cnv_0:2", "ConversationResolved:cnv_2:2"]
    number = records[1]["dynamodb"]["SequenceNumber"]
    assert parked() == {
        f"parked/events/{number}.json": {"reason": "MalformedDetail", "content": records[1]}
    }


def test_a_request_refused_as_a_whole_is_sent_one_by_one(
    parked: Callable[[], dict[str, Any]],
) -> None:
    def answer(entry: dict[str, Any]) -> str:
        if "cnv_1:" in entry["Detail"]:
            raise refused("ValidationException")
        return ""

    client = Events(answer)
    assert relay(client, *(record(resolved(n)) for n in range(3))).parked == 1
    assert set(client.ids) >= {"ConversationResolved:cnv_0:2", "ConversationResolved:cnv_2:2"}
    assert len(parked()) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "nonsense"},
        {"home": None},
        {"type": "unheard-of"},
        {"opened_at": "yesterday"},
        {
            "change": {
                "events": ["NeverHeardOf"],
                "cause": "",
                "correlation": "",
                "depth": 0,
                "by": "",
            }
        },
        {"change": {"depth": 0}},
    ],
    ids=str,
)
def test_a_record_that_cannot_be_read_is_parked_and_blocks_nobody(
    parked: Callable[[], dict[str, Any]], broken: dict[str, Any]
) -> None:
    client = Events()
    done = relay(client, record(resolved(0)), record(resolved(1, **broken)), record(resolved(2)))
    assert client.ids == ["ConversationResolved:cnv_0:2", "ConversationResolved:cnv_2:2"]
    assert (done.parked, done.stopped_at) == (1, "")
    (kept,) = parked().values()
    assert kept["content"]["dynamodb"]["NewImage"]["id"] == {"S": "cnv_1"}


def test_a_bus_that_is_down_raises_so_that_all_of_it_comes_again() -> None:
    def down(entry: dict[str, Any]) -> str:
        raise EndpointConnectionError(endpoint_url="https://events")

    with pytest.raises(UnavailableError):
        relay(Events(down), record(resolved(1)))
    with pytest.raises(UnavailableError):
        relay(Events(lambda entry: "InternalFailure"), record(resolved(1)))
    with pytest.raises(UnavailableError):
        relay(Events(lambda entry: "AccessDeniedException"), record(resolved(1)))


def test_a_bus_that_goes_down_midway_stops_at_the_first_record_it_did_not_take() -> None:
    def answer(entry: dict[str, Any]) -> str:
        return "InternalFailure" if len(client.taken) >= 10 else ""

    client = Events(answer)
    records = [record(resolved(n)) for n in range(25)]
    done = relay(client, *records)
    assert (done.events, done.stopped_at) == (10, records[10]["dynamodb"]["SequenceNumber"])


def test_a_record_that_can_neither_be_read_nor_parked_comes_again(aws: None) -> None:
    with pytest.raises(UnavailableError):
        relay(Events(), record(resolved(1, state="nonsense")))


# ---- the function


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Callable[[Events], Any]:
    monkeypatch.setenv("BUS_NAME", "throughline")
    monkeypatch.setenv("CONTENT_BUCKET", BUCKET)
    monkeypatch.setenv("CLOCK_OFFSET", "")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    handler.settings.cache_clear()

    def call(client: Events, *records: dict[str, Any]) -> Any:
        monkeypatch.setattr(handler, "bus", lambda: Bus(client, "throughline"))  # type: ignore[arg-type]
        return handler.lambda_handler({"Records": list(records)}, None)

    return call


def test_the_function_answers_with_the_first_record_that_has_to_come_again(
    function: Callable[..., Any],
) -> None:
    client = Events(lambda entry: "InternalFailure" if len(client.taken) >= 10 else "")
    records = [record(resolved(n)) for n in range(12)]
    number = records[10]["dynamodb"]["SequenceNumber"]
    assert function(client, *records) == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert function(Events(), *records) == {"batchItemFailures": []}


def test_the_function_counts_what_it_parked(
    function: Callable[..., Any],
    parked: Callable[[], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    function(Events(), record(resolved(1, state="nonsense")))
    assert len(parked()) == 1
    assert "EventsParked" in capsys.readouterr().out

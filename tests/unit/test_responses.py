"""How long customers wait for an answer, by the business clock, and what is promised to them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.meter_costs import handler, responses
from shared.join import join
from shared.model.due import Task, Wait
from shared.model.entry import Author, AuthorType, Channel
from shared.model.errors import UnavailableError
from shared.rules.business_hours import Calendar
from shared.rules.response import ServiceLevel
from shared.service_level import breach
from shared.store import due, keys, waits
from shared.store.attributes import Item
from shared.store.bodies import Bodies
from shared.store.stream import announced
from shared.store.table import Table
from tests.builders import NOW, chat, later, mail, sms
from tests.outbound import Office
from tests.streams import record
from tests.template import TEMPLATE

ALWAYS = Calendar.parse("always", "UTC")
IN_AN_HOUR = ServiceLevel(calendar=ALWAYS, first=timedelta(hours=1), next=timedelta(hours=2))


class Desk(Office):
    """An office whose conversations the meter follows, write by write."""

    def __init__(self, table: Table, bodies: Bodies) -> None:
        super().__init__(table, bodies)
        self.seen: dict[str, Item] = {}
        self.records: list[dict[str, Any]] = []

    def meter(self, conversation_id: str) -> list[dict[str, Any]]:
        """The stream brings the conversation's last write; the records so far."""
        new = self.table.get(keys.conversation(conversation_id))
        self.records.append(record(new, self.seen.get(conversation_id)))
        assert new
        self.seen[conversation_id] = new
        return self.records

    def receive(self, message: Any) -> str:
        conversation_id = self.hub.receive(message, now=self.now).conversation_id
        self.meter(conversation_id)
        return conversation_id

    def reply(self, conversation_id: str, **fields: Any) -> None:
        home = self.hub.conversation(conversation_id).home
        self.answer(home, conversation_id=conversation_id, **fields)
        self.meter(conversation_id)

    def tasks(self) -> list[Task]:
        return [task for task in due.ready(self.table, self.now) if isinstance(task, Task)]


@pytest.fixture
def desk(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "meter_costs")
    monkeypatch.setattr(handler, "table", lambda: table)
    monkeypatch.setattr(responses, "level", lambda: IN_AN_HOUR)
    return Desk(table, bodies)


def metered(
    desk: Desk, capsys: pytest.CaptureFixture[str], records: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The EMF documents that all writes so far lead to; they are then forgotten."""
    capsys.readouterr()
    answer = handler.lambda_handler({"Records": records or desk.records}, None)
    assert answer["batchItemFailures"] == []
    desk.records = []
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if "ConversationsOpened" not in line]


def test_the_first_and_the_next_answer_are_measured_by_the_channel_of_the_question(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(chat())
    desk.wait(minutes=1)
    desk.receive(chat("are you there?"))
    desk.wait(minutes=4)
    desk.reply(conversation)
    desk.reply(conversation)
    desk.wait(minutes=10)
    desk.receive(chat("and now?"))
    desk.wait(minutes=2)
    desk.reply(conversation)
    first, following = metered(desk, capsys)
    assert first["FirstResponseSeconds"] == [300.0]
    assert following["NextResponseSeconds"] == [120.0]
    assert first["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "Throughline",
            "Dimensions": [["channel"]],
            "Metrics": [{"Name": "FirstResponseSeconds", "Unit": "Seconds"}],
        }
    ]
    assert (first["channel"], first["conversation"]) == ("chat", conversation)
    assert first["fact_id"] != following["fact_id"]


def test_what_machines_write_neither_begins_nor_ends_a_wait(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(mail())
    desk.wait(minutes=3)
    desk.reply(conversation, automatic=True)
    assert metered(desk, capsys) == []
    assert desk.hub.conversation(conversation).waiting_since == NOW
    desk.wait(minutes=3)
    desk.reply(conversation)
    (document,) = metered(desk, capsys)
    assert document["FirstResponseSeconds"] == [360.0]
    away = mail(automatic=True, references=("mail@x",))
    desk.receive(away)
    assert desk.hub.conversation(conversation).waiting_since is None


def test_resolving_without_an_answer_is_no_answer(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(sms())
    desk.hub.resolve(conversation, now=later(minutes=5))
    desk.meter(conversation)
    assert metered(desk, capsys) == []
    assert desk.hub.conversation(conversation).waiting_since is None


def test_only_business_hours_are_waited(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked on Friday at noon, answered on Monday at ten."""
    office = Calendar.parse("mon-fri 09:00-17:00", "UTC")
    level = ServiceLevel(calendar=office, first=timedelta(hours=1), next=timedelta())
    monkeypatch.setattr(responses, "level", lambda: level)
    conversation = desk.receive(sms())
    desk.wait(hours=70)
    desk.reply(conversation)
    (document,) = metered(desk, capsys)
    assert document["FirstResponseSeconds"] == [6 * 3600.0]


# ---- promises


def test_an_answer_in_time_is_never_asked_for(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(sms())
    metered(desk, capsys)
    desk.wait(minutes=59)
    assert desk.tasks() == []
    desk.reply(conversation)
    metered(desk, capsys)
    desk.wait(hours=5)
    assert desk.tasks() == []


def test_a_timer_costs_one_write_where_a_wait_begins_and_one_where_it_ends(
    desk: Desk, capsys: pytest.CaptureFixture[str], aws_calls: list[str]
) -> None:
    conversation = desk.receive(sms())
    desk.receive(sms("are you there?"))
    aws_calls.clear()
    metered(desk, capsys)
    assert aws_calls == ["PutItem"]
    desk.reply(conversation)
    aws_calls.clear()
    metered(desk, capsys)
    assert aws_calls == ["DeleteItem"]


def test_a_question_still_waits_when_its_conversation_is_joined_to_another(desk: Desk) -> None:
    asked = desk.receive(mail())
    other = desk.receive(mail(subject="Something else"))
    desk.reply(other)
    join(
        desk.table,
        other,
        asked,
        author=Author(AuthorType.AGENT, "agent"),
        reason="one matter",
        now=desk.now,
    )
    joined = desk.hub.conversation(asked)
    assert (joined.id, joined.waiting_since, joined.waiting_on) == (other, NOW, "agent")


def test_a_promise_that_is_broken_is_announced_once(
    desk: Desk, capsys: pytest.CaptureFixture[str], aws_calls: list[str]
) -> None:
    conversation = desk.receive(sms())
    metered(desk, capsys)
    desk.wait(hours=1)
    (task,) = desk.tasks()
    aws_calls.clear()
    breach(desk.table, task, now=desk.now)
    assert aws_calls == ["GetItem", "GetItem", "TransactWriteItems"]
    desk.meter(conversation)
    breach(desk.table, task, now=desk.now)
    (event,) = announced(desk.records[-1])
    assert event.metadata.id == f"SlaBreached:{conversation}:2026-11-20T12:00:00.000Z"
    assert (event.channel, event.first) == (Channel.SMS, True)  # type: ignore[attr-defined]
    (document,) = metered(desk, capsys)
    assert document["SlaBreaches"] == [1.0]
    assert desk.tasks() == []
    desk.receive(sms("hello?"))
    assert metered(desk, capsys) == []
    desk.wait(hours=9)
    assert desk.tasks() == []
    desk.reply(conversation)
    assert desk.hub.conversation(conversation).breached_at is None


def test_a_timer_of_a_question_that_was_answered_breaks_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sweep reads its index late, or the meter has not come to the answer yet."""
    conversation = desk.receive(sms())
    metered(desk, capsys)
    desk.wait(hours=1)
    (task,) = desk.tasks()
    desk.reply(conversation)
    breach(desk.table, task, now=desk.now)
    assert desk.tasks() == []
    assert desk.hub.conversation(conversation).breached_at is None


def test_writes_that_come_twice_leave_the_timer_of_the_newest_question(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(sms())
    desk.wait(minutes=10)
    desk.reply(conversation)
    desk.wait(minutes=10)
    desk.receive(sms("one more thing"))
    records = list(desk.records)
    metered(desk, capsys)
    metered(desk, capsys, records)
    wait = waits.find(desk.table, desk.hub.conversation(conversation).home, conversation)
    assert wait
    assert wait.since == later(minutes=20)
    assert wait.until == later(minutes=20) + IN_AN_HOUR.next


def test_a_conversation_that_is_gone_takes_its_timer_along(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = desk.receive(sms())
    metered(desk, capsys)
    desk.wait(hours=1)
    (task,) = desk.tasks()
    at = keys.conversation(conversation)
    desk.table._client.delete_item(
        TableName=desk.table.name, Key={"PK": {"S": at.pk}, "SK": {"S": at.sk}}
    )
    breach(desk.table, task, now=desk.now)
    assert desk.tasks() == []


def test_a_timer_that_cannot_be_set_brings_its_batch_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.receive(sms())
    broken = Table(desk.table._client, "no-such-table", b"")
    monkeypatch.setattr(handler, "table", lambda: broken)
    with pytest.raises(UnavailableError):
        handler.lambda_handler({"Records": desk.records}, None)


def test_nothing_is_promised_unless_the_operator_does() -> None:
    defaults = {name: it.get("Default") for name, it in TEMPLATE["Parameters"].items()}
    level = ServiceLevel.parse(
        Calendar.parse(defaults["BusinessHours"], defaults["TimeZone"], defaults["ClosedDays"]),
        first_minutes=str(defaults["FirstResponseMinutes"]),
        next_minutes=str(defaults["NextResponseMinutes"]),
    )
    assert (level.first, level.next) == (timedelta(), timedelta())
    assert level.calendar.elapsed(NOW, NOW + timedelta(days=7)) == timedelta(hours=40)


def test_a_dashboard_shows_each_channel_and_the_spread_between_them() -> None:
    resource = TEMPLATE["Resources"]["ServiceDashboard"]["Properties"]
    body = json.loads(resource["DashboardBody"]["Fn::Sub"])
    told = json.dumps(body)
    for name in ("FirstResponseSeconds", "NextResponseSeconds"):
        for statistic in ("p50", "p90"):
            assert f"SEARCH('{{Throughline,channel}} {name}', '{statistic}', 3600)" in told
    assert told.count("MAX(") == told.count("MIN(") == 4


def test_a_wait_is_remembered_though_a_message_lands_at_the_same_moment(
    table: Table, refuse_transactions: Callable[[int], None]
) -> None:
    wait = Wait(conversation_id="cnv_1", home="ctc_1", since=NOW, until=later(hours=1))
    refuse_transactions(1)
    waits.begin(table, wait)
    assert waits.find(table, "ctc_1", "cnv_1") == wait

"""The sticky agent: given what their contact opens, while they are there; taken back in time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.assign import Assigned, assign
from shared.model.due import Task
from shared.model.entry import Kind
from shared.model.events import detail
from shared.resume import resume
from shared.rules.assignment import Opened, Verdict
from shared.store import agents, due
from shared.store.objects import Objects
from shared.store.stream import announced
from tests.api import Api
from tests.builders import ANA_PHONE, NOW, later, sms
from tests.hub import Hub
from tests.streams import record
from tests.world import World

WAIT = timedelta(minutes=15)
THERE = later(hours=1)


def opened(hub: Hub, conversation_id: str) -> Opened:
    """The event of a conversation that was opened."""
    seen = hub.conversation(conversation_id)
    return Opened(
        event_id=f"ConversationOpened:{seen.id}:{seen.revision}",
        conversation_id=seen.id,
        revision=seen.revision,
        depth=0,
        at=seen.opened_at,
    )


def give(hub: Hub, event: Opened, *, now: datetime = NOW) -> Assigned:
    return assign(event, table=hub.table, now=now, wait=WAIT)


def sweep(hub: Hub, now: datetime) -> None:
    tasks = [each for each in due.ready(hub.table, now) if isinstance(each, Task)]
    nothing: Any = Objects(lambda: None, "none")  # type: ignore[arg-type,return-value]
    resume(
        tasks,
        table=hub.table,
        content=nothing,
        mails=nothing,
        now=now,
        turn=lambda: lambda: True,
    )


def told(hub: Hub) -> list[str]:
    """What the timeline says of assignments."""
    entries = sorted(World.of(hub.table).entries, key=lambda entry: entry.occurred_at)
    return [entry.text for entry in entries if entry.kind is Kind.ASSIGNMENT]


@pytest.fixture
def again(api: Api, hub: Hub) -> str:
    """A conversation of somebody whose last one Ada had."""
    first = hub.receive(sms()).conversation_id
    api.patch(f"/v1/conversations/{first}", {"assignee": "ada", "state": "resolved"})
    return hub.receive(sms("another matter"), now=later(days=30)).conversation_id


def test_the_agent_of_the_last_conversation_takes_the_next(hub: Hub, again: str) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    assert give(hub, opened(hub, again)) == Assigned(verdict=Verdict.ASSIGNED, agent="ada")
    assert hub.conversation(again).assignee == "ada"
    assert told(hub) == ["Assigned to ada, who had this contact's last conversation."]


def test_both_the_assignment_and_its_reason_are_announced_one_step_from_a_person(
    hub: Hub, again: str
) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    give(hub, opened(hub, again))
    items = World.of(hub.table).items
    (item,) = [it for it in items if it["type"] == "conversation" and it["id"] == again]
    (event,) = announced(record(item))
    metadata = detail(event)["metadata"]
    assert (metadata["type"], metadata["depth"]) == ("ConversationAssigned", 1)
    assert metadata["cause"] == f"ConversationOpened:{again}:1"
    (entry,) = [it for it in items if it["type"] == "entry" and it["kind"] == "assignment"]
    assert entry["change"]["events"] == ["EntryRecorded"]


def test_nobody_who_is_away_is_given_anything_and_the_timeline_says_so_once(
    hub: Hub, again: str
) -> None:
    agents.set_available_until(hub.table, "ada", NOW)
    event = opened(hub, again)
    assert [give(hub, event).verdict for _ in range(2)] == [Verdict.UNAVAILABLE] * 2
    assert hub.conversation(again).assignee == ""
    (text,) = told(hub)
    assert text.startswith("Not assigned: ada")


def test_an_agent_who_leaves_just_then_is_not_given_it(
    hub: Hub, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    read = agents.get_available_until

    def leave(*given: Any) -> datetime | None:
        until = read(*given)
        agents.set_available_until(hub.table, "ada", None)
        return until

    monkeypatch.setattr(agents, "get_available_until", leave)
    assert give(hub, opened(hub, again)).verdict is Verdict.UNAVAILABLE
    assert hub.conversation(again).assignee == ""


def test_a_repeated_or_overtaken_event_changes_nothing(hub: Hub, api: Api, again: str) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    event = opened(hub, again)
    give(hub, event)
    assert give(hub, event).verdict is Verdict.PASSED
    api.patch(f"/v1/conversations/{again}", {"assignee": None})
    assert give(hub, event).verdict is Verdict.PASSED
    assert hub.conversation(again).assignee == ""
    assert len(told(hub)) == 1


def test_what_is_gone_is_passed_over(hub: Hub) -> None:
    gone = Opened(event_id="e", conversation_id="cnv_gone", revision=1, depth=0, at=NOW)
    assert give(hub, gone).verdict is Verdict.PASSED


def test_without_an_answer_it_is_everybodys_again(hub: Hub, again: str) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    give(hub, opened(hub, again))
    sweep(hub, later(minutes=14))
    assert hub.conversation(again).assignee == "ada"
    sweep(hub, later(minutes=15))
    sweep(hub, later(minutes=16))
    assert hub.conversation(again).assignee == ""
    assert told(hub)[1:] == ["Taken back from ada, who did not answer in time."]
    assert list(due.ready(hub.table, later(days=9))) == []


def test_what_was_answered_or_taken_over_stays_where_it_is(hub: Hub, api: Api, again: str) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    give(hub, opened(hub, again))
    contact = hub.contact(ANA_PHONE).root.id
    api.post(f"/v1/contacts/{contact}/messages", {"text": "here I am"})
    hub.receive(sms("thank you"), now=later(days=30))
    sweep(hub, later(hours=1))
    assert hub.conversation(again).assignee == "ada"
    assert list(due.ready(hub.table, later(days=9))) == []


def test_an_assignment_takes_four_calls(hub: Hub, again: str, aws_calls: list[str]) -> None:
    agents.set_available_until(hub.table, "ada", THERE)
    event = opened(hub, again)
    aws_calls.clear()
    give(hub, event)
    assert aws_calls == ["GetItem", "GetItem", "GetItem", "TransactWriteItems"]


# ---- availability


def test_an_agent_is_there_until_they_said_and_not_after_they_left(hub: Hub, api: Api) -> None:
    path = "/v1/agents/auth0%7Cada/availability"
    body = {"available": True, "until": "2026-11-20T18:00:00+01:00"}
    assert api.call("PUT", path, body=body).json == {
        "agent": "auth0|ada",
        "available": True,
        "until": "2026-11-20T17:00:00.000Z",
    }
    assert agents.get_available_until(hub.table, "auth0|ada") == later(hours=5)
    assert api.call("PUT", path, body={"available": False}).json["until"] is None
    assert agents.get_available_until(hub.table, "auth0|ada") is None


@pytest.mark.parametrize("until", [None, "2026-11-20T12:00:00Z", "2026-11-20T13:00:00"])
def test_nobody_is_there_for_ever_or_in_the_past(api: Api, until: str | None) -> None:
    body = {"available": True, "until": until}
    answer = api.call("PUT", "/v1/agents/ada/availability", body=body)
    assert (answer.status, answer.fields) == (422, ["until"])

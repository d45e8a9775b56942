"""Who is to answer a new conversation."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from shared.model.conversation import Conversation, State, WaitingOn
from shared.model.errors import MalformedMessageError
from shared.rules.assignment import Opened, Verdict, decide, is_stale, read_opened
from tests.builders import NOW, later

OPENED = Conversation(
    id="cnv_1",
    home="ctc_1",
    reference="7Q4K2M",
    subject="",
    state=State.OPEN,
    opened_at=NOW,
    last_activity_at=NOW,
    waiting_on=WaitingOn.AGENT,
)


def test_it_goes_to_the_agent_they_are_used_to_who_is_there() -> None:
    assert decide(OPENED, 1, "ada", later(hours=1), NOW) is Verdict.ASSIGNED


@pytest.mark.parametrize("until", [None, NOW, later(seconds=-1)])
def test_never_to_an_agent_who_is_away(until: datetime | None) -> None:
    assert decide(OPENED, 1, "ada", until, NOW) is Verdict.UNAVAILABLE


def test_to_nobody_who_was_never_assigned() -> None:
    assert decide(OPENED, 1, "", None, NOW) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "changed",
    [
        replace(OPENED, revision=2),
        replace(OPENED, assignee="bo"),
        replace(OPENED, state=State.RESOLVED),
        replace(OPENED, state=State.PENDING),
        replace(OPENED, waiting_on=WaitingOn.CUSTOMER),
        replace(OPENED, waiting_on=None),
        replace(OPENED, first_response_at=NOW),
    ],
)
def test_not_what_was_changed_since_or_does_not_wait_for_an_agent(changed: Conversation) -> None:
    assert decide(changed, 1, "ada", later(hours=1), NOW) is Verdict.PASSED


def test_the_event_is_read_as_the_bus_hands_it_over() -> None:
    told = {
        "detail": {
            "metadata": {
                "id": "ConversationOpened:cnv_1:3",
                "time": "2026-11-20T12:00:00.000Z",
                "depth": 0,
            },
            "conversation_id": "cnv_1",
            "revision": 3,
        }
    }
    assert read_opened(json.dumps(told)) == Opened(
        event_id="ConversationOpened:cnv_1:3", conversation_id="cnv_1", revision=3, depth=0, at=NOW
    )


def test_what_is_told_a_day_late_is_long_past() -> None:
    opened = Opened(event_id="e", conversation_id="cnv_1", revision=1, depth=0, at=NOW)
    assert not is_stale(opened, later(hours=24))
    assert is_stale(opened, later(hours=24, seconds=1))


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"detail": {"revision": 1}}'])
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_opened(body)

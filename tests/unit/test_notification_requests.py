"""What comes in notify_customer's queue, and what is refused there."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.notify_customer.requests import NotificationRequest, read
from shared.model.entry import AuthorType, Kind
from shared.model.errors import MalformedMessageError
from shared.model.identity import Trust
from shared.model.notification import Cause, NoticeKey, NoticeKind, Request
from shared.model.receipt import ReceiptKey
from shared.sweep import notice_of
from tests.builders import NOW

CAUSE = Cause(
    id="EntryRecorded:ent_1",
    type="EntryRecorded",
    time=NOW,
    correlation="request",
    depth=0,
    home="ctc_1",
    conversation_id="cnv_1",
    entry_id="ent_1",
    occurred_at=NOW,
    automatic=False,
    trust=Trust.VERIFIED,
    author=AuthorType.AGENT,
    kind=Kind.MESSAGE,
)


def parse_request(body: str) -> Request:
    asked = read(body)
    assert isinstance(asked, Request)
    return asked


def request(**changes: Any) -> dict[str, Any]:
    """What the rule in template.yaml hands over; None leaves a field out."""
    detail = {
        "metadata": {
            "id": "EntryRecorded:ent_1",
            "source": "throughline",
            "specversion": "1.0",
            "type": "EntryRecorded",
            "time": "2026-11-20T12:00:00.000Z",
            "correlation": "request",
            "depth": 0,
            "cause": "api:agent",
        },
        "home_contact_id": "ctc_1",
        "conversation_id": "cnv_1",
        "entry_id": "ent_1",
        "occurred_at": "2026-11-20T12:00:00.000Z",
        "automatic": False,
        "trust": "verified",
        "author_type": "agent",
        "kind": "message",
    }
    fields = {
        "rule": "agent-answered",
        "template": "answer",
        "purpose": "transactional",
        "ladder": ["sms"],
        "wait_seconds": 600,
        "debounce_seconds": 60,
        "urgent": False,
        "event": {"id": "1", "detail-type": "EntryRecorded", "detail": detail},
    }
    for name, value in changes.items():
        part = fields
        *way, last = name.split("__")
        for step in way:
            part = part[step]  # type: ignore[assignment]
        part[last] = value
        if value is None:
            del part[last]
    return fields


# ---- what a rule hands over


def test_a_request_is_read_with_its_constants_and_its_cause() -> None:
    read = parse_request(json.dumps(request()))
    assert (read.rule, read.template, read.purpose) == (
        "agent-answered",
        "answer",
        "transactional",
    )
    assert (read.ladder, read.wait_seconds, read.debounce_seconds) == (("sms",), 600, 60)
    assert (read.urgent, read.cause) == (False, CAUSE)


def test_a_ladder_keeps_its_order() -> None:
    read = parse_request(json.dumps(request(ladder=["chat", "email", "sms"])))
    assert read.ladder == ("chat", "email", "sms")


def test_an_event_of_a_conversation_has_no_author_and_no_trust() -> None:
    fields = dict.fromkeys(
        f"event__detail__{it}" for it in ("trust", "author_type", "kind", "automatic")
    )
    cause = parse_request(json.dumps(request(**fields))).cause
    assert (cause.trust, cause.author, cause.kind, cause.automatic) == (None, None, None, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": None},
        {"rule": ""},
        {"rule": 7},
        {"more": "than asked for"},
        {"purpose": "sales"},
        {"ladder": []},
        {"ladder": "sms"},
        {"ladder": ["pigeon"]},
        {"ladder": ["sms", "sms"]},
        {"ladder": [["sms"]]},
        {"ladder": ["voice"]},
        {"rule": "Agent answered"},
        {"wait_seconds": 8 * 24 * 3600},
        {"debounce_seconds": None},
        {"wait_seconds": "600"},
        {"wait_seconds": -1},
        {"wait_seconds": True},
        {"debounce_seconds": 1.5},
        {"urgent": "no"},
        {"event": "<aws.events.event.json>"},
        {"event__detail": []},
        {"event__detail__metadata": None},
        {"event__detail__metadata__id": ""},
        {"event__detail__metadata__time": "yesterday"},
        {"event__detail__metadata__time": "2026-11-20T12:00:00"},
        {"event__detail__metadata__depth": "0"},
        {"event__detail__home_contact_id": None},
        {"event__detail__home_contact_id": ""},
        {"event__detail__trust": "blind"},
    ],
    ids=str,
)
def test_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        parse_request(json.dumps(request(**changes)))


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "7"])
def test_what_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(MalformedMessageError):
        parse_request(body)


def test_a_matter_is_a_conversation_or_else_what_happened_itself() -> None:
    shipped = request(event__detail__conversation_id="", event__detail__kind="order")
    assert parse_request(json.dumps(request())).cause.matter == "cnv_1"
    assert parse_request(json.dumps(shipped)).cause.matter == "ent_1"


def test_what_is_read_and_what_the_schema_allows_is_the_same() -> None:
    schema = Draft202012Validator(NotificationRequest.model_json_schema())
    assert schema.is_valid(request())
    assert not schema.is_valid(request(ladder=["sms", "sms"]))
    assert not schema.is_valid(request(wait_seconds=-1))
    assert not schema.is_valid(request(more=1))


def test_what_the_sweep_says_is_read_as_the_notice_it_is_about() -> None:
    key = NoticeKey(NoticeKind.LADDER, "ctc_1", "agent-answered#cnv_1")
    assert read(json.dumps(notice_of(key))) == key


def test_a_failed_message_is_read_from_its_event() -> None:
    detail = {
        "entry_id": "ent_1",
        "home_contact_id": "ctc_1",
        "occurred_at": "2026-11-20T12:00:00.000Z",
        "state": "failed",
    }
    event = {"detail-type": "ReceiptChanged", "detail": detail}
    assert read(json.dumps(event)) == ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")

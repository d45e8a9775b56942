"""What a rule may hand over, and the checks of the cause and the target."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model.entry import AuthorType, Channel, Kind
from shared.model.errors import MalformedMessageError
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.rules.notification import (
    Cause,
    Target,
    choose_target,
    objection_to_cause,
    objection_to_target,
    parse_request,
)
from tests.builders import NOW, later

CAUSE = Cause(
    id="EntryRecorded:ent_1",
    time=NOW,
    correlation="request",
    depth=0,
    home="ctc_1",
    conversation_id="cnv_1",
    automatic=False,
    trust=Trust.VERIFIED,
    author=AuthorType.AGENT,
    kind=Kind.MESSAGE,
)


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
        "automatic": False,
        "trust": "verified",
        "author_type": "agent",
        "kind": "message",
    }
    fields = {
        "rule": "agent-answered",
        "template": "agent-answered",
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


def identity(value: str, trust: Trust = Trust.VERIFIED, **fields: Any) -> Identity:
    kind = IdentityKind.PHONE if value.startswith("+") else IdentityKind.EMAIL
    blank = Identity(
        key=f"{kind}#{value}",
        address=Address(kind, value),
        home="ctc_1",
        root="ctc_1",
        trust=trust,
        evidence="",
        since=NOW,
        seen=NOW,
    )
    return replace(blank, **fields)


# ---- what a rule hands over


def test_a_request_is_read_with_its_constants_and_its_cause() -> None:
    read = parse_request(json.dumps(request()))
    assert (read.rule, read.template, read.purpose) == (
        "agent-answered",
        "agent-answered",
        "transactional",
    )
    assert (read.ladder, read.wait_seconds, read.debounce_seconds) == ((Channel.SMS,), 600, 60)
    assert (read.urgent, read.cause) == (False, CAUSE)


def test_a_ladder_keeps_its_order() -> None:
    read = parse_request(json.dumps(request(ladder=["chat", "email", "sms"])))
    assert read.ladder == (Channel.CHAT, Channel.EMAIL, Channel.SMS)


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
        {"event__detail__conversation_id": ""},
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


# ---- the checks


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"time": NOW - timedelta(hours=24)}, None),
        ({"time": NOW - timedelta(hours=24, seconds=1)}, "stale"),
        ({"automatic": True}, "loop"),
        ({"depth": 1}, "loop"),
        ({"author": AuthorType.SYSTEM}, "loop"),
        ({"kind": Kind.NOTIFICATION}, "loop"),
        ({"trust": Trust.CLAIMED}, "untrusted"),
        ({"trust": Trust.ASSERTED}, None),
        ({"trust": None}, None),
        ({"trust": Trust.CLAIMED, "depth": 1, "time": later(days=-2)}, "stale"),
        ({"trust": Trust.CLAIMED, "depth": 1}, "loop"),
    ],
    ids=str,
)
def test_a_cause_is_checked_in_order(changes: dict[str, Any], reason: str | None) -> None:
    assert objection_to_cause(replace(CAUSE, **changes), NOW) == reason


def test_the_best_proven_address_is_chosen_and_of_those_the_one_seen_last() -> None:
    asserted = identity("+14155550101", Trust.ASSERTED, seen=later(days=3))
    old = identity("+14155550102", seen=NOW)
    recent = identity("+14155550103", seen=later(days=1))
    erased = identity("+14155550104", seen=later(days=2), erased_at=NOW)
    everybody = (asserted, old, recent, erased, identity("ana@example.com"))
    assert choose_target((Channel.SMS,), everybody) == Target(channel=Channel.SMS, identity=recent)


def test_the_first_channel_with_an_address_is_chosen() -> None:
    only_mail = (identity("ana@example.com"),)
    target = choose_target((Channel.SMS, Channel.EMAIL), only_mail)
    assert target
    assert target.channel is Channel.EMAIL
    assert choose_target((Channel.SMS,), only_mail) is None


@pytest.mark.parametrize(
    ("trust", "shared", "reason"),
    [
        (Trust.VERIFIED, False, None),
        (Trust.VERIFIED, True, None),
        (Trust.ASSERTED, False, None),
        (Trust.ASSERTED, True, "untrusted_target"),
        (Trust.CLAIMED, False, "untrusted_target"),
    ],
)
def test_nobody_is_told_at_an_address_that_may_be_somebody_elses(
    trust: Trust, shared: bool, reason: str | None
) -> None:
    phone = identity("+14155550101", trust, shared=shared)
    assert objection_to_target(Target(channel=Channel.SMS, identity=phone)) == reason

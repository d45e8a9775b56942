"""What is left when a case has come to its end, free of ids, times and the traces of tries."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from shared.model.events import detail
from shared.store.stream import announced
from tests.faults import state
from tests.faults.account import Account
from tests.world import World

_NAMELESS = (
    (re.compile(r"\b[a-z]{3}_[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b[0-9a-z]{8,}(-[0-9a-z]+){4,}\b"), "<ses id>"),
    (re.compile(r"(REFERENCE|THREAD)#\w+"), "<key>"),
    (re.compile(r"request-\d+="), "<request>"),
    (re.compile(r"INBOX#(\w+)#\d+"), r"INBOX#\1"),
    (re.compile(r"DUE#\d+"), "DUE"),
)
# How often something was tried, by whom it is held, what is drawn by lot, and a mere hint.
_TRACES = frozenset(
    {"revision", "rev", "attempt", "claim_id", "claimed_until", "steps", "reference", "GSI1PK"}
    | {"GSI1SK", "expires_at", "lost_at", "error", "closed_at"}
)
_COUNTED = ("entry", "cost_line", "delivery", "consent", "event", "send", "document")

_OF_A_SEND = {"receipt", "event", "send", "delivery", "thread"}

Facts = Counter[str]


class Verdict(StrEnum):
    """What a fault did to the outcome."""

    SAME = "same"
    UNCONFIRMED = "unconfirmed"  # admitted by outbound.md §1, and shown
    LOST = "lost"
    DOUBLED = "doubled"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Entries, receipts, costs and all other items, events by their ids, sends, documents."""

    facts: Facts
    unconfirmed: int


def outcome(account: Account) -> Outcome:
    """What there is now. Asserts what must be true of a table at any time."""
    world = World.of(account.table)
    world.check_roots()
    world.check_open_maps()
    world.check_participants()
    world.check_erased()
    world.check_references()
    facts, unconfirmed = Facts(), 0
    for item in state.items():
        kind = item["type"]["S"]
        if kind == "receipt" and item["state"]["S"] == "unconfirmed":
            unconfirmed += 1
        facts[_fact(kind, item)] += 1
    events = {e.metadata.id: detail(e) for record in account.records for e in announced(record)}
    taken = {event["metadata"]["id"]: event for event in account.published()}
    facts.update(_fact("event", event) for event in events.values())
    facts.update(_fact("published", event) for event in taken.values())
    facts.update(_fact("document", each) for each in _documents(account).values())
    facts.update(_fact("send", send) for send in _sends(account))
    facts.update(_fact("object", at) for at in state.objects())
    return Outcome(facts, unconfirmed)


def judge(undisturbed: Outcome, disturbed: Outcome) -> tuple[Verdict, list[str]]:
    """How a case ended beside the undisturbed run, and in what they differ."""
    missing = undisturbed.facts - disturbed.facts
    extra = disturbed.facts - undisturbed.facts
    if not missing and not extra:
        return Verdict.SAME, []
    different = [*(f"- {fact}" for fact in missing), *(f"+ {fact}" for fact in extra)]
    was, is_now = (_counts(each.facts) for each in (undisturbed, disturbed))
    doubled, lost = is_now - was, was - is_now
    if disturbed.unconfirmed > undisturbed.unconfirmed:
        # It says so itself, and is all that is different: perhaps nothing has left, and what the
        # provider called it, by which answers find it, is not known.
        about = {fact.split(" ", 1)[0] for fact in (*missing, *extra)}
        if about <= _OF_A_SEND and not doubled.keys() - {"event"}:
            return Verdict.UNCONFIRMED, different
    if doubled:
        return Verdict.DOUBLED, different
    return (Verdict.LOST if lost else Verdict.CHANGED), different


def _counts(facts: Facts) -> Facts:
    counts = Facts()
    for fact, number in facts.items():
        kind = fact.split(" ", 1)[0]
        if kind in _COUNTED:
            counts[kind] += number
    return counts


def _documents(account: Account) -> dict[str, Any]:
    """The meter's amounts, each fact once, however often it was told."""
    documents: dict[str, Any] = {}
    for line in account.printed.getvalue().splitlines():
        if '"fact_id"' in line:
            told = json.loads(line)
            documents[told["fact_id"]] = {**told, "_aws": ""}
    return documents


def _sends(account: Account) -> list[tuple[str, ...]]:
    """What was sent; a site drops what it has already had."""
    chats = {send for send in account.providers.sent if send[0] == "chat"}
    return [*chats, *(send for send in account.providers.sent if send[0] != "chat")]


def _fact(kind: str, value: Any) -> str:
    return f"{kind} {_nameless(json.dumps(_plain(value), sort_keys=True))}"


@lru_cache(maxsize=100_000)
def _nameless(text: str) -> str:
    for pattern, name in _NAMELESS:
        text = pattern.sub(name, text)
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_nameless(str(k)): _plain(v) for k, v in value.items() if k not in _TRACES}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value

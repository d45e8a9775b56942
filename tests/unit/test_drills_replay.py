"""A drill: a month later somebody replays the bus's whole archive."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.store.attributes import from_wire
from tests.faults import state
from tests.faults.scenarios.scenario import by_webhook, call
from tests.faults.scenarios.story import chat
from tests.running import Running, running

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # where the numbers are
ANA, PHONE = "ana@example.org", "+14155550101"
STOPS = '"NotificationsStopped"'


@pytest.fixture
def run() -> Iterator[Running]:
    with running(NOON) as made:
        yield made


def story(run: Running) -> None:
    """Chat, mail, an agent's answer with a text about it, a text, an order, and a new matter."""
    visitor = {"id": "v-1", "email": ANA, "phone": PHONE}
    assert by_webhook(run.account, "inbound_chat", lambda: chat(1, visitor))(1)
    run.turn()
    home, conversation = newest(run, "conversation", "home"), newest(run, "conversation", "id")
    ask(run, "PATCH", f"/v1/conversations/{conversation}", assignee="agent-1", state="resolved")
    run.mail(1, ANA)
    run.minutes(1)
    ask(run, "POST", f"/v1/contacts/{home}/messages", channel="email", text="It left.")
    run.minutes(2)
    shipped = {"status": "shipped", "order": "1042"}
    ask(run, "POST", f"/v1/contacts/{home}/events", kind="order", source="shop", id="o-1",
        occurred_at=run.account.now.isoformat(), data=shipped)  # fmt: skip
    assert run.text(1, PHONE) == 200
    conversation = newest(run, "conversation", "id")
    ask(run, "PATCH", f"/v1/conversations/{conversation}", assignee="agent-1", state="resolved")
    run.account.wait(days=8)
    assert run.text(2, PHONE) == 200
    run.minutes(1)


def a_month_later(run: Running) -> None:
    """The promised answers are overdue, what was to be remembered for a while is forgotten."""
    run.account.wait(days=31)
    run.minutes(1)
    run.expire()
    ask(run, "PUT", "/v1/agents/agent-1/availability", available=True, until=in_days(run, 40))
    run.minutes(1)


def ask(run: Running, method: str, path: str, **body: Any) -> None:
    answer = call(run.account, method, path, body)
    assert answer["statusCode"] < 300, answer["body"]


def in_days(run: Running, days: int) -> str:
    return (run.account.now + timedelta(days=days)).isoformat()


def newest(run: Running, kind: str, name: str) -> str:
    items = [it["dynamodb"].get("NewImage", {}) for it in reversed(run.account.records)]
    return str(next(it[name]["S"] for it in items if it.get("type") == {"S": kind}))


def kept(run: Running) -> dict[str, Any]:
    """Every item but the counts of what was not sent."""
    items = [from_wire(it) for it in state.items()]
    return {f"{it['PK']} {it['SK']}": it for it in items if it["type"] != "stop_count"}


def test_a_month_old_archive_texts_nobody_and_writes_nothing_but_what_it_stopped(
    run: Running,
) -> None:
    story(run)
    a_month_later(run)
    before, sent = kept(run), list(run.account.providers.sent)
    said = run.account.printed.tell()
    run.replay("november")
    run.minutes(2)
    after = kept(run)
    assert {at: it for at, it in after.items() if it != before.get(at)} == {}
    assert before.keys() - after.keys() == set()
    assert run.account.providers.sent == sent
    assert not run.dead
    counted = [line for line in run.account.printed.getvalue()[said:].splitlines() if STOPS in line]
    stops = {(told["rule"], told["reason"]) for told in map(json.loads, counted)}
    assert stops == {
        ("ticket-opened", "stale"),
        ("agent-answered", "stale"),
        ("order-shipped", "stale"),
        ("ticket-resolved", "stale"),
    }

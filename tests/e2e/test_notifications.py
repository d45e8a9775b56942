"""What customers are told by rules, on the deployed hub: by day, not too often, nobody unproven."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infrastructure.local import clock
from infrastructure.local.aws import LocalAws
from infrastructure.local.entrances import Entrances, received_mail
from infrastructure.local.story import somewhere_it_is_day
from tests.e2e.bus import Bus
from tests.e2e.test_entrances import contact_of, phone, soon, timeline

WITHIN = 60.0  # seconds; the functions may have to start, each in a process of its own
CAP = 5  # notifications an hour, the default of the template
QUIET = 4.0  # seconds after which nothing more is to come
FAR = ("America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Tokyo")


@pytest.fixture
def customer(entrances: Entrances) -> dict[str, Any]:
    """A customer the site vouches for, somewhere it is day."""
    name = f"nora{secrets.token_hex(4)}"
    visitor = {
        "id": name,
        "name": "Nora",
        "email": f"{name}@example.com",
        "phone": phone(),
        "verified": True,
    }
    assert entrances.chat_message("s-1", visitor, "first words").ok
    contact = soon("known", lambda: contact_of(entrances, f"email:{visitor['email']}"))
    live_at(entrances, contact["id"], somewhere_it_is_day(datetime.now(UTC)))
    return {**visitor, "contact": contact["id"]}


@pytest.fixture
def long_window(hub: dict[str, Any]) -> Iterator[float]:
    """Answers within so many seconds make one update: longer than one machine has it else."""
    bus, name = LocalAws(hub["aws"]["endpoint_url"]).client("events"), hub["aws"]["bus"]
    rules = bus.list_rules(EventBusName=name)["Rules"]
    (rule,) = (each["Name"] for each in rules if "AgentAnswered" in each["Name"])
    asked = {"Rule": rule, "EventBusName": name}
    (target,) = bus.list_targets_by_rule(**asked)["Targets"]
    told = target["InputTransformer"]["InputTemplate"]
    longer = told.replace('"debounce_seconds": 2,', '"debounce_seconds": 6,')
    assert longer != told
    bus.put_targets(**asked, Targets=[{**target, "InputTransformer": {"InputTemplate": longer}}])
    yield 6.0
    bus.put_targets(**asked, Targets=[target])


@pytest.fixture
def real_time(hub: dict[str, Any]) -> Iterator[None]:
    """The clock of the functions is as it was, whatever a test does to it."""
    yield
    clock.shift(hub, "")


def live_at(hub: Entrances, contact_id: str, zone: str) -> None:
    assert hub.api("PATCH", f"/v1/contacts/{contact_id}", body={"time_zone": zone}).ok


def mail_from(hub: Entrances, address: str, subject: str, dmarc: bytes = b"pass") -> None:
    mail = received_mail(address, hub.hub["mail"]["address"], subject, "Where is it?\n")
    hub.mail(mail.replace(b"dmarc=pass", b"dmarc=" + dmarc))


def texts(hub: Entrances, number: str) -> list[str]:
    """What was sent to a number."""
    return [row["text"] for row in hub.outbox("twilio") if row["to"] == number]


def answered_mail(hub: Entrances, customer: dict[str, Any]) -> None:
    """The customer mails, and an agent answers by mail."""
    subject = f"Order {secrets.token_hex(4)}"
    mail_from(hub, customer["email"], subject)
    entry = soon("the mail", lambda: entry_about(hub, customer["contact"], subject), within=WITHIN)
    sent = hub.api(
        "POST",
        f"/v1/contacts/{customer['contact']}/messages",
        body={"channel": "email", "conversation_id": entry["conversation_id"], "text": "Soon."},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    assert sent.status_code == 202, sent.text


def entry_about(hub: Entrances, contact_id: str, subject: str) -> dict[str, Any] | None:
    return next((e for e in timeline(hub, contact_id) if e["subject"] == subject), None)


def sweep(hub: dict[str, Any]) -> None:
    """What the schedule does each minute."""
    functions = LocalAws(hub["aws"]["endpoint_url"]).client("lambda")
    (name,) = [
        function["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if "SweepFunction" in function["FunctionName"]
    ]
    assert "FunctionError" not in functions.invoke(FunctionName=name)


def test_a_text_held_at_night_leaves_at_eight_in_the_customers_morning(
    entrances: Entrances, hub: dict[str, Any], customer: dict[str, Any], real_time: None
) -> None:
    now = datetime.now(UTC)
    zone = next(z for z in map(ZoneInfo, FAR) if not 7 <= now.astimezone(z).hour < 21)
    live_at(entrances, customer["contact"], zone.key)
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=local.hour >= 21)
    eight = datetime(day.year, day.month, day.day, 8, tzinfo=zone)
    left = int((eight - now).total_seconds())

    answered_mail(entrances, customer)
    soon("the answer", lambda: answer_mailed(entrances, customer), within=WITHIN)
    clock.shift(hub, f"+{left - 120}s")
    sweep(hub)
    assert texts(entrances, customer["phone"]) == []

    clock.shift(hub, f"+{left + 360}s")  # after eight, when all of the night's have left
    sweep(hub)
    soon("the text", lambda: texts(entrances, customer["phone"]), within=WITHIN)
    sweep(hub)
    assert len(texts(entrances, customer["phone"])) == 1


def answer_mailed(hub: Entrances, customer: dict[str, Any]) -> bool:
    rows = [row for row in hub.outbox("ses") if row["to"] == customer["email"]]
    return any("Soon." in row["text"] for row in rows)


def test_a_mail_is_acknowledged_and_a_spoofed_one_triggers_nothing(
    entrances: Entrances, customer: dict[str, Any]
) -> None:
    def mails() -> list[dict[str, Any]]:
        return [row for row in entrances.outbox("ses") if row["to"] == customer["email"]]

    mail_from(entrances, customer["email"], "Refund", dmarc=b"fail")

    def stopped() -> list[str]:
        entries = timeline(entrances, customer["contact"], kind="notification")
        return [e["text"] for e in entries if e["direction"] == "internal"]

    assert soon("the stop is seen", stopped, within=WITHIN) == [
        "Not sent: ticket-opened (untrusted)."
    ]
    assert mails() == []

    mail_from(entrances, customer["email"], f"Order {secrets.token_hex(4)}")
    soon("an acknowledgement", mails, within=WITHIN)
    assert texts(entrances, customer["phone"]) == []


def test_a_stop_stops_the_next_update_and_a_start_lets_it_leave_again(
    entrances: Entrances, customer: dict[str, Any]
) -> None:
    assert entrances.text_message(customer["phone"], "STOP").ok
    answered_mail(entrances, customer)

    def stopped() -> list[str]:
        entries = timeline(entrances, customer["contact"], kind="notification")
        return [e["text"] for e in entries if "agent-answered" in e["text"]]

    assert soon("it is stopped", stopped, within=WITHIN) == [
        "Not sent: agent-answered (no_consent)."
    ]
    assert texts(entrances, customer["phone"]) == []
    assert entrances.text_message(customer["phone"], "START").ok
    answered_mail(entrances, customer)
    soon("the text", lambda: texts(entrances, customer["phone"]), within=WITHIN)


def test_fifty_updates_for_one_customer_send_no_more_than_the_cap(
    entrances: Entrances, customer: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{customer['contact']}/events"

    def tell(number: int) -> int:
        event = {
            "kind": "order",
            "source": "shop",
            "id": f"{customer['id']}-{number}",
            "occurred_at": datetime.now(UTC).isoformat(),
            "data": {"status": "shipped", "order": f"A-{number}"},
        }
        return entrances.api("POST", path, body=event).status_code

    with ThreadPoolExecutor(5) as threads:
        assert set(threads.map(tell, range(50))) == {201}

    def capped() -> list[str]:
        entries = timeline(entrances, customer["contact"], kind="notification")
        return [e["text"] for e in entries if e["direction"] == "internal"]

    assert soon("the cap is seen", capped, within=WITHIN) == ["Not sent: order-shipped (cap)."]
    soon(
        "the texts leave",
        lambda: len(texts(entrances, customer["phone"])) >= CAP,
        within=WITHIN,
    )
    assert len(texts(entrances, customer["phone"])) == CAP


def test_five_answers_within_the_window_make_one_update_however_often_their_events_come(
    entrances: Entrances, customer: dict[str, Any], long_window: float, bus: Bus
) -> None:
    subject = f"Order {secrets.token_hex(4)}"
    mail_from(entrances, customer["email"], subject)
    asked = soon(
        "the mail", lambda: entry_about(entrances, customer["contact"], subject), within=WITHIN
    )
    path, started = f"/v1/contacts/{customer['contact']}/messages", time.monotonic()
    answers = [f"Answer {number}." for number in range(5)]
    for text in answers:
        body = {"channel": "email", "conversation_id": asked["conversation_id"], "text": text}
        assert entrances.api("POST", path, body=body).status_code == 202
    assert time.monotonic() - started < long_window, "the machine is too slow for this test"
    soon("an update", lambda: texts(entrances, customer["phone"]), within=WITHIN)

    home = asked["home_contact_id"]

    def told() -> list[dict[str, Any]]:
        mine = (it for it in bus.events() if it["detail"].get("home_contact_id") == home)
        return [it for it in mine if it["detail"].get("author_type") == "agent"]

    for event in told() * 2:
        bus.put(event)
    soon("they are delivered", lambda: len(told()) == 3 * len(answers), within=WITHIN)
    time.sleep(QUIET)
    assert len(texts(entrances, customer["phone"])) == 1
    mails = [row["text"] for row in entrances.outbox("ses") if row["to"] == customer["email"]]
    assert [sum(text in mail for mail in mails) for text in answers] == [1] * len(answers)


def test_a_mail_loop_with_an_autoresponder_ends(
    entrances: Entrances, customer: dict[str, Any]
) -> None:
    """It writes of itself like a person, cites nothing, and has another subject each time."""

    def ours() -> list[dict[str, Any]]:
        return [row for row in entrances.outbox("ses") if row["to"] == customer["email"]]

    mail_from(entrances, customer["email"], f"Order {secrets.token_hex(4)}")
    soon("an acknowledgement", ours, within=WITHIN)
    answered, heard = 0, time.monotonic()
    while time.monotonic() < heard + QUIET:
        if answered < len(ours()):
            answered, heard = answered + 1, time.monotonic()
            mail_from(entrances, customer["email"], f"I am away ({answered})")
        time.sleep(0.2)
    away = [e for e in timeline(entrances, customer["contact"]) if "I am away" in e["subject"]]
    assert len(away) == answered == len(ours()) <= 2

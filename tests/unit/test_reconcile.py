"""What webhooks did not bring is found in the provider's own list, once, by the ordinary path."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from shared.model.entry import Direction
from shared.model.errors import MalformedMessageError, RejectedError, UnavailableError
from shared.model.message import InboundMessage
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import Accepted, ListedMessage
from shared.reconcile import Found, Reconciler
from shared.record import Outcome, Recorded
from shared.runtime.secrets import signing_keys
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_PHONE, NOW, OUR_NUMBER, later, sms
from tests.deployment import deploy, fresh_containers
from tests.loopback import Reply, provider
from tests.outbound import Office, key_of

TODAY = NOW.date()


def listed(provider_id: str, **fields: Any) -> ListedMessage:
    """A text of ours, delivered and priced, unless told otherwise."""
    at = fields.pop("at", NOW)
    facts: dict[str, Any] = {
        "direction": Direction.OUTBOUND,
        "to": ANA_PHONE.value,
        "sender": OUR_NUMBER,
        "text": "It left today.",
        "state": "delivered",
        "created_at": at,
        "updated_at": at,
        "price": "-0.01660",
        "currency": "USD",
    }
    return ListedMessage(provider_id=provider_id, **facts | fields)


def received(provider_id: str, **fields: Any) -> ListedMessage:
    ends = {"to": OUR_NUMBER, "sender": ANA_PHONE.value}
    return listed(provider_id, direction=Direction.INBOUND, state="", **ends | fields)


@dataclass
class World:
    """A table, a list, and what was found in it."""

    office: Office
    pages: list[tuple[ListedMessage, ...]] = field(default_factory=list)
    found: list[tuple[Found, str]] = field(default_factory=list)
    priced: list[tuple[ReceiptKey, str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    time_left: int = 1000
    asked: list[Any] = field(default_factory=list)

    def received_at(self, number: str, since: datetime) -> Iterator[ListedMessage]:
        self.asked.append((number, since))
        return (it for page in self.pages for it in page if it.to == number)

    def of_day(self, day: date) -> Iterator[tuple[ListedMessage, ...]]:
        self.asked.append(day)
        return iter(self.pages)

    def fetch(self, message_id: str, received_at: datetime) -> InboundMessage:
        self.fetched.append(message_id)
        if message_id == "SM-unreadable":
            raise MalformedMessageError("the message has no sender")
        message = sms("did you get this?", sid=message_id, received_at=received_at)
        return replace(message, occurred_at=NOW - timedelta(hours=1))

    def take_in(self, message: InboundMessage) -> bool:
        recorded = self.office.hub.receive(message, now=self.office.now)
        return recorded.outcome is Outcome.RECORDED

    def reprice(self, key: ReceiptKey, amount: str, currency: str) -> bool:
        if currency == "XXX":
            raise RejectedError("no rate")
        is_new = (key, amount, currency) not in self.priced
        self.priced += [(key, amount, currency)] if is_new else []
        return is_new

    def has_time(self) -> bool:
        self.time_left -= 1
        return self.time_left >= 0

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(
            provider="twilio",
            messages=self,
            table=self.office.table,
            take_in=self.take_in,
            reprice=self.reprice,
            tell=lambda found, provider_id: self.found.append((found, provider_id)),
            clock=lambda: self.office.now,
            has_time=self.has_time,
        )

    def sent(self, provider_id: str) -> ReceiptKey:
        """A text to Ana that the provider took under this id."""
        key = key_of(self.office.answer(self.office.hub.receive(sms()).contact_id))
        self.office.provider.answers = [Accepted(provider_id)]
        self.office.deliver(key)
        return key


@pytest.fixture
def world(table: Table, bodies: Bodies) -> World:
    return World(Office(table, bodies, now=later(hours=1)))


def webhook(world: World, sid: str) -> Recorded:
    return world.office.hub.receive(sms(sid=sid), now=world.office.now)


# ---- each quarter of an hour


def test_a_text_whose_webhook_was_lost_is_recorded_once_with_its_own_time(world: World) -> None:
    webhook(world, "SM1")
    world.pages = [(received("SM2"), received("SM1"))]
    for _ in range(3):
        world.reconciler.recover_inbound([OUR_NUMBER])
    assert world.found == [(Found.MISSED, "SM2")]
    assert world.fetched == ["SM2"]
    assert world.asked[0] == (OUR_NUMBER, world.office.now - timedelta(hours=4))
    again = webhook(world, "SM2")
    assert again.outcome is Outcome.DUPLICATE


def test_a_message_just_received_is_left_to_its_webhook(world: World) -> None:
    world.pages = [(received("SM2", at=world.office.now - timedelta(seconds=119)),)]
    world.reconciler.recover_inbound([OUR_NUMBER])
    assert world.fetched == []


def test_a_webhook_that_is_faster_leaves_nothing_to_find(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pages = [(received("SM2"),)]
    fetch = world.fetch

    def faster(message_id: str, received_at: datetime) -> InboundMessage:
        webhook(world, message_id)
        return fetch(message_id, received_at)

    monkeypatch.setattr(world, "fetch", faster)
    world.reconciler.recover_inbound([OUR_NUMBER])
    assert world.found == []


def test_a_message_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    world.pages = [(received("SM-unreadable"), received("SM3"))]
    world.reconciler.recover_inbound([OUR_NUMBER])
    assert set(world.found) == {(Found.UNREADABLE, "SM-unreadable"), (Found.MISSED, "SM3")}


def test_a_list_that_is_down_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(number: str, since: datetime) -> Iterator[ListedMessage]:
        raise UnavailableError("Twilio's list cannot be read")

    monkeypatch.setattr(world, "received_at", down)
    with pytest.raises(UnavailableError):
        world.reconciler.recover_inbound([OUR_NUMBER])


def test_what_is_known_already_costs_one_read_for_a_hundred(
    world: World, aws_calls: list[str]
) -> None:
    for number in range(3):
        webhook(world, f"SM{number}")
    world.pages = [tuple(received(f"SM{number}") for number in range(3))]
    aws_calls.clear()
    world.reconciler.recover_inbound([OUR_NUMBER])
    assert aws_calls == ["BatchGetItem"]


# ---- each day


def test_a_receipt_that_was_lost_is_caught_up_with_and_its_price_booked(world: World) -> None:
    key = world.sent("SM1")
    world.pages = [(listed("SM1"),)]
    assert world.reconciler.go_through_day(TODAY)
    assert world.office.receipt(key).state is ReceiptState.DELIVERED
    assert world.found == [(Found.RECEIPT, "SM1"), (Found.PRICE, "SM1")]
    assert world.priced == [(key, "-0.01660", "USD")]
    assert world.asked == [TODAY]


def test_going_through_a_day_again_finds_nothing_new(world: World) -> None:
    world.sent("SM1")
    world.pages = [(listed("SM1"),)]
    world.reconciler.go_through_day(TODAY)
    world.found.clear()
    world.reconciler.go_through_day(TODAY)
    assert world.found == []


def test_a_price_that_is_not_known_yet_is_booked_another_day(world: World) -> None:
    world.sent("SM1")
    world.pages = [(listed("SM1", price=""),)]
    world.reconciler.go_through_day(TODAY)
    assert world.priced == []
    world.pages = [(listed("SM1"),)]
    world.reconciler.go_through_day(TODAY)
    assert len(world.priced) == 1


def test_a_failure_nobody_reported_is_on_the_receipt_with_its_reason(world: World) -> None:
    key = world.sent("SM1")
    world.pages = [(listed("SM1", state="undelivered", error="30003"),)]
    world.reconciler.go_through_day(TODAY)
    receipt = world.office.receipt(key)
    assert (receipt.state, receipt.error) == (ReceiptState.UNDELIVERED, "30003")


def test_what_nobody_here_sent_is_told_of_by_its_id(world: World) -> None:
    world.pages = [(listed("SM-stray"),)]
    world.reconciler.go_through_day(TODAY)
    assert world.found == [(Found.STRAY, "SM-stray")]
    assert world.priced == []


def test_an_inbound_text_of_a_longer_outage_is_recorded_too(world: World) -> None:
    world.pages = [(received("SM5"),)]
    world.reconciler.go_through_day(TODAY)
    assert world.found == [(Found.MISSED, "SM5")]


def test_a_second_copy_of_a_message_is_a_double_send(world: World) -> None:
    key = world.sent("SM1")
    entry, _ = receipts.get(world.office.table, key)
    receipts.point(world.office.table, entry, "twilio", "SM2")
    world.pages = [(listed("SM2"),)]
    world.reconciler.go_through_day(TODAY)
    assert (Found.DOUBLE, "SM2") in world.found


def test_a_currency_without_a_rate_holds_up_no_other(world: World) -> None:
    world.sent("SM1")
    world.sent("SM2")
    world.pages = [(listed("SM1", currency="XXX"), listed("SM2"))]
    world.reconciler.go_through_day(TODAY)
    assert (Found.UNREADABLE, "SM1") in world.found
    assert (Found.PRICE, "SM2") in world.found


def test_a_day_too_long_for_one_run_says_so(world: World) -> None:
    world.sent("SM1")
    world.pages = [(listed("SM1"), listed("SM2"))]
    world.time_left = 1
    assert not world.reconciler.go_through_day(TODAY)


# ---- the function


@dataclass
class Context:
    """What Lambda tells of an invocation."""

    left: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left


@pytest.mark.parametrize(
    ("run", "paths"),
    [
        ("inbound", ["To=%2B14155550000", "To=whatsapp%3A%2B14155550009"]),
        ("day", ["DateSent=", "DateSent="]),
    ],
)
def test_the_schedule_says_what_is_asked(
    table: Table, monkeypatch: pytest.MonkeyPatch, run: str, paths: list[str]
) -> None:
    deploy(monkeypatch)
    with (
        provider(Reply(200, b'{"messages": [], "next_page_uri": null}')) as twilio,
        fresh_containers("reconcile") as [handler],
    ):
        monkeypatch.setenv("TWILIO_API_URL", twilio.url)
        handler.lambda_handler({"run": run}, Context())
    assert len(twilio.requests) == len(paths)
    for request, part in zip(twilio.requests, paths, strict=True):
        assert part in request.path


def test_a_missed_text_is_on_the_timeline_after_the_functions_run(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch)
    created = format_datetime(datetime.now(UTC) - timedelta(minutes=10))
    text = {
        "sid": "SM9",
        "from": ANA_PHONE.value,
        "to": "+15005550006",
        "body": "did you get this?",
        "direction": "inbound",
        "status": "received",
        "date_created": created,
    }
    content = json.dumps({"messages": [text], "next_page_uri": None, **text}).encode()
    with (
        provider(Reply(200, content)) as twilio,
        fresh_containers("reconcile") as [handler],
    ):
        monkeypatch.setenv("TWILIO_API_URL", twilio.url)
        for _ in range(2):
            handler.lambda_handler({"run": "inbound"}, Context())
    assert receipts.find(table, "twilio", "SM9")


def test_a_day_that_was_not_finished_is_an_error(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch)
    sent = {
        "sid": "SM9",
        "from": "+15005550006",
        "to": ANA_PHONE.value,
        "body": "hello",
        "direction": "outbound-api",
        "status": "delivered",
        "date_created": format_datetime(NOW),
    }
    with (
        provider(Reply(200, json.dumps({"messages": [sent]}).encode())) as twilio,
        fresh_containers("reconcile") as [handler],
    ):
        monkeypatch.setenv("TWILIO_API_URL", twilio.url)
        with pytest.raises(UnavailableError, match="longer"):
            handler.lambda_handler({"run": "day"}, Context(left=10_000))


def test_a_real_price_is_booked_once_however_often_the_day_is_gone_through(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch)
    world = World(
        Office(Table(table._client, table.name, signing_keys("keys").identity_key), bodies)
    )
    sent = world.sent("SM9")
    row = {
        "sid": "SM9",
        "from": "+15005550006",
        "to": ANA_PHONE.value,
        "body": "It left today.",
        "direction": "outbound-api",
        "status": "delivered",
        "date_created": format_datetime(NOW),
        "price": None,
        "price_unit": "USD",
    }
    booked = []
    for price in (None, "-0.01660", "-0.01660"):
        content = json.dumps({"messages": [row | {"price": price}]}).encode()
        with (
            provider(Reply(200, content)) as twilio,
            fresh_containers("reconcile") as [handler],
        ):
            monkeypatch.setenv("TWILIO_API_URL", twilio.url)
            handler.lambda_handler({"run": "day"}, Context())
        booked.append(world.office.receipt(sent).booked_micro_usd)
    estimate, first, second = booked
    carrier_fee = 3_500  # is no part of the provider's price
    assert (first, second) == (estimate - (11_800 - carrier_fee) + 16_600, first)

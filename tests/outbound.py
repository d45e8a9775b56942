"""The sending side of the product on one table: an agent, a courier, and providers that record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from shared.deliver import Courier, Outcome, Outlet
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry
from shared.model.errors import UnavailableError
from shared.model.events import Change
from shared.model.receipt import Receipt, ReceiptKey
from shared.model.recording import Marker
from shared.model.sending import (
    Accepted,
    ListedMessage,
    OutboundMessage,
    Refused,
    SendResult,
    StatusReport,
    Unknown,
)
from shared.providers.twilio import status_url
from shared.receipts import apply_report
from shared.send import SendRequest, Sent, send
from shared.store import due, receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import NOW
from tests.hub import KEYS, Hub

DOMAIN = "in.example.com"
BASE = "https://hooks.example.com"
PROVIDERS = {
    Channel.SMS: "twilio",
    Channel.WHATSAPP: "twilio",
    Channel.EMAIL: "ses",
    Channel.CHAT: "chat",
}

_numbers = count(1)


def price_out(entry: Entry) -> Cost:
    """A flat price for what is sent."""
    return Cost(
        provider_micro_usd=8_300,
        carrier_fee_micro_usd=3_500,
        own_micro_usd=25,
        category=f"{entry.channel}.outbound",
        units=1,
        rate="test",
    )


@dataclass
class Provider:
    """A provider that keeps what it was sent and answers what it is told to, in the end yes.

    `while_sending` is called after a message has left and before the answer comes.
    """

    answers: list[SendResult] = field(default_factory=list)
    sent: list[OutboundMessage] = field(default_factory=list)
    while_sending: Callable[[], Any] = lambda: None

    def send(self, message: OutboundMessage) -> SendResult:
        self.sent.append(message)
        self.while_sending()
        if self.answers:
            return self.answers.pop(0)
        return Accepted(f"id-{len(self.sent)}", (f"id-{len(self.sent)}@email.amazonses.com",))


@dataclass
class Carrier:
    """A provider with a list like Twilio's, which may lag, and reports, which may be late or lost.

    `fates` are what becomes of one request after the other, in the end `answered`:
    `answer-lost` and `killed-after` leave a message behind, `request-lost`, `killed-before` and
    `busy` none. `reports_after` None loses all reports.
    """

    clock: Callable[[], datetime]
    fates: list[str] = field(default_factory=list)
    lag: timedelta = timedelta(0)
    reports_after: timedelta | None = None
    is_down: bool = False
    taken: list[ListedMessage] = field(default_factory=list)
    keys: dict[str, ReceiptKey] = field(default_factory=dict)

    def send(self, message: OutboundMessage) -> SendResult:
        fate = self.fates.pop(0) if self.fates else "answered"
        if fate == "killed-before":
            raise Killed
        if fate == "busy":
            return Refused("20429", final=False)
        if fate == "request-lost":
            return Unknown("no-answer")
        provider_id = self.take(message.to.value, message.sender, message.text)
        self.keys[provider_id] = message.key
        if fate == "killed-after":
            raise Killed
        return Unknown("no-answer") if fate == "answer-lost" else Accepted(provider_id)

    def take(self, to: str, sender: str, text: str) -> str:
        """A message is in the provider's books, whoever brought it; returns its id."""
        provider_id = f"SM{next(_numbers)}"
        self.taken.append(
            ListedMessage(
                provider_id=provider_id,
                direction=Direction.OUTBOUND,
                to=to,
                sender=sender,
                text=text,
                state="sent",
                created_at=self.clock(),
                updated_at=self.clock(),
            )
        )
        return provider_id

    def sent_to(
        self, channel: Channel, to: str, sender: str, since: datetime
    ) -> tuple[ListedMessage, ...]:
        if self.is_down:
            raise UnavailableError("Twilio's list cannot be read")
        shown = (it for it in self.taken if it.created_at + self.lag <= self.clock())
        return tuple(it for it in shown if it.to == to and sender in ("", it.sender))

    def report(self, table: Table) -> None:
        """Every report that has become due by now arrives, however often it did before."""
        if self.reports_after is None:
            return
        for message in self.taken:
            key = self.keys.get(message.provider_id)
            if key and message.created_at + self.reports_after <= self.clock():
                report = StatusReport(
                    provider="twilio", provider_id=message.provider_id, state="delivered"
                )
                apply_report(key, report, table=table, now=self.clock())


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Office:
    """A table, a clock, and all that brings messages out."""

    table: Table
    bodies: Bodies
    provider: Provider = field(default_factory=Provider)
    carrier: Carrier | None = None
    now: datetime = NOW
    time_left: timedelta = timedelta(seconds=60)
    numbers: tuple[str, ...] = ("+15005550006",)

    @property
    def hub(self) -> Hub:
        """Where messages come in."""
        return Hub(self.table, self.bodies)

    def answer(self, contact_id: str, text: str = "It left today.", **fields: Any) -> Sent:
        """An agent, or another `author`, writes to a contact."""
        request = SendRequest(
            contact_id=contact_id,
            author=fields.pop("author", Author(AuthorType.AGENT, "agent")),
            marker=Marker(provider="api", id=str(next(_numbers))),
            change=Change(events=("EntryRecorded",), cause="api:agent", correlation="request"),
            text=text,
            **fields,
        )
        return send(
            request,
            table=self.table,
            bodies=self.bodies,
            now=self.now,
            price=price_out,
            mail_domain=DOMAIN,
        )

    def deliver(self, key: ReceiptKey) -> Outcome:
        """The message's turn on the queue."""
        courier = Courier(
            table=self.table,
            bodies=self.bodies,
            outlet=self.outlet,
            mail_domain=DOMAIN,
            reply_keys=KEYS,
            media_link=lambda key: f"https://content.example.com/{key}?signed",
            read_file=lambda attachment: f"bytes of {attachment.name}".encode(),
            clock=lambda: self.now,
            time_left=lambda: self.time_left,
        )
        return courier.deliver(key)

    def outlet(self, channel: Channel) -> Outlet:
        by_twilio = PROVIDERS[channel] == "twilio"
        return Outlet(
            provider=PROVIDERS[channel],
            sender=self.carrier or self.provider,
            senders=self.numbers if by_twilio else (f"support@{DOMAIN}",),
            status_url=lambda key: status_url(BASE, key) if by_twilio else "",
            sent=self.carrier if by_twilio else None,
            public_url=BASE,
            idempotent=channel is Channel.CHAT,
        )

    def wait(self, **by: float) -> None:
        """Time passes."""
        self.now += timedelta(**by)

    def due(self) -> list[ReceiptKey]:
        """What the sweep would wake now."""
        return [it for it in due.ready(self.table, self.now) if isinstance(it, ReceiptKey)]

    def receipt(self, key: ReceiptKey) -> Receipt:
        receipt = receipts.get_receipt(self.table, key)
        assert receipt
        return receipt


def key_of(sent: Sent) -> ReceiptKey:
    """Where a message that was written lies."""
    entry = sent.entry
    return ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id)

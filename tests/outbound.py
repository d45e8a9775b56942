"""The sending side of the product on one table: an agent, a courier, and providers that record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from shared.deliver import Courier, Outcome, Outlet
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Entry
from shared.model.events import Change
from shared.model.receipt import Receipt, ReceiptKey
from shared.model.recording import Marker
from shared.model.sending import Accepted, OutboundMessage, SendResult
from shared.providers.twilio import status_url
from shared.send import SendRequest, Sent, send
from shared.store import due, receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import NOW
from tests.hub import KEYS, Hub

DOMAIN = "in.example.com"
BASE = "https://hooks.example.com"
PROVIDERS = {Channel.SMS: "twilio", Channel.EMAIL: "ses", Channel.CHAT: "chat"}

_numbers = count(1)


def price_out(entry: Entry) -> Cost:
    """A flat price for what is sent."""
    return Cost(
        provider_micro_usd=11_800,
        own_micro_usd=22,
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
class Office:
    """A table, a clock, and all that brings messages out."""

    table: Table
    bodies: Bodies
    provider: Provider = field(default_factory=Provider)
    now: datetime = NOW
    time_left: timedelta = timedelta(seconds=60)

    @property
    def hub(self) -> Hub:
        """Where messages come in."""
        return Hub(self.table, self.bodies)

    def answer(self, contact_id: str, text: str = "It left today.", **fields: Any) -> Sent:
        """An agent writes to a contact."""
        request = SendRequest(
            contact_id=contact_id,
            author=Author(AuthorType.AGENT, "agent"),
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
            clock=lambda: self.now,
            time_left=lambda: self.time_left,
        )
        return courier.deliver(key)

    def outlet(self, channel: Channel) -> Outlet:
        return Outlet(
            provider=PROVIDERS[channel],
            sender=self.provider,
            address="+15005550006" if channel is Channel.SMS else f"support@{DOMAIN}",
            status_url=lambda key: status_url(BASE, key) if channel is Channel.SMS else "",
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

"""Random histories of messages and what they cost, and what must be true of the ledger after them.

`python -m tests.ledger_history 10000` runs one of ten thousand messages and says what came of it.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from shared import merge
from shared.model.errors import ConflictError, ThroughlineError
from shared.model.identity import Address, IdentityKind
from shared.model.ledger import CostLine
from shared.model.message import InboundMessage
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, Refused, StatusReport, Unknown
from shared.rate_card import rate_card
from shared.receipts import apply_report
from shared.reprice import reprice
from shared.store import metering
from shared.store.ledger import read_line
from shared.store.metering import Counted
from tests.builders import chat, mail, sms
from tests.outbound import Office, key_of
from tests.streams import written
from tests.world import World

PEOPLE = 12
PRICES = ("-0.00830", "-0.01660", "-0.0000005", "0", "-0.0123456", "")
CURRENCIES = ("USD", "USD", "USD", "EUR", "JPY", "XTS")
STATES = ("sent", "delivered", "undelivered", "failed", "canceled", "read")
ANSWERS = (
    Accepted("", ()),
    Accepted("", ()),
    Accepted("", ()),
    Refused("21211", final=True),
    Refused("20429", final=False),
    Unknown("no-answer"),
)


@dataclass
class History:
    """One office's history, `messages` long; everything may come again, late, and out of order."""

    office: Office
    dice: random.Random
    arrived: list[InboundMessage] = field(default_factory=list)
    sent: list[ReceiptKey] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    def run(self, messages: int) -> None:
        while len(self.arrived) + len(self.sent) < messages:
            self.office.wait(minutes=self.dice.randint(0, 30))
            step = self.dice.choices(
                [self.arrive, self.repeat, self.answer, self.turn, self.report, self.bill],
                [4, 1, 4, 4, 5, 4],
            )[0]
            self.steps[step.__name__] += 1
            step()
            if self.dice.random() < 0.002:
                self.join()

    def arrive(self) -> None:
        make = self.dice.choice([_text, _mail, _chat])
        message = make(self.dice.randrange(PEOPLE), self.dice, self.office)
        self.arrived.append(message)
        self.contacts.append(self.office.hub.receive(message, now=self.office.now).contact_id)

    def repeat(self) -> None:
        if self.arrived:
            again = self.dice.choice(self.arrived[-50:])
            self.office.hub.receive(again, now=self.office.now)

    def answer(self) -> None:
        if self.contacts:
            contact = self.dice.choice(self.contacts[-100:])
            self.sent.append(key_of(self.office.answer(contact)))

    def turn(self) -> None:
        if self.sent:
            given = self.dice.choice(ANSWERS)
            if isinstance(given, Accepted):
                given = Accepted(f"id-{self.dice.getrandbits(64)}", ())
            self.office.provider.answers = [given]
            self._try(self.office.deliver, self._any_sent())

    def report(self) -> None:
        if self.sent:
            key = self._any_sent()
            receipt = self.office.receipt(key)
            said = StatusReport(
                provider=receipt.provider or "twilio",
                provider_id=receipt.provider_id or "id-early",
                state=self.dice.choice(STATES),
            )
            self._try(apply_report, key, said, table=self.office.table, now=self.office.now)

    def bill(self) -> None:
        """A price, as often as not one that was said before."""
        if self.sent:
            key, table, now = self._any_sent(), self.office.table, self.office.now
            amount, currency = self.dice.choice(PRICES), self.dice.choice(CURRENCIES)
            for _ in range(self.dice.choice([1, 1, 2])):
                self._try(reprice, key, amount, currency, table=table, card=rate_card(), now=now)

    def join(self) -> None:
        one, other = self.dice.sample(sorted(set(self.contacts)), 2)
        decision = merge.Decision(by="agent", reason="the same")
        self._try(merge.merge, self.office.table, one, other, decision, now=self.office.now)

    def _any_sent(self) -> ReceiptKey:
        return self.dice.choice(self.sent[-60:])

    def _try(self, step: Any, *given: Any, **named: Any) -> None:
        """What is refused is part of the history."""
        try:
            step(*given, **named)
        except (ThroughlineError, ConflictError):
            self.steps["refused"] += 1


def _text(person: int, dice: random.Random, office: Office) -> InboundMessage:
    sender = Address(IdentityKind.PHONE, f"+1415555{1000 + person}")
    return sms(sender=sender, segments=dice.randint(1, 4), received_at=office.now)


def _mail(person: int, dice: random.Random, office: Office) -> InboundMessage:
    sender = Address(IdentityKind.EMAIL, f"p{person}@example.com")
    message = mail(sender=sender, received_at=office.now)
    late = office.now - timedelta(days=dice.choice([0, 0, 3, 30]))
    return replace(message, occurred_at=late)


def _chat(person: int, dice: random.Random, office: Office) -> InboundMessage:
    return chat(visitor=Address(IdentityKind.CHAT, f"v-{person}"), received_at=office.now)


# ---- what must be true


def facts(office: Office) -> list[CostLine]:
    """Every amount in the table."""
    items = (item for item in written(office.table) if item["type"] in ("entry", "cost_line"))
    return [line for item in items if (line := read_line(item))]


def check(office: Office) -> list[CostLine]:
    """Entries and deltas are the contacts' totals and the receipts' booked amounts, exactly."""
    lines = facts(office)
    totals, channels, messages = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    for line in lines:
        amount = line.cost.total_micro_usd
        totals[line.address_key] += amount
        channels[line.address_key, line.channel] += amount
        messages[line.entry_id] += amount
    world = World.of(office.table)
    assert "" not in totals
    for key, identity in world.identities.items():
        assert identity.cost_micro_usd == totals[key]
        for channel, amount in identity.cost_by_channel.items():
            assert amount == channels[key, channel]
    for item in world.items:
        if item["type"] == "receipt":
            assert item.get("booked", 0) == messages[item["entry"]]
    assert all(line.cost.total_micro_usd for line in lines if line.kind != "estimate")
    return lines


def check_meter(office: Office, lines: list[CostLine], dice: random.Random) -> None:
    """The months' running sums are the ledger's, whatever the stream's reader repeats."""
    shards = [lines[number::3] for number in range(3)]
    for number, shard in enumerate(shards):
        counted = [Counted(str(at), line) for at, line in enumerate(shard, start=1)]
        for batch in _batches(counted, dice):
            metering.add(office.table, f"shardId-{number}", batch)
    months = Counter[str]()
    for line in lines:
        months[f"{line.at:%Y-%m}"] += line.cost.total_micro_usd
    for month, amount in months.items():
        assert metering.month_to_date(office.table, month) == amount


def _batches(counted: list[Counted], dice: random.Random) -> Iterator[list[Counted]]:
    """In order, of any length, now and then beginning anew a little further back."""
    at = 0
    while at < len(counted):
        length = dice.randint(1, 200)
        yield counted[at : at + length]
        at = max(at + length - (dice.randint(0, 300) if dice.random() < 0.3 else 0), 0)


def main(messages: int, seed: int) -> None:
    """One long history, on DynamoDB Local; message bodies are short and need no bucket."""
    import boto3

    from shared.store.bodies import Bodies
    from shared.store.table import Table
    from tests.dynamodb_local import running
    from tests.table_schema import create_table

    with running() as endpoint:
        client = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 it has none
        )
        create_table(client, "throughline")
        office = Office(Table(client, "throughline", b"key"), Bodies(lambda: client, "none"))  # type: ignore[arg-type,return-value]  # never asked
        dice, started = random.Random(seed), time.monotonic()
        history = History(office, dice)
        history.run(messages)
        lines = check(office)
        check_meter(office, lines, dice)
        kinds = Counter(str(line.kind) for line in lines)
        total = sum(line.cost.total_micro_usd for line in lines)
        print(f"{messages} messages, seed {seed}, {time.monotonic() - started:.0f} s")
        print(f"steps {dict(history.steps)}")
        print(f"lines {dict(kinds)}, {total} micro-USD: ledger, totals, receipts, meter the same")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)

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

from shared import erase
from shared.join import join
from shared.merge import Decision, merge, undo
from shared.model.due import Task, TaskKind
from shared.model.entry import Author, AuthorType
from shared.model.errors import ConflictError, ThroughlineError
from shared.model.identity import Address, IdentityKind
from shared.model.ledger import CostLine
from shared.model.message import InboundMessage
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, Refused, StatusReport, Unknown
from shared.rate_card import rate_card
from shared.receipts import apply_report
from shared.reprice import reprice
from shared.split import move, split
from shared.store import contacts, due, keys, metering, receipts
from shared.store.attributes import from_wire, to_wire
from shared.store.ledger import read_line
from shared.store.metering import Counted
from shared.store.objects import Objects
from shared.store.table import Leg, Put, Table
from tests.builders import chat, mail, sms
from tests.outbound import Office, key_of
from tests.streams import written
from tests.world import World

WHY = Decision(by="agent", reason="the history says so")

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


class Metered(Table):
    """A table whose stream is read: the amounts that were ever added to it, each under its id."""

    def __init__(self, table: Table) -> None:
        super().__init__(table._client, table.name, table._identity_key)
        self.amounts: dict[str, CostLine] = {}

    def write(self, *legs: Leg) -> None:
        super().write(*legs)
        for leg in legs:
            if not isinstance(leg, Put) or leg.item["type"] not in ("entry", "cost_line"):
                continue
            if leg.item.get("moved"):  # it was added elsewhere
                continue
            if line := read_line(from_wire(to_wire(leg.item))):
                assert self.amounts.setdefault(line.id, line) == line, f"{line.id} is added twice"


@dataclass
class History:
    """One office's history, `messages` long; everything may come again, late, and out of order."""

    office: Office
    dice: random.Random
    decides: float = 0.05  # how often agents do something about who is who
    arrived: list[InboundMessage] = field(default_factory=list)
    sent: list[ReceiptKey] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    def run(self, messages: int) -> None:
        decisions = [self.merge, self.undo, self.split, self.join, self.erase]
        while len(self.arrived) + len(self.sent) < messages:
            self.office.wait(minutes=self.dice.randint(0, 30))
            step = self.dice.choices(
                [self.arrive, self.repeat, self.answer, self.turn, self.report, self.bill],
                [4, 1, 4, 4, 5, 4],
            )[0]
            if self.contacts and self.dice.random() < self.decides:
                step = self.dice.choices(decisions, [5, 3, 3, 3, 1])[0]
            self.steps[step.__name__] += 1
            step()
        self.office.wait(days=1)
        self.sweep()

    def arrive(self) -> None:
        make = self.dice.choice([_text, _mail, _chat])
        message = make(self.dice.randrange(PEOPLE), self.dice, self.office)
        self.arrived.append(message)
        recorded = self.office.hub.receive(message, now=self.office.now)
        if recorded.contact_id:  # it is not late, after an erasure
            self.contacts.append(recorded.contact_id)

    def repeat(self) -> None:
        if self.arrived:
            again = self.dice.choice(self.arrived[-50:])
            self.office.hub.receive(again, now=self.office.now)

    def answer(self) -> None:
        if self.contacts:
            self._try(lambda: self.sent.append(key_of(self.office.answer(self._any_contact()))))

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
            receipt = receipts.get_receipt(self.office.table, key)  # None: it was erased
            said = StatusReport(
                provider=(receipt and receipt.provider) or "twilio",
                provider_id=(receipt and receipt.provider_id) or "id-early",
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

    def merge(self) -> None:
        one, other = self._any_contact(), self._any_contact()
        found = self._try(merge, self.office.table, one, other, WHY, now=self.office.now)
        self.merges += [found.id] if found else []

    def undo(self) -> None:
        if self.merges:
            chosen = self.dice.choice(self.merges)
            self._try(undo, self.office.table, chosen, WHY, now=self.office.now)

    def split(self) -> None:
        table, now = self.office.table, self.office.now
        contact = self._try(contacts.get_contact, table, self._any_contact())
        if contact and contact.identities:
            address = self.dice.choice(contact.identities).address
            found = self._try(split, table, contact.root.id, address, WHY, now=now)
            if found and self.dice.random() < 0.5:  # else it waits for the sweep
                move(table, found.id, now=now)

    def join(self) -> None:
        contact = self._try(contacts.get_contact, self.office.table, self._any_contact())
        if contact and len(contact.root.open) > 1:
            into, other = self.dice.sample(sorted(contact.root.open), 2)
            agent = Author(AuthorType.AGENT, "agent")
            said = {"author": agent, "reason": "one matter", "now": self.office.now}
            self._try(join, self.office.table, into, other, **said)

    def erase(self) -> None:
        contact = self._try(contacts.get_contact, self.office.table, self._any_contact())
        if contact:
            root, members = contact.root.id, contact.root.members
            named = {"by": "agent", "now": self.office.now}
            begun = self._try(erase.begin, self.office.table, root, members, **named)
            if begun and self.dice.random() < 0.5:
                self._finish_erasing(root)

    def sweep(self) -> None:
        """What was begun comes to its end."""
        for task in due.ready(self.office.table, self.office.now):
            match task:
                case Task(kind=TaskKind.SPLIT):
                    assert move(self.office.table, task.id, now=self.office.now)
                case Task(kind=TaskKind.ERASURE):
                    self._finish_erasing(task.id)

    def _finish_erasing(self, contact_id: str) -> None:
        bucket: Any = _NoObjects()
        given = {"content": bucket, "mails": bucket, "now": self.office.now}
        erase.finish(self.office.table, contact_id, **given)

    def _any_contact(self) -> str:
        return self.dice.choice(self.contacts[-100:])

    def _any_sent(self) -> ReceiptKey:
        return self.dice.choice(self.sent[-60:])

    def _try(self, step: Any, *given: Any, **named: Any) -> Any:
        """What is refused is part of the history."""
        try:
            return step(*given, **named)
        except (ThroughlineError, ConflictError):
            self.steps["refused"] += 1
            return None


class _NoObjects(Objects):
    """A bucket that nothing was ever put into."""

    def __init__(self) -> None:
        super().__init__(lambda: None, "none")  # type: ignore[arg-type,return-value]  # never asked

    def _versions(self, key: str) -> Any:
        return []


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
    """Entries and deltas are the contacts' totals and the receipts' booked amounts, exactly.

    What erased people cost stands on an account of nobody's, and nothing else does.
    """
    lines = facts(office)
    totals, channels, messages = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    for line in lines:
        assert bool(line.address_key) == (line.home != keys.ERASED) == bool(line.entry_id)
        amount = line.cost.total_micro_usd
        totals[line.address_key] += amount
        channels[line.address_key, line.channel] += amount
        messages[line.entry_id] += amount
    world = World.of(office.table)
    for key, identity in world.identities.items():
        assert identity.cost_micro_usd == totals[key]
        for channel, amount in identity.cost_by_channel.items():
            assert amount == channels[key, channel]
    for item in world.items:
        if item["type"] == "receipt":
            assert item.get("booked", 0) == messages[item["entry"]]
    booked = [line for line in lines if line.kind != "estimate" and line.home != keys.ERASED]
    assert all(line.cost.total_micro_usd for line in booked)
    return lines


def check_meter(office: Office, lines: list[CostLine], dice: random.Random) -> list[CostLine]:
    """The months' running sums are the ledger's, whatever the stream's reader repeats.

    Returns what the stream brought: all that was ever added, also of whom nothing else is left.
    """
    assert isinstance(office.table, Metered)
    added = list(office.table.amounts.values())
    shards = [added[number::3] for number in range(3)]
    for number, shard in enumerate(shards):
        counted = [Counted(str(at), line) for at, line in enumerate(shard, start=1)]
        for batch in _batches(counted, dice):
            metering.add(office.table, f"shardId-{number}", batch)
    months = Counter[str]()
    for line in lines:
        months[f"{line.at:%Y-%m}"] += line.cost.total_micro_usd
    for month, amount in months.items():
        assert metering.month_to_date(office.table, month) == amount
    return added


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
        table = Metered(Table(client, "throughline", b"key"))
        office = Office(table, Bodies(lambda: client, "none"))  # type: ignore[arg-type,return-value]  # never asked
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

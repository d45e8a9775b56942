"""Random histories, interleaved call by call, with deaths: what table.md promises holds throughout.

An operation is a pure choice of numbers, so a failing history shrinks to a short one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

import boto3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import erase
from shared.merge import Decision, merge, undo
from shared.model.due import Task, TaskKind
from shared.model.errors import ConflictError, GoneError, NotFoundError, UnavailableError
from shared.model.identity import Address, IdentityKind
from shared.model.message import InboundMessage
from shared.rules.erasure import GRACE
from shared.split import move, split
from shared.store import contacts, conversations, due
from shared.store.bodies import Bodies
from shared.store.objects import Objects
from shared.store.table import Table
from tests.builders import later, mail, sms
from tests.conftest import BUCKET, IDENTITY_KEY, REGION
from tests.hub import Hub
from tests.interleaving import Interleaving
from tests.table_schema import create_table
from tests.world import World

PHONES = [Address(IdentityKind.PHONE, f"+1415555010{n}") for n in range(4)]
MAILS = [Address(IdentityKind.EMAIL, f"c{n}@example.com") for n in range(3)]
ADDRESSES = [*PHONES, *MAILS]
WHY = Decision(by="agent", reason="a test says so")

Operation = tuple[str, int, int]
OPERATIONS = st.one_of(
    st.tuples(st.just("message"), st.integers(0, 6), st.integers(0, 3)),
    st.tuples(st.just("message"), st.integers(0, 6), st.integers(0, 3)),
    st.tuples(st.just("again"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("reply"), st.integers(4, 6), st.integers(4, 6)),
    st.tuples(st.just("merge"), st.integers(0, 6), st.integers(0, 6)),
    st.tuples(st.just("undo"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("split"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("resolve"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("join"), st.integers(0, 6), st.integers(0, 9)),
    st.tuples(st.just("erase"), st.integers(0, 6), st.just(0)),
)
BATCHES = st.lists(st.lists(OPERATIONS, min_size=1, max_size=4), min_size=1, max_size=6)
_numbers = count()


@dataclass
class Story:
    """One table and what was done to it; knows only ids, never what they should lead to."""

    hub: Hub
    merges: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    delivered: list["Delivery"] = field(default_factory=list)
    erased: set[Address] = field(default_factory=set)
    day: int = 0

    @property
    def now(self) -> datetime:
        """Whole days pass, and all of one day happens at once."""
        return later(days=self.day)

    def operation(self, chosen: Operation) -> Callable[[], Any]:
        """The operation a choice stands for."""
        verb, one, two = chosen
        action: Callable[[int, int], Callable[[], Any]] = getattr(self, f"_{verb}")
        return action(one, two)

    def _message(self, one: int, two: int) -> Callable[[], Any]:
        address, number = ADDRESSES[one], next(_numbers)
        if address.kind is IdentityKind.EMAIL:
            wire = mail(
                sender=address,
                subject=f"subject {two}",
                message_id=f"{address.value}-{self.day}-{two}",
                ses_id=f"s{number}",
                received_at=self.now,
            )
        else:
            wire = sms(sender=address, sid=f"SM{number}", received_at=self.now)
        return self._deliver(wire)

    def _reply(self, one: int, two: int) -> Callable[[], Any]:
        """Mail that cites another address's first mail: a guest's, unless they are one person."""
        cited = f"{ADDRESSES[two].value}-0-0"
        name = f"r{next(_numbers)}"
        return self._deliver(
            mail(sender=ADDRESSES[one], ses_id=name, references=(cited,), received_at=self.now)
        )

    def _deliver(self, wire: InboundMessage) -> Callable[[], Any]:
        delivery = Delivery(self, wire)
        self.delivered.append(delivery)
        return delivery.arrive

    def _again(self, one: int, _: int) -> Callable[[], Any]:
        """A provider delivers one of the latest messages once more, perhaps at the same time."""
        latest = [delivery for delivery in self.delivered[-3:] if delivery.may_come_again]
        return latest[one % len(latest)].arrive if latest else lambda: None

    def retry(self) -> None:
        """Providers deliver everything once more."""
        for delivery in self.delivered:
            if delivery.may_come_again:
                delivery.arrive()

    def _merge(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            survivor, other = self._contact(one), self._contact(two)
            record = merge(self.hub.table, survivor, other, WHY, now=self.now)
            self.merges.append(record.id)

        return _tolerant(act)

    def _undo(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.merges:
                chosen = self.merges[one % len(self.merges)]
                undo(self.hub.table, chosen, WHY, now=self.now)

        return _tolerant(act)

    def _split(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            contact = self._contact(one)
            record = split(self.hub.table, contact, ADDRESSES[one], WHY, now=self.now)
            move(self.hub.table, record.id, now=self.now)

        return _tolerant(act)

    def _resolve(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.conversations:
                chosen = self.conversations[one % len(self.conversations)]
                self.hub.resolve(chosen, now=self.now)

        return _tolerant(act)

    def _join(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            root = contacts.get_contact(self.hub.table, self._contact(one)).root
            open_ones = sorted(root.open)
            if len(open_ones) > 1:
                seen, into = (
                    conversations.get(self.hub.table, open_ones[(two + n) % len(open_ones)])
                    for n in (0, 1)
                )
                conversations.join(self.hub.table, seen, into, now=self.now, by="agent")

        return _tolerant(act)

    def _erase(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            contact = contacts.get_contact(self.hub.table, self._contact(one))
            self.erased |= {identity.address for identity in contact.identities}
            root, members = contact.root.id, contact.root.members
            erase.begin(self.hub.table, root, members, by="agent", now=self.now)
            self._finish_erasing(root)

        return _tolerant(act)

    def _finish_erasing(self, contact_id: str) -> None:
        bucket = Objects(self.hub.bodies._client, BUCKET)
        erase.finish(self.hub.table, contact_id, content=bucket, mails=bucket, now=self.now)

    def _contact(self, number: int) -> str:
        identity = contacts.get_identity(self.hub.table, ADDRESSES[number])
        if identity is None or identity.erased_at:
            raise NotFoundError("nobody")
        return identity.home

    def sweep(self) -> None:
        """Splits and erasures that were cut short come to their end."""
        for task in due.ready(self.hub.table, later(days=self.day + 1)):
            match task:
                case Task(kind=TaskKind.SPLIT):
                    move(self.hub.table, task.id, now=self.now)
                case Task(kind=TaskKind.ERASURE):
                    self._finish_erasing(task.id)


@dataclass(frozen=True)
class Delivery:
    """One provider's one request, which may come again."""

    story: Story
    wire: InboundMessage

    def arrive(self) -> None:
        recorded = self.story.hub.receive(self.wire, now=self.wire.received_at)
        self.story.conversations.append(recorded.conversation_id)

    @property
    def may_come_again(self) -> bool:
        """No provider tries for longer than an erased person's late messages are waited for."""
        return not self.story.erased or self.story.now - self.wire.received_at <= GRACE


def _tolerant(act: Callable[[], None]) -> Callable[[], None]:
    def tolerant() -> None:
        with suppress(ConflictError, NotFoundError, GoneError, UnavailableError):
            act()

    return tolerant


@contextmanager
def new_story(table: Table, bodies: Bodies) -> Iterator[Story]:
    """A story on an empty table of its own, beside the one given."""
    client = boto3.client(
        "dynamodb", region_name=REGION, endpoint_url=table._client.meta.endpoint_url
    )
    name = f"world-{next(_numbers)}"
    create_table(client, name)
    try:
        yield Story(Hub(Table(client, name, IDENTITY_KEY), bodies))
    finally:
        client.delete_table(TableName=name)


def tell(story: Story, batches: list[list[Operation]], seed: int, deaths: float) -> None:
    """Run the batches, checking what must hold after every transaction, then redeliver all."""
    random = Random(seed)
    table = story.hub.table

    def check() -> None:
        world = World.of(table)
        world.check_roots()
        world.check_open_maps()
        world.check_participants()

    interleaving = Interleaving(table, check)
    for batch in batches:
        operations = [story.operation(chosen) for chosen in batch]
        for one in interleaving.run(operations, random, deaths=deaths):
            if one.error:
                raise one.error
        story.retry()
        if days := random.choice([0, 0, 1, 8]):
            story.sweep()
            story.day += days
    story.sweep()
    world = World.of(table)
    world.check()
    check_messages(story, world)


def check_messages(story: Story, world: World) -> None:
    """Every message is there once, or has gone with its sender and left what it cost, once."""
    there = {entry.provider.id for entry in world.messages if entry.provider}
    for delivery in story.delivered:
        assert delivery.wire.delivery.id in there or delivery.wire.sender in story.erased, "lost"
    left = sum(item["cost"]["units"] for item in world.items if item["type"] == "cost_line")
    counted = len(world.messages) + left
    assert counted == len(story.delivered) or (story.erased and counted < len(story.delivered))


FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(batches=BATCHES, seed=st.integers(0, 2**32))
def test_whatever_happens_at_once_nothing_is_lost_doubled_or_mixed(
    table: Table, bodies: Bodies, batches: list[list[Operation]], seed: int
) -> None:
    with new_story(table, bodies) as story:
        tell(story, batches, seed, deaths=0.0)


@FEW
@given(batches=BATCHES, seed=st.integers(0, 2**32))
def test_whoever_dies_at_whatever_call_nothing_is_lost_doubled_or_mixed(
    table: Table, bodies: Bodies, batches: list[list[Operation]], seed: int
) -> None:
    with new_story(table, bodies) as story:
        tell(story, batches, seed, deaths=0.15)

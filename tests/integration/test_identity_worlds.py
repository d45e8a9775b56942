"""Random histories, interleaved call by call, with deaths: what table.md promises holds throughout.

An operation is a pure choice of numbers, so a failing history shrinks to a short one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import boto3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.merge import Decision, merge, undo
from shared.model.errors import ConflictError, NotFoundError, UnavailableError
from shared.model.identity import Address, IdentityKind
from shared.split import move, split
from shared.store import contacts, conversations
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import later, mail, sms
from tests.conftest import IDENTITY_KEY, REGION
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
)
BATCHES = st.lists(st.lists(OPERATIONS, min_size=1, max_size=4), min_size=1, max_size=6)
_numbers = count()


@dataclass
class Story:
    """One table and what was done to it; knows only ids, never what they should lead to."""

    hub: Hub
    merges: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    delivered: list[Callable[[], Any]] = field(default_factory=list)
    day: int = 0

    def operation(self, chosen: Operation) -> Callable[[], Any]:
        """The operation a choice stands for."""
        verb, one, two = chosen
        action: Callable[[int, int], Callable[[], Any]] = getattr(self, f"_{verb}")
        return action(one, two)

    def _message(self, one: int, two: int) -> Callable[[], Any]:
        address, number = ADDRESSES[one], next(_numbers)
        now = later(days=self.day)
        if address.kind is IdentityKind.EMAIL:
            wire = mail(
                sender=address,
                subject=f"subject {two}",
                message_id=f"{address.value}-{self.day}-{two}",
                ses_id=f"s{number}",
                received_at=now,
            )
        else:
            wire = sms(sender=address, sid=f"SM{number}", received_at=now)
        return self._deliver(lambda: self.hub.receive(wire, now=now))

    def _reply(self, one: int, two: int) -> Callable[[], Any]:
        """Mail that cites another address's first mail: a guest's, unless they are one person."""
        cited = f"{ADDRESSES[two].value}-0-0"
        wire = mail(sender=ADDRESSES[one], ses_id=f"r{next(_numbers)}", references=(cited,))
        return self._deliver(lambda: self.hub.receive(wire, now=later(days=self.day)))

    def _deliver(self, action: Callable[[], Any]) -> Callable[[], Any]:
        def deliver() -> None:
            recorded = action()
            self.conversations.append(recorded.conversation_id)

        self.delivered.append(deliver)
        return deliver

    def _again(self, one: int, _: int) -> Callable[[], Any]:
        """A provider delivers one of the latest messages once more, perhaps at the same time."""
        latest = self.delivered[-3:]
        return latest[one % len(latest)] if latest else lambda: None

    def _merge(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            survivor, other = self._contact(one), self._contact(two)
            record = merge(self.hub.table, survivor, other, WHY, now=later(days=self.day))
            self.merges.append(record.id)

        return _tolerant(act)

    def _undo(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.merges:
                chosen = self.merges[one % len(self.merges)]
                undo(self.hub.table, chosen, WHY, now=later(days=self.day))

        return _tolerant(act)

    def _split(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            contact = self._contact(one)
            now = later(days=self.day)
            record = split(self.hub.table, contact, ADDRESSES[one], WHY, now=now)
            self.splits.append(record.id)
            move(self.hub.table, record.id, now=now)

        return _tolerant(act)

    def _resolve(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.conversations:
                chosen = self.conversations[one % len(self.conversations)]
                self.hub.resolve(chosen, now=later(days=self.day))

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
                now = later(days=self.day)
                conversations.join(self.hub.table, seen, into, now=now, by="agent")

        return _tolerant(act)

    def _contact(self, number: int) -> str:
        identity = contacts.get_identity(self.hub.table, ADDRESSES[number])
        if identity is None:
            raise NotFoundError("nobody yet")
        return identity.home

    def finish_splits(self) -> None:
        """What the sweep does for splits that were cut short."""
        for split_id in self.splits:
            move(self.hub.table, split_id, now=later(days=self.day))


def _tolerant(act: Callable[[], None]) -> Callable[[], None]:
    def tolerant() -> None:
        with suppress(ConflictError, NotFoundError, UnavailableError):
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
        story.day += random.choice([0, 0, 1, 8])
    for redeliver in story.delivered:
        redeliver()
    story.finish_splits()
    world = World.of(table)
    world.check()
    assert len(world.messages) == len(story.delivered), "a message was lost"


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

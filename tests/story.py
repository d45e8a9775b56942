"""What may happen to a handful of people at once, told operation by operation to one table.

An operation is a pure choice of numbers, so a failing history shrinks to a short one. The story
knows only ids, never what they should lead to: that is `World`'s part.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch

import boto3

from shared import erase
from shared.attach import attach
from shared.join import join
from shared.link import link
from shared.merge import Decision, merge, undo
from shared.model.conversation import State
from shared.model.due import Task, TaskKind
from shared.model.entry import Author, AuthorType
from shared.model.errors import ConflictError, GoneError, NotFoundError, UnavailableError
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.message import Delivery as Request
from shared.model.message import InboundMessage
from shared.rules.erasure import GRACE
from shared.rules.matching import Policy
from shared.split import move, split
from shared.store import contacts, conversations, due, keys
from shared.store.bodies import Bodies
from shared.store.objects import Objects
from shared.store.table import Table
from tests.builders import chat, later, mail, sms
from tests.conftest import BUCKET, IDENTITY_KEY, REGION
from tests.hub import Hub
from tests.interleaving import Interleaving
from tests.table_schema import create_table
from tests.world import World

PHONES = [Address(IdentityKind.PHONE, f"+1415555010{n}") for n in range(4)]
MAILS = [Address(IdentityKind.EMAIL, f"c{n}@example.com") for n in range(3)]
VISITORS = [Address(IdentityKind.CHAT, f"shop:v{n}") for n in range(2)]
ADDRESSES = [*PHONES, *MAILS, *VISITORS]
WHY = Decision(by="agent", reason="a test says so")

Operation = tuple[str, int, int]
Run = Callable[[Sequence[Callable[[], Any]]], None]
_WAITING = ("settle", "merge", "split", "link", "erase")
_numbers = count()


@dataclass
class Story:
    """One table and what was done to it."""

    hub: Hub
    merges: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    delivered: list["Delivery"] = field(default_factory=list)
    erased: set[Address] = field(default_factory=set)
    resolving: dict[str, set[datetime]] = field(default_factory=dict)
    day: int = 0
    before: World = field(default_factory=World)

    @property
    def now(self) -> datetime:
        """Whole days pass, and all of one day happens at once."""
        return later(days=self.day)

    def operation(self, chosen: Operation) -> Callable[[], Any]:
        """The operation a choice stands for."""
        verb, one, two = chosen
        action: Callable[[int, int], Callable[[], Any]] = getattr(self, f"_{verb}")
        return action(one, two)

    # ---- what providers deliver

    def _message(self, one: int, two: int) -> Callable[[], Any]:
        address, number = ADDRESSES[one], next(_numbers)
        match address.kind:
            case IdentityKind.EMAIL:
                wire = self._mail(one, two, f"s{number}")
            case IdentityKind.CHAT:
                wire = chat(visitor=address, webhook_id=f"w{number}", received_at=self.now)
            case _:
                wire = sms(sender=address, sid=f"SM{number}", received_at=self.now)
        return self._deliver(wire)

    def _mail(self, one: int, two: int, ses_id: str, **fields: Any) -> InboundMessage:
        address = ADDRESSES[one]
        return mail(
            sender=address,
            subject=f"subject {two}",
            message_id=f"{address.value}-{self.day}-{two}",
            fingerprint=f"words of {ses_id}",
            ses_id=ses_id,
            received_at=self.now,
            **fields,
        )

    def _spoof(self, one: int, two: int) -> Callable[[], Any]:
        """Mail that says it is from somebody, under a Message-ID they may have used."""
        name = f"f{next(_numbers)}"
        return self._deliver(self._mail(one, two, name, trust=Trust.CLAIMED))

    def _twice(self, one: int, _: int) -> Callable[[], Any]:
        """One of the latest mails reaches another of our addresses too; or is forged word by word.

        Both have its Message-ID, its sender and its words.
        """
        mails = [delivery.wire for delivery in self.delivered[-4:] if delivery.wire.fingerprint]
        if not mails:
            return lambda: None
        trust = Trust.CLAIMED if one % 3 == 2 else Trust.VERIFIED
        copy = replace(
            mails[one % len(mails)], delivery=Request("ses", f"c{next(_numbers)}"), trust=trust
        )
        return self._deliver(copy)

    def _reply(self, one: int, two: int) -> Callable[[], Any]:
        """Mail that cites another address's first mail: a guest's, unless they are one person."""
        cited = f"{ADDRESSES[two].value}-0-0"
        name = f"r{next(_numbers)}"
        return self._deliver(
            mail(sender=ADDRESSES[one], ses_id=name, references=(cited,), received_at=self.now)
        )

    def _vouch(self, one: int, two: int) -> Callable[[], Any]:
        """A site signs that its visitor has an address, which makes or joins contacts."""
        wire = chat(
            visitor=VISITORS[one % len(VISITORS)],
            vouched=(ADDRESSES[two],),
            webhook_id=f"w{next(_numbers)}",
            received_at=self.now,
        )
        return self._deliver(wire)

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

    # ---- what agents do

    def _merge(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            survivor, other = self._contact(one), self._contact(two)
            record = merge(self.hub.table, survivor, other, WHY, now=self.now)
            self.merges.append(record.id)

        return _tolerant(act)

    def _undo(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.merges:
                chosen = self.merges[-1 - one % len(self.merges)]
                undo(self.hub.table, chosen, WHY, now=self.now)

        return _tolerant(act)

    def _split(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            contact = self._contact(one)
            record = split(self.hub.table, contact, ADDRESSES[one], WHY, now=self.now)
            move(self.hub.table, record.id, now=self.now)

        return _tolerant(act)

    def _begin(self, one: int, _: int) -> Callable[[], Any]:
        """A split whose mover dies at once."""

        def act() -> None:
            split(self.hub.table, self._contact(one), ADDRESSES[one], WHY, now=self.now)

        return _tolerant(act)

    def _flag(self, one: int, _: int) -> Callable[[], Any]:
        """An erasure that dies as soon as it is asked for."""

        def act() -> None:
            root = contacts.get_contact(self.hub.table, self._contact(one)).root
            erase.begin(self.hub.table, root.id, root.members, by="agent", now=self.now)

        return _tolerant(act)

    def _attach(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            attach(self.hub.table, self._contact(one), ADDRESSES[two], now=self.now, by="agent")

        return _tolerant(act)

    def _resolve(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.conversations:
                chosen = self.conversations[-1 - one % len(self.conversations)]
                seen = self.hub.conversation(chosen)
                self.resolving.setdefault(seen.id, set()).add(seen.last_activity_at)
                conversations.change(
                    self.hub.table, seen, now=self.now, by="agent", state=State.RESOLVED
                )

        return _tolerant(act)

    def _reopen(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            if self.conversations:
                chosen = self.conversations[-1 - one % len(self.conversations)]
                seen = self.hub.conversation(chosen)
                if seen.resolved_at:
                    conversations.change(
                        self.hub.table, seen, now=self.now, by="agent", state=State.OPEN
                    )

        return _tolerant(act)

    def _join(self, one: int, two: int) -> Callable[[], Any]:
        def act() -> None:
            root = contacts.get_contact(self.hub.table, self._contact(one)).root
            open_ones = sorted(root.open)
            if len(open_ones) > 1:
                seen, into = (open_ones[(two + n) % len(open_ones)] for n in (0, 1))
                agent = Author(AuthorType.AGENT, "agent")
                join(self.hub.table, into, seen, author=agent, reason="one", now=self.now)

        return _tolerant(act)

    def _erase(self, one: int, _: int) -> Callable[[], Any]:
        def act() -> None:
            contact = contacts.get_contact(self.hub.table, self._contact(one))
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

    # ---- what must be true

    def watch(self, *, each_write: bool = False) -> World:
        """The table now, in which all that must hold at any instant does.

        What one write may do cannot be told from several: a message may lie on a conversation that
        an undo of the same moment gave to somebody else.
        """
        world = World.of(self.hub.table)
        for address in ADDRESSES:
            identity = world.identities.get(self.hub.table.address_key(address))
            if identity and identity.erased_at:
                self.erased.add(address)
        world.check_roots()
        world.check_open_maps()
        world.check_participants()
        if each_write:
            world.check_news(self.before)
        self._check_resolved(world)
        self.before = world
        return world

    def _check_resolved(self, world: World) -> None:
        """Whoever resolves a conversation has seen the last that happened in it."""
        for seen, activities in self.resolving.items():
            before, now = (each.conversations.get(seen) for each in (self.before, world))
            if before and now and now.resolved_at and not before.resolved_at and not now.joined:
                assert now.last_activity_at in activities, f"{seen} is resolved unseen"

    def check(self, random: Random) -> None:
        """Everything that must hold once all has been delivered and swept."""
        self.retry()
        self.sweep()
        world = self.watch()
        world.check()
        world.check_inboxes()
        world.check_merges()
        self.check_messages(world)
        self.check_algebra(random)

    def check_messages(self, world: World) -> None:
        """Every message is there once, or has gone with its sender and left its cost, once."""
        there = {item["PK"] for item in world.items if item["type"] == "delivery"}
        for wire in (delivery.wire for delivery in self.delivered):
            marker = keys.delivery(wire.delivery.provider, wire.delivery.id)
            assert marker.pk in there or wire.sender in self.erased, f"{wire.delivery.id} is lost"
        left = sum(item["cost"]["units"] for item in world.items if item["type"] == "cost_line")
        counted, sent = len(world.messages) + left, len({each.words for each in self.delivered})
        assert counted == sent or (self.erased and counted < sent), f"{sent} sent, {counted} there"

    def check_algebra(self, random: Random) -> None:
        """A merge and its undoing leave nothing behind, and neither do all, in any order."""
        table = self.hub.table
        world = World.of(table)
        roots = sorted(p.id for p in world.profiles.values() if p.is_root and not p.erasing)
        if len(roots) > 1:
            one, other = random.sample(roots, 2)
            with suppress(ConflictError):  # no contact has more open conversations than its cap
                record = merge(table, one, other, WHY, now=self.now)
                undo(table, record.id, WHY, now=self.now)
                assert World.of(table).people() == world.people(), "merge; undo left something"
        edges = [edge[0] for root in roots for edge in world.profiles[root].edges]
        random.shuffle(edges)
        for merge_id in edges:
            undo(table, merge_id, WHY, now=self.now)
        world = self.watch()
        for profile in world.profiles.values():
            assert profile.erasing or profile.members == {profile.id}, "an undone merge still binds"


@dataclass(frozen=True)
class Delivery:
    """One provider's one request, which may come again."""

    story: Story
    wire: InboundMessage

    def arrive(self) -> None:
        """Record it; then link whoever it vouches for, as a webhook does."""
        recorded = self.story.hub.receive(self.wire, now=self.wire.received_at)
        if recorded.conversation_id:
            self.story.conversations.append(recorded.conversation_id)
        with suppress(UnavailableError):  # the provider delivers it once more
            linked = link(
                self.wire,
                recorded,
                table=self.story.hub.table,
                now=self.wire.received_at,
                policy=Policy(),
            )
            self.story.merges += linked.merged

    @property
    def words(self) -> tuple[object, ...]:
        """What makes it a message of its own: two deliveries of one mail are one."""
        wire = self.wire
        if wire.fingerprint:
            return wire.sender, wire.trust, wire.fingerprint
        return wire.delivery.provider, wire.delivery.id

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


def tell(story: Story, batches: list[list[Operation]], seed: int, *, deaths: float = 0.0) -> None:
    """Run the batches, one call of all at a time; what must hold is checked after every write."""
    random = Random(seed)
    interleaving = Interleaving(story.hub.table, partial(story.watch, each_write=True))

    def run(operations: Sequence[Callable[[], Any]]) -> None:
        for one in interleaving.run(operations, random, deaths=deaths):
            if one.error:
                raise one.error

    with ExitStack() as stack:
        for module in _WAITING:  # whose turn it is does not depend on the time
            stack.enter_context(patch(f"shared.{module}.sleep", lambda _: None))
        _tell(story, batches, random, run)


def tell_at_once(story: Story, batches: list[list[Operation]], seed: int) -> None:
    """Run each batch's operations in threads of their own, as they come, on a real engine."""
    with ThreadPoolExecutor(8) as pool:

        def run(operations: Sequence[Callable[[], Any]]) -> None:
            for each in [pool.submit(operation) for operation in operations]:
                each.result()
            story.watch()

        _tell(story, batches, Random(seed), run)


def _tell(story: Story, batches: list[list[Operation]], random: Random, run: Run) -> None:
    """After each batch everything is delivered again, and at times days go by."""
    for batch in batches:
        run([story.operation(chosen) for chosen in batch])
        story.retry()
        story.watch()
        if days := random.choice([0, 0, 1, 8]):
            story.sweep()
            story.watch()
            story.day += days
    story.check(random)

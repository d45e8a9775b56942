"""Many deliveries at one instant, on an engine with real concurrency."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from shared.merge import Decision, merge
from shared.model.entry import Channel
from shared.model.errors import ConflictError
from shared.record import Outcome, Recorded
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests import dynamodb_local
from tests.builders import ANA_PHONE, NOW, sms
from tests.hub import Hub
from tests.timelines import lay, profile
from tests.world import World

# moto's table is plain Python objects without a lock: it cannot show what happens at one instant.
pytestmark = [
    pytest.mark.parametrize("table", ["dynamodb-local"], indirect=True),
    pytest.mark.skipif(not dynamodb_local.is_there(), reason="needs Java and Maven"),
]


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def at_once(action: Callable[[int], Any], number: int) -> list[Any]:
    """Run `action(0)` … `action(number - 1)`, sixteen at a time."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(action, range(number)))


def test_a_hundred_first_messages_at_once_over_sms_and_whatsapp_make_one_contact_and_conversation(
    hub: Hub,
) -> None:
    def receive(number: int) -> Recorded:
        channel = Channel.WHATSAPP if number % 2 else Channel.SMS
        return hub.receive(replace(sms(f"text {number}"), channel=channel))

    recorded = at_once(receive, 100)
    contact = hub.contact(ANA_PHONE)
    assert {r.outcome for r in recorded} == {Outcome.RECORDED}
    assert {r.contact_id for r in recorded} == {contact.root.id}
    assert {r.conversation_id for r in recorded} == {c.id for c in contact.conversations}
    assert len(contact.conversations) == 1
    assert contact.identities[0].messages == 100
    assert contact.identities[0].cost_micro_usd == 100 * 8_310
    assert len(World.of(hub.table).messages) == 100


def test_one_delivery_arriving_fifty_times_at_once_counts_once(hub: Hub) -> None:
    recorded = at_once(lambda _: hub.receive(sms(sid="SM-same")), 50)
    outcomes = [r.outcome for r in recorded]
    assert outcomes.count(Outcome.RECORDED) == 1
    assert outcomes.count(Outcome.DUPLICATE) == 49
    assert hub.contact(ANA_PHONE).identities[0].messages == 1


def test_of_opposite_merges_at_one_instant_one_wins_two_hundred_times(hub: Hub) -> None:
    pairs = [(f"ctc_{number:03}a", f"ctc_{number:03}b") for number in range(200)]
    lay(hub.table, *(profile(contact) for pair in pairs for contact in pair))
    together = [Barrier(2) for _ in pairs]

    def one_way(number: int) -> bool:
        survivor, other = pairs[number // 2][:: -1 if number % 2 else 1]
        together[number // 2].wait(30)
        try:
            merge(hub.table, survivor, other, Decision(by="agent", reason="both ways"), now=NOW)
        except ConflictError:
            return False
        return True

    won = at_once(one_way, 400)
    assert [won[number : number + 2].count(True) for number in range(0, 400, 2)] == [1] * 200
    world = World.of(hub.table)
    world.check_roots()
    assert sum(each.is_root for each in world.profiles.values()) == 200

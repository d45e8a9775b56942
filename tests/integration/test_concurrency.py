"""Many deliveries at one instant, on an engine with real concurrency."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.record import Outcome
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests import dynamodb_local
from tests.builders import ANA_PHONE, sms
from tests.hub import Hub

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


def test_a_hundred_first_messages_at_once_make_one_contact_and_one_conversation(hub: Hub) -> None:
    recorded = at_once(lambda number: hub.receive(sms(f"text {number}")), 100)
    contact = hub.contact(ANA_PHONE)
    assert {r.outcome for r in recorded} == {Outcome.RECORDED}
    assert {r.contact_id for r in recorded} == {contact.root.id}
    assert {r.conversation_id for r in recorded} == {c.id for c in contact.conversations}
    assert len(contact.conversations) == 1
    assert contact.identities[0].messages == 100
    assert contact.identities[0].cost_micro_usd == 100 * 8_309


def test_one_delivery_arriving_fifty_times_at_once_counts_once(hub: Hub) -> None:
    recorded = at_once(lambda _: hub.receive(sms(sid="SM-same")), 50)
    outcomes = [r.outcome for r in recorded]
    assert outcomes.count(Outcome.RECORDED) == 1
    assert outcomes.count(Outcome.DUPLICATE) == 49
    assert hub.contact(ANA_PHONE).identities[0].messages == 1

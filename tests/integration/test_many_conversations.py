"""Beyond a number of open conversations a contact opens no more: messages join the newest."""

import pytest

from shared.merge import Decision, merge, undo
from shared.model.contact import OPEN_CAP
from shared.model.conversation import State
from shared.model.errors import ConflictError
from shared.model.identity import Address, Trust
from shared.model.suggestion import Caution
from shared.receive import receive
from shared.rules.matching import Policy
from shared.split import move, split
from shared.store import contacts, conversations, suggestions
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, price, sms
from tests.hub import Hub
from tests.world import World

AGENT = Decision(by="agent-1", reason="a test says so")
# moto copies its tables for each transaction.
pytestmark = pytest.mark.parametrize("table", ["moto"], indirect=True)


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def open_many(hub: Hub, number: int = OPEN_CAP) -> list[str]:
    """A machine mails about one matter after the other; the ids of the conversations."""
    return [hub.receive(mail(subject=f"alert {n}")).conversation_id for n in range(number)]


def test_one_matter_too_many_joins_the_newest_and_nothing_is_lost(hub: Hub) -> None:
    opened = open_many(hub)
    more = [hub.receive(mail(subject=f"one more {n}")) for n in range(2)]
    assert {each.conversation_id for each in more} == {max(opened)}
    assert set(hub.contact(ANA_EMAIL).root.open) == set(opened)
    world = World.of(hub.table)
    world.check()
    assert len(world.messages) == OPEN_CAP + 2


def test_a_resolved_one_makes_room_and_is_not_reopened_without(hub: Hub) -> None:
    opened = open_many(hub)
    hub.resolve(opened[0])
    first = hub.receive(mail(subject="one more"), now=later(minutes=1))
    assert first.conversation_id not in opened
    again = hub.receive(mail("and?", subject="alert 0"), now=later(minutes=1))
    assert again.conversation_id != opened[0]
    seen = hub.conversation(opened[0])
    with pytest.raises(ConflictError):
        conversations.change(hub.table, seen, now=NOW, by="agent-1", state=State.OPEN)
    assert hub.conversation(opened[0]).state is State.RESOLVED
    World.of(hub.table).check()


def test_a_forgers_mail_is_marked_on_the_newest_and_changes_nothing_there(hub: Hub) -> None:
    opened = open_many(hub)
    before = hub.conversation(max(opened))
    forged = hub.receive(mail(subject="pay here", trust=Trust.CLAIMED), now=later(hours=1))
    assert forged.conversation_id == before.id
    assert hub.conversation(before.id) == before


def test_contacts_with_too_many_open_between_them_are_not_merged(hub: Hub) -> None:
    open_many(hub)
    other = hub.receive(sms())
    with pytest.raises(ConflictError, match="resolve some first"):
        merge(hub.table, hub.contact(ANA_EMAIL).root.id, other.contact_id, AGENT, now=NOW)


def test_proof_that_would_join_too_much_is_a_question_to_an_agent(hub: Hub) -> None:
    open_many(hub)
    hub.receive(sms())
    received = receive(
        chat(vouched=(ANA_EMAIL, ANA_PHONE)),
        table=hub.table,
        bodies=hub.bodies,
        now=NOW,
        price=price,
        policy=Policy(),
    )
    assert received
    (asked,) = suggestions.list_open(hub.table, limit=5).suggestions
    assert Caution.FULL in asked.cautions
    assert hub.contact(ANA_EMAIL).root.id != hub.contact(ANA_PHONE).root.id


def test_at_the_cap_a_merge_can_be_undone_and_an_address_split_off(hub: Hub) -> None:
    """Even where every conversation is both sides': a transaction has a hundred parts."""
    opened = open_many(hub, OPEN_CAP - 1)
    home = hub.contact(ANA_EMAIL).root.id
    other = hub.receive(sms())
    record = merge(hub.table, home, other.contact_id, AGENT, now=NOW)
    take_part(hub, ANA_PHONE, opened)
    undo(hub.table, record.id, AGENT, now=NOW)
    World.of(hub.table).check()
    hub.receive(chat(vouched=(ANA_EMAIL,)))
    opened = sorted(hub.contact(ANA_EMAIL).root.open)
    take_part(hub, ANA_CHAT, opened)
    made = split(hub.table, home, ANA_EMAIL, AGENT, now=NOW)
    assert move(hub.table, made.id, now=NOW)
    assert len(hub.contact(ANA_EMAIL).root.open) == OPEN_CAP - 1
    World.of(hub.table).check()


def take_part(hub: Hub, address: Address, conversation_ids: list[str]) -> None:
    """One more address has written in these conversations."""
    identity = contacts.get_identity(hub.table, address)
    assert identity
    for conversation_id in conversation_ids:
        hub.table._client.update_item(
            TableName=hub.table.name,
            Key={"PK": {"S": f"CONVERSATION#{conversation_id}"}, "SK": {"S": "CONVERSATION"}},
            UpdateExpression="SET parts.#key = :home",
            ExpressionAttributeNames={"#key": identity.key},
            ExpressionAttributeValues={":home": {"S": identity.home}},
        )

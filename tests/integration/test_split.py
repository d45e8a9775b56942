"""Splitting: an address and its own history become another person's, and nothing else does."""

import pytest

from shared.merge import Decision, merge
from shared.model.errors import ConflictError, NotFoundError
from shared.split import move, split
from shared.store import contacts, keys
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, mail, sms
from tests.hub import Hub

AGENT = Decision(by="agent-1", reason="this number is her son's")


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def texts(hub: Hub, contact_id: str) -> list[str]:
    """The texts in one contact's own partition."""
    found = hub.table.query(
        keys.contact(contact_id), between=(keys.ENTRY, keys.ENTRY + "~"), limit=500, ascending=True
    )
    return [item.get("text", "") for item in found.items if item.get("kind") == "message"]


def test_a_split_moves_the_address_its_history_and_its_open_conversation(hub: Hub) -> None:
    first = hub.receive(chat("from the chat", vouched=(ANA_PHONE,)))
    for number in range(90):
        hub.receive(sms(f"text {number}"))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    son, mother = hub.contact(ANA_PHONE), hub.contact(ANA_CHAT)
    assert son.root.id == record.target
    assert texts(hub, son.root.id) == [f"text {number}" for number in range(90)]
    assert texts(hub, mother.root.id) == ["from the chat"]
    assert [c.continued_from for c in son.conversations] == [first.conversation_id]
    assert son.identities[0].messages == 90
    assert not son.root.arriving
    assert not mother.root.moving


def test_a_message_during_the_move_lands_with_its_new_contact(hub: Hub) -> None:
    first = hub.receive(chat(vouched=(ANA_PHONE,)))
    hub.receive(sms("before"))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    during = hub.receive(sms("during"))
    assert during.contact_id == record.target
    assert move(hub.table, record.id, now=NOW)
    assert sorted(texts(hub, record.target)) == ["before", "during"]


def test_a_move_that_was_cut_short_goes_on_where_it_was(hub: Hub) -> None:
    first = hub.receive(chat(vouched=(ANA_PHONE,)))
    for number in range(100):
        hub.receive(sms(f"text {number}"))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    turns = iter([True, False])
    assert not move(hub.table, record.id, now=NOW, go_on=lambda: next(turns))
    assert move(hub.table, record.id, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    assert len(texts(hub, record.target)) == 100


def test_the_address_of_a_merged_member_can_be_split_off(hub: Hub) -> None:
    by_mail = hub.receive(mail())
    by_chat = hub.receive(chat(vouched=(ANA_PHONE,)))
    hub.receive(sms("his"))
    merge(hub.table, by_mail.contact_id, by_chat.contact_id, AGENT, now=NOW)
    record = split(hub.table, by_mail.contact_id, ANA_PHONE, AGENT, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    assert {i.address for i in hub.contact(ANA_EMAIL).identities} == {ANA_EMAIL, ANA_CHAT}
    assert texts(hub, record.target) == ["his"]


def test_a_contacts_only_address_cannot_be_split_off(hub: Hub) -> None:
    only = hub.receive(sms())
    with pytest.raises(ConflictError, match="nothing would be left"):
        split(hub.table, only.contact_id, ANA_PHONE, AGENT, now=NOW)


def test_only_the_contacts_own_addresses_can_be_split_off(hub: Hub) -> None:
    hub.receive(sms())
    other = hub.receive(mail())
    with pytest.raises(NotFoundError):
        split(hub.table, other.contact_id, ANA_PHONE, AGENT, now=NOW)


def test_a_second_split_waits_for_the_first(hub: Hub) -> None:
    first = hub.receive(chat(vouched=(ANA_PHONE, ANA_EMAIL)))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="under way"):
        split(hub.table, first.contact_id, ANA_EMAIL, AGENT, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    split(hub.table, first.contact_id, ANA_EMAIL, AGENT, now=NOW)
    assert contacts.get_identity(hub.table, ANA_EMAIL)

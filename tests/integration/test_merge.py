"""Merging is a pointer, and undoing it is as if it had never been."""

import pytest

from shared.merge import Decision, merge, preview, undo
from shared.model.conversation import State
from shared.model.errors import ConflictError, NotFoundError
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.hub import Hub

AGENT = Decision(by="agent-1", reason="the same person")


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def test_a_merge_joins_identities_conversations_and_costs_under_the_survivor(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    contact = hub.contact(ANA_PHONE)
    assert contact.root.id == by_mail.contact_id
    assert {i.address for i in contact.identities} == {ANA_EMAIL, ANA_PHONE}
    assert {c.id for c in contact.conversations} == {
        by_mail.conversation_id,
        by_phone.conversation_id,
    }


def test_the_old_id_answers_with_the_survivor(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    assert contacts.get_contact(hub.table, by_phone.contact_id).root.id == by_mail.contact_id


def test_a_preview_changes_nothing_and_names_the_conflicts(hub: Hub) -> None:
    by_mail = hub.receive(mail(author_name="Ana"))
    by_phone = hub.receive(sms(author_name="A. Lopez"))
    seen = preview(hub.table, by_mail.contact_id, by_phone.contact_id)
    assert seen.conflicts == {"name": ("Ana", "A. Lopez")}
    assert hub.contact(ANA_PHONE).root.id == by_phone.contact_id


def test_undoing_gives_every_identity_conversation_and_cost_back(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    before = hub.contact(ANA_EMAIL), hub.contact(ANA_PHONE)
    record = merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    undo(hub.table, record.id, AGENT, now=NOW)
    after = hub.contact(ANA_EMAIL), hub.contact(ANA_PHONE)
    assert [c.identities for c in after] == [c.identities for c in before]
    assert [c.conversations for c in after] == [c.conversations for c in before]
    assert [c.root.members for c in after] == [c.root.members for c in before]


def test_merges_can_be_undone_in_any_order(hub: Hub) -> None:
    one, two, three = (
        hub.receive(mail()).contact_id,
        hub.receive(sms()).contact_id,
        hub.receive(chat()).contact_id,
    )
    first = merge(hub.table, one, two, AGENT, now=NOW)
    merge(hub.table, two, three, AGENT, now=NOW)
    undo(hub.table, first.id, AGENT, now=NOW)
    assert hub.contact(ANA_EMAIL).root.members == {one}
    assert hub.contact(ANA_PHONE).root.members == {two, three}
    assert hub.contact(ANA_CHAT).root.id == two


def test_whoever_leaves_a_conversation_takes_a_twin_of_it(hub: Hub) -> None:
    by_mail = hub.receive(mail())
    by_phone = hub.receive(sms())
    hub.resolve(by_phone.conversation_id)
    record = merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    joined = hub.receive(sms("still late"), now=later(days=8))
    assert joined.conversation_id == by_mail.conversation_id
    undo(hub.table, record.id, AGENT, now=NOW)
    (twin,) = hub.contact(ANA_PHONE).conversations
    assert twin.continued_from == by_mail.conversation_id
    assert twin.state is State.OPEN
    assert set(hub.conversation(by_mail.conversation_id).parts.values()) == {by_mail.contact_id}


def test_a_message_after_the_undo_lands_with_its_own_sender(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    record = merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    hub.receive(sms())
    undo(hub.table, record.id, AGENT, now=NOW)
    assert hub.receive(sms()).contact_id == by_phone.contact_id


def test_what_makes_no_sense_is_refused_with_its_reason(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    record = merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="already"):
        merge(hub.table, by_phone.contact_id, by_mail.contact_id, AGENT, now=NOW)
    with pytest.raises(NotFoundError):
        merge(hub.table, by_mail.contact_id, "ctc_nobody", AGENT, now=NOW)
    undo(hub.table, record.id, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="undone already"):
        undo(hub.table, record.id, AGENT, now=NOW)
    with pytest.raises(NotFoundError):
        undo(hub.table, "mrg_none", AGENT, now=NOW)


def test_a_merge_is_one_transaction_whatever_the_history(hub: Hub) -> None:
    one, two = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    calls: list[str] = []
    hub.table._client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )
    merge(hub.table, one, two, AGENT, now=NOW)
    assert calls.count("TransactWriteItems") == 1
    assert "Query" not in calls

"""Recording: counted once, on the right contact, in the right conversation."""

import random
from collections.abc import Callable

import pytest

from shared.model.conversation import State
from shared.model.errors import UnavailableError
from shared.model.identity import Address, IdentityKind, Trust
from shared.record import Outcome
from shared.rules import reply_tokens
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import (
    ANA_CHAT,
    ANA_EMAIL,
    ANA_PHONE,
    chat,
    later,
    mail,
    sms,
)
from tests.hub import KEYS, Hub


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def test_a_first_message_makes_a_contact_and_opens_a_conversation(hub: Hub) -> None:
    recorded = hub.receive(sms("my order is late"))
    contact = hub.contact(ANA_PHONE)
    assert recorded.outcome is Outcome.RECORDED
    assert contact.root.id == recorded.contact_id
    assert [c.id for c in contact.conversations] == [recorded.conversation_id]
    assert contact.identities[0].trust is Trust.VERIFIED


def test_a_delivery_that_arrives_three_times_counts_once(hub: Hub) -> None:
    first, second, third = (hub.receive(sms(sid="SM1")) for _ in range(3))
    assert [second.outcome, third.outcome] == [Outcome.DUPLICATE] * 2
    assert second.entry_id == first.entry_id
    identity = contacts.get_identity(hub.table, ANA_PHONE)
    assert identity
    assert (identity.messages, identity.cost_micro_usd) == (1, 8_310)
    assert identity.cost_by_channel == {"sms": 8_310}


def test_a_second_message_goes_on_in_the_open_conversation(hub: Hub) -> None:
    first, second = hub.receive(sms()), hub.receive(sms())
    assert second.conversation_id == first.conversation_id


def test_an_answer_within_seven_days_reopens_and_later_opens_a_linked_new_one(hub: Hub) -> None:
    first = hub.receive(sms())
    hub.resolve(first.conversation_id)
    again = hub.receive(sms(), now=later(days=6))
    assert again.conversation_id == first.conversation_id
    assert hub.conversation(first.conversation_id).state is State.OPEN
    hub.resolve(first.conversation_id, now=later(days=6))
    new = hub.receive(sms(), now=later(days=14))
    assert new.conversation_id != first.conversation_id
    assert hub.conversation(new.conversation_id).continued_from == first.conversation_id


def test_mail_on_another_subject_opens_a_new_conversation(hub: Hub) -> None:
    first = hub.receive(mail(subject="Where is my order?"))
    same = hub.receive(mail(subject="Re: Where is my order?"))
    other = hub.receive(mail(subject="A refund, please"))
    assert same.conversation_id == first.conversation_id
    assert other.conversation_id != first.conversation_id
    assert other.contact_id == first.contact_id


def test_mail_that_cites_an_earlier_mail_continues_its_conversation(hub: Hub) -> None:
    first = hub.receive(mail(message_id="first@example.com"))
    hub.receive(mail(subject="Something else"))
    reply = hub.receive(mail(subject="Changed subject", references=("first@example.com",)))
    assert reply.conversation_id == first.conversation_id


def test_a_reply_token_in_any_case_names_the_conversation_and_a_forged_one_nothing(
    hub: Hub,
) -> None:
    first = hub.receive(mail())
    token = reply_tokens.make(KEYS, first.conversation_id)
    reply = hub.receive(mail(subject="Other", reply_token=token.upper()))
    forged = hub.receive(mail(subject="Third", reply_token=token[:-1] + "~"))
    assert reply.conversation_id == first.conversation_id
    assert forged.conversation_id != first.conversation_id


def test_a_third_party_who_answers_on_a_thread_is_a_guest_and_changes_nothing(hub: Hub) -> None:
    first = hub.receive(mail(message_id="first@example.com"))
    before = hub.conversation(first.conversation_id)
    stranger = Address(IdentityKind.EMAIL, "boss@example.org")
    reply = hub.receive(
        mail(sender=stranger, references=("first@example.com",)), now=later(hours=1)
    )
    assert reply.entry
    assert (reply.conversation_id, reply.entry.guest) == (first.conversation_id, True)
    assert reply.contact_id != first.contact_id
    assert hub.conversation(first.conversation_id) == before


def test_a_known_third_party_is_a_guest_too(hub: Hub) -> None:
    hub.receive(mail(message_id="first@example.com"))
    boss = Address(IdentityKind.EMAIL, "boss@example.org")
    hub.receive(mail(sender=boss, subject="My own matter"))
    reply = hub.receive(mail(sender=boss, references=("first@example.com",)))
    assert reply.entry
    assert reply.entry.guest


def test_spoofed_mail_of_a_known_customer_is_shown_and_sets_nothing_off(hub: Hub) -> None:
    first = hub.receive(mail())
    hub.resolve(first.conversation_id)
    before = contacts.get_identity(hub.table, ANA_EMAIL)
    spoofed = hub.receive(mail(trust=Trust.CLAIMED), now=later(hours=1))
    after = contacts.get_identity(hub.table, ANA_EMAIL)
    assert before
    assert after
    assert spoofed.contact_id == first.contact_id
    assert after.conversation == before.conversation
    assert after.trust is Trust.VERIFIED
    assert hub.conversation(first.conversation_id).state is State.RESOLVED


def test_an_automatic_reply_is_attached_and_does_not_reopen(hub: Hub) -> None:
    first = hub.receive(mail(message_id="first@example.com"))
    hub.resolve(first.conversation_id)
    auto = hub.receive(mail(automatic=True, references=("first@example.com",)))
    assert auto.conversation_id == first.conversation_id
    assert hub.conversation(first.conversation_id).state is State.RESOLVED


def test_a_verified_visitors_addresses_become_one_contacts_identities(hub: Hub) -> None:
    recorded = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    contact = hub.contact(ANA_PHONE)
    assert contact.root.id == recorded.contact_id
    assert {i.address for i in contact.identities} == {ANA_CHAT, ANA_EMAIL, ANA_PHONE}
    assert {i.trust for i in contact.identities} == {Trust.VERIFIED}


def test_a_verified_visitor_known_by_mail_joins_that_contact_and_its_conversation(
    hub: Hub,
) -> None:
    first = hub.receive(mail())
    chatted = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    assert chatted.contact_id == first.contact_id
    assert chatted.conversation_id == first.conversation_id
    assert len(hub.contact(ANA_PHONE).identities) == 3


def test_what_a_visitor_merely_typed_identifies_nobody(hub: Hub) -> None:
    first = hub.receive(mail())
    chatted = hub.receive(chat(verified=False, claims=(ANA_EMAIL, ANA_PHONE)))
    assert chatted.contact_id != first.contact_id
    assert contacts.get_identity(hub.table, ANA_PHONE) is None


def test_a_vouched_address_of_another_contact_is_left_alone(hub: Hub) -> None:
    by_phone = hub.receive(sms())
    by_mail = hub.receive(mail())
    chatted = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    assert chatted.contact_id == by_mail.contact_id
    assert hub.contact(ANA_PHONE).root.id == by_phone.contact_id


def test_the_table_is_called_twice_for_a_message(hub: Hub, aws_calls: list[str]) -> None:
    hub.receive(sms())
    first, aws_calls[:] = list(aws_calls), []
    hub.receive(sms())
    assert first == aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_a_message_survives_a_transaction_that_conflicts(
    hub: Hub, refuse_transactions: Callable[[int], None]
) -> None:
    refuse_transactions(3)
    assert hub.receive(sms()).outcome is Outcome.RECORDED
    refuse_transactions(100)
    with pytest.raises(UnavailableError):
        hub.receive(sms(sid="SM-storm"))
    refuse_transactions(0)
    assert hub.receive(sms(sid="SM-storm")).outcome is Outcome.RECORDED


def test_a_body_of_a_megabyte_is_kept_whole_beside_the_table(hub: Hub) -> None:
    text = "".join(random.Random(7).choices("abcdefghij klmnopq\n", k=1_000_000))
    recorded = hub.receive(mail(text=text))
    assert recorded.entry
    assert len(recorded.entry.text) < 3_000
    assert hub.bodies.restore(recorded.entry).text == text

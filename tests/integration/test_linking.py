"""Proof joins by policy, weak evidence only asks, and what an agent took apart stays apart."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from shared import merge as merging
from shared import suggestions
from shared.attach import attach
from shared.link import LinkOutcome, link
from shared.merge import Decision
from shared.model.entry import AuthorType, Channel, Kind
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.merge import MergeState
from shared.model.message import InboundMessage
from shared.model.suggestion import Caution, Evidence, Suggestion, SuggestionState, suggestion_id
from shared.receive import receive
from shared.record import Outcome, Recorded, record
from shared.rules.matching import Joining, Policy
from shared.split import split
from shared.store import contacts
from shared.store import merging as stored_merges
from shared.store import suggestions as stored
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, price, sms
from tests.hub import Hub
from tests.interleaving import Interleaving
from tests.world import World

AGENT = Decision(by="agent-1", reason="I know them")
ANA = Address(IdentityKind.CHAT, "shop:v-12")
SON = Address(IdentityKind.CHAT, "shop:v-99")
BSUID = Address(IdentityKind.WHATSAPP, "US.1502576394655843")
INFO = Address(IdentityKind.EMAIL, "info@example.com")


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def take(
    hub: Hub, message: InboundMessage, *, policy: Policy | None = None, days: float = 0
) -> tuple[Recorded, LinkOutcome]:
    return receive(
        message,
        table=hub.table,
        bodies=hub.bodies,
        now=later(days=days),
        price=price,
        policy=policy or Policy(),
    )


def whatsapp(sender: Address, *vouched: Address) -> InboundMessage:
    return replace(sms(sender=sender), channel=Channel.WHATSAPP, vouched=vouched)


def ana_chats(*vouched: Address, **fields: Any) -> InboundMessage:
    return chat(visitor=ANA, vouched=vouched, **fields)


def suggestion(hub: Hub, one: Address, other: Address) -> Suggestion:
    keys = (hub.table.address_key(address) for address in (one, other))
    return stored.get(hub.table, suggestion_id(*keys))


def people(hub: Hub, *addresses: Address) -> int:
    return len({hub.contact(address).root.id for address in addresses})


# ---- proof joins


def test_a_signed_e_mail_and_phone_of_two_contacts_join_and_the_older_survives(hub: Hub) -> None:
    by_mail = hub.receive(mail())
    by_phone = hub.receive(sms(), now=later(minutes=1))
    _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE), days=1)
    assert people(hub, ANA, ANA_EMAIL, ANA_PHONE) == 1
    assert hub.contact(ANA_PHONE).root.id == by_mail.contact_id
    record = stored_merges.get(hub.table, linked.merged[0])
    assert (record.by, record.at, record.other) == ("policy", later(days=1), by_phone.contact_id)
    assert record.reason == "one signed message proves an address of each (chat-signature)"
    assert set(record.pair) == {hub.table.address_key(a) for a in (ANA, ANA_PHONE)}


def test_the_timeline_shows_that_no_agent_but_the_policy_joined_them(hub: Hub) -> None:
    hub.receive(mail())
    hub.receive(sms())
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    (entry,) = (e for e in World.of(hub.table).entries if e.kind is Kind.MERGE)
    assert (entry.author.type, entry.author.id) == (AuthorType.SYSTEM, "policy")


def test_a_number_known_by_text_and_its_scoped_id_known_by_whatsapp_are_one_person(
    hub: Hub,
) -> None:
    hub.receive(sms())
    take(hub, whatsapp(BSUID))
    assert people(hub, ANA_PHONE, BSUID) == 2
    take(hub, whatsapp(ANA_PHONE, BSUID))
    assert people(hub, ANA_PHONE, BSUID) == 1


def test_a_scoped_id_first_then_with_its_number_then_a_new_id_are_one_contact(hub: Hub) -> None:
    renewed = replace(BSUID, value="US.99")
    for message in (
        whatsapp(BSUID),
        whatsapp(ANA_PHONE, BSUID),
        whatsapp(ANA_PHONE, renewed),
    ):
        take(hub, message)
    contact = hub.contact(BSUID)
    assert {i.address for i in contact.identities} == {ANA_PHONE, BSUID, renewed}
    assert len(contact.conversations) == 1


def test_undoing_such_a_merge_restores_exactly_and_nothing_joins_them_again(hub: Hub) -> None:
    hub.receive(mail())
    hub.receive(sms())
    take(hub, ana_chats(ANA_EMAIL))
    before = [hub.contact(address) for address in (ANA_EMAIL, ANA_PHONE)]
    recorded, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    assert recorded.entry
    merging.undo(hub.table, linked.merged[0], AGENT, now=later(hours=1))
    after = [hub.contact(address) for address in (ANA_EMAIL, ANA_PHONE)]
    assert [c.root.members for c in after] == [c.root.members for c in before]
    assert [c.root.open for c in after] == [c.root.open for c in before]
    assert [_lasting(c.identities) for c in after] == [_lasting(c.identities) for c in before]
    for number in range(3):
        _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE), days=number)
        assert linked == LinkOutcome()
        hub.receive(sms(), now=later(days=number))
    assert people(hub, ANA_EMAIL, ANA_PHONE) == 2
    undone = suggestion(hub, ANA, ANA_PHONE)
    assert undone.state is SuggestionState.UNDONE
    assert (undone.by, undone.decided_at, undone.reason) == (
        "agent-1",
        later(hours=1),
        "I know them",
    )


def _lasting(identities: tuple[Identity, ...]) -> list[Identity]:
    """Without what the message that was proof has added itself, and without hints."""
    return [
        replace(i, root="", messages=0, cost_micro_usd=0, cost_by_channel={}) for i in identities
    ]


def test_another_account_with_the_same_proof_asks_where_an_agent_said_no(hub: Hub) -> None:
    hub.receive(mail())
    hub.receive(sms())
    _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    merging.undo(hub.table, linked.merged[0], AGENT, now=NOW)
    other_device = chat(visitor=SON, vouched=(ANA_EMAIL, ANA_PHONE))
    _, linked = take(hub, other_device)
    assert linked.merged == ()
    assert people(hub, ANA_EMAIL, ANA_PHONE) == 2
    assert Caution.DECLINED in suggestion(hub, SON, ANA_PHONE).cautions


def test_a_message_that_was_recorded_only_is_linked_when_its_provider_retries(hub: Hub) -> None:
    hub.receive(mail())
    hub.receive(sms())
    message = ana_chats(ANA_EMAIL, ANA_PHONE)
    hub.receive(message)
    assert people(hub, ANA_EMAIL, ANA_PHONE) == 2
    recorded, linked = take(hub, message)
    assert recorded.outcome is Outcome.DUPLICATE
    assert len(linked.merged) == 1
    assert people(hub, ANA_EMAIL, ANA_PHONE) == 1


def test_what_a_merged_contact_proved_leaves_with_whoever_proved_it(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    record = merging.merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    take(hub, whatsapp(ANA_PHONE, BSUID))
    take(hub, ana_chats(ANA_PHONE))
    World.of(hub.table).check()
    merging.undo(hub.table, record.id, AGENT, now=NOW)
    assert {i.address for i in hub.contact(ANA_EMAIL).identities} == {ANA_EMAIL}
    assert {i.address for i in hub.contact(ANA_PHONE).identities} == {ANA_PHONE, BSUID, ANA}
    World.of(hub.table).check()


def test_after_an_undone_merge_proof_finds_the_right_one_of_the_two(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    record = merging.merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    hub.receive(sms())
    merging.undo(hub.table, record.id, AGENT, now=NOW)
    take(hub, ana_chats(ANA_PHONE))
    assert hub.contact(ANA).root.id == by_phone.contact_id
    World.of(hub.table).check()


# ---- weak evidence asks


def test_a_typed_e_mail_never_joins_or_reveals_and_is_suggested_once(hub: Hub) -> None:
    by_mail = hub.receive(mail("my secret"))
    typed = chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,))
    recorded, linked = take(hub, typed)
    assert recorded.contact_id != by_mail.contact_id
    assert linked.merged == ()
    made = suggestion(hub, ANA, ANA_EMAIL)
    assert linked.suggested == (made.id,)
    assert made.state is SuggestionState.OPEN
    assert made.evidence == {Evidence.CLAIMED_EMAIL}
    _, again = take(hub, chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,)), days=1)
    assert again == LinkOutcome()
    assert suggestion(hub, ANA, ANA_EMAIL) == made


def test_typing_the_address_of_nobody_suggests_nothing(hub: Hub) -> None:
    _, linked = take(hub, chat(visitor=ANA, verified=False, claims=(ANA_EMAIL, ANA_PHONE)))
    assert linked == LinkOutcome()
    assert stored.list_open(hub.table, limit=10).suggestions == ()


def test_typing_an_address_that_is_theirs_anyway_suggests_nothing(hub: Hub) -> None:
    take(hub, ana_chats(ANA_EMAIL))
    _, linked = take(hub, ana_chats(claims=(ANA_EMAIL,)))
    assert linked == LinkOutcome()


def test_an_unproven_message_in_a_verified_visitors_name_sets_nothing_off(hub: Hub) -> None:
    hub.receive(mail())
    take(hub, ana_chats())
    _, linked = take(hub, chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,)))
    assert linked == LinkOutcome()


def test_mail_that_proves_nothing_never_joins_another_contact_by_itself(hub: Hub) -> None:
    hub.receive(mail(trust=Trust.CLAIMED))
    take(hub, ana_chats())
    _, linked = take(hub, ana_chats(ANA_EMAIL))
    assert linked.merged == ()
    assert suggestion(hub, ANA, ANA_EMAIL).cautions == {Caution.UNVERIFIED}


def test_what_an_agent_asserted_is_not_proof_enough(hub: Hub) -> None:
    by_phone = hub.receive(sms())
    attach(hub.table, by_phone.contact_id, ANA_EMAIL, now=NOW, by="agent-1")
    take(hub, ana_chats())
    _, linked = take(hub, ana_chats(ANA_EMAIL))
    assert linked.merged == ()
    assert Caution.UNVERIFIED in suggestion(hub, ANA, ANA_EMAIL).cautions


def test_a_role_mailbox_never_identifies_anyone(hub: Hub) -> None:
    company = hub.receive(mail(sender=INFO))
    visitors = [
        take(hub, chat(visitor=visitor, vouched=(INFO,)))[0].contact_id for visitor in (ANA, SON)
    ]
    assert len({company.contact_id, *visitors}) == 3
    assert stored.list_open(hub.table, limit=10).suggestions == ()


def test_a_role_mailbox_of_nobodys_is_not_attached_to_whoever_comes_first(hub: Hub) -> None:
    take(hub, chat(visitor=ANA, vouched=(INFO,)))
    assert contacts.get_identity(hub.table, INFO) is None


@pytest.mark.parametrize("joining", [Joining.SUGGEST, Joining.OFF])
def test_the_operator_may_have_proof_suggest_or_do_nothing(hub: Hub, joining: Joining) -> None:
    hub.receive(mail())
    take(hub, ana_chats())
    _, linked = take(hub, ana_chats(ANA_EMAIL), policy=Policy(joining=joining))
    assert people(hub, ANA, ANA_EMAIL) == 2
    assert len(linked.suggested) == (joining is Joining.SUGGEST)


# ---- what agents said stays


def test_a_rejected_pair_is_asked_about_again_only_with_new_evidence(hub: Hub) -> None:
    hub.receive(mail())
    take(hub, chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,)))
    asked = suggestion(hub, ANA, ANA_EMAIL)
    suggestions.reject(hub.table, asked.id, AGENT, now=NOW)
    _, linked = take(hub, chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,)))
    assert linked == LinkOutcome()
    assert suggestion(hub, ANA, ANA_EMAIL).state is SuggestionState.REJECTED
    take(hub, ana_chats(ANA_EMAIL))
    again = suggestion(hub, ANA, ANA_EMAIL)
    assert again.state is SuggestionState.OPEN
    assert again.evidence == {Evidence.CLAIMED_EMAIL, Evidence.VOUCHED}
    take(hub, ana_chats(ANA_EMAIL))
    assert people(hub, ANA, ANA_EMAIL) == 2


def test_proof_does_not_take_back_an_agents_split(hub: Hub) -> None:
    first, _ = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    assert linked.merged == ()
    assert people(hub, ANA, ANA_PHONE) == 2
    assert Caution.SEPARATED in suggestion(hub, ANA, ANA_PHONE).cautions


def test_proof_that_was_there_before_does_not_take_back_an_undone_merge(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    take(hub, ana_chats(ANA_EMAIL))
    record = merging.merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    merging.undo(hub.table, record.id, AGENT, now=NOW)
    hub.receive(sms(), now=later(days=8))
    contacts.remember_root(hub.table, hub.contact(ANA_PHONE).identities[0], by_phone.contact_id)
    _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE), days=8)
    assert linked.merged == ()
    assert Caution.DECLINED in suggestion(hub, ANA, ANA_PHONE).cautions


# ---- several people, one address


def test_a_familys_phone_does_not_make_two_accounts_one_person(hub: Hub) -> None:
    ana, _ = take(hub, ana_chats(ANA_PHONE))
    son, linked = take(hub, chat(visitor=SON, vouched=(ANA_PHONE,)))
    assert son.contact_id != ana.contact_id
    assert linked.merged == ()
    asked = suggestion(hub, SON, ANA_PHONE)
    assert asked.cautions == {Caution.SECOND_ACCOUNT}
    phone = contacts.get_identity(hub.table, ANA_PHONE)
    assert phone
    assert phone.shared
    assert (phone.home, phone.candidates) == (ana.contact_id, frozenset({son.contact_id}))


def test_a_shared_phone_identifies_no_third_account_either(hub: Hub) -> None:
    take(hub, ana_chats(ANA_PHONE))
    take(hub, chat(visitor=SON, vouched=(ANA_PHONE,)))
    third, _ = take(hub, chat(visitor=replace(ANA, value="help:7"), vouched=(ANA_PHONE,)))
    assert people(hub, ANA, SON, replace(ANA, value="help:7")) == 3
    phone = contacts.get_identity(hub.table, ANA_PHONE)
    assert phone
    assert third.contact_id in phone.candidates


def test_a_shared_phones_texts_stay_where_they_were(hub: Hub) -> None:
    ana, _ = take(hub, ana_chats(ANA_PHONE))
    take(hub, chat(visitor=SON, vouched=(ANA_PHONE,)))
    recorded, linked = take(hub, sms())
    assert recorded.contact_id == ana.contact_id
    assert linked == LinkOutcome()


def test_one_customer_on_two_devices_of_a_site_is_one_contact(hub: Hub) -> None:
    take(hub, ana_chats(ANA_EMAIL))
    take(hub, chat(visitor=SON, vouched=(ANA_EMAIL,)))
    assert people(hub, ANA, SON) == 1


def test_more_addresses_than_a_person_has_are_suggested_and_an_agent_may_add_them(
    hub: Hub,
) -> None:
    phones = [Address(IdentityKind.PHONE, f"+1415555{number:04d}") for number in range(100, 111)]
    for phone in phones:
        recorded, linked = take(hub, ana_chats(phone))
    assert contacts.get_identity(hub.table, phones[-1]) is None
    assert linked.suggested == (suggestion(hub, ANA, phones[-1]).id,)
    (asked,) = suggestions.list_open(hub.table, limit=10).questions
    assert {side.address for side in asked.sides} == {ANA, phones[-1]}
    suggestions.accept(hub.table, asked.suggestion.id, AGENT, now=NOW)
    added = contacts.get_identity(hub.table, phones[-1])
    assert added
    assert (added.home, added.trust) == (recorded.contact_id, Trust.ASSERTED)
    assert take(hub, ana_chats(phones[-1]))[1] == LinkOutcome()


# ---- what it costs


@pytest.mark.parametrize(
    "message",
    [
        sms,
        lambda: whatsapp(ANA_PHONE, BSUID),
        lambda: ana_chats(ANA_EMAIL, ANA_PHONE),
    ],
    ids=["text", "whatsapp", "chat"],
)
def test_an_ordinary_message_costs_no_call_more(
    hub: Hub, aws_calls: list[str], message: Callable[[], InboundMessage]
) -> None:
    for _ in range(2):
        aws_calls.clear()
        take(hub, message())
        assert aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_after_a_merge_by_proof_the_next_message_costs_no_call_more(
    hub: Hub, aws_calls: list[str]
) -> None:
    hub.receive(mail())
    hub.receive(sms())
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    aws_calls.clear()
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_after_an_agents_merge_only_one_message_looks_who_is_who(
    hub: Hub, aws_calls: list[str]
) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    take(hub, ana_chats(ANA_EMAIL))
    merging.merge(hub.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    aws_calls.clear()
    take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_an_address_typed_again_costs_one_read(hub: Hub, aws_calls: list[str]) -> None:
    hub.receive(mail())
    typed = chat(visitor=ANA, verified=False, claims=(ANA_EMAIL,))
    take(hub, typed)
    aws_calls.clear()
    take(hub, replace(typed, delivery=replace(typed.delivery, id="again")))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems", "BatchGetItem"]


# ---- at one instant


def _two_contacts_that_prove_each_other(hub: Hub) -> tuple[InboundMessage, InboundMessage]:
    take(hub, ana_chats(ANA_EMAIL))
    take(hub, whatsapp(ANA_PHONE, BSUID))
    return ana_chats(ANA_PHONE), replace(whatsapp(BSUID, ANA_EMAIL), channel=Channel.WHATSAPP)


def test_opposite_merges_at_one_instant_make_one_contact_and_no_cycle(
    table: Table, bodies: Bodies
) -> None:
    hub = Hub(table, bodies)
    messages = _two_contacts_that_prove_each_other(hub)
    recorded = [(message, hub.receive(message)) for message in messages]

    def linking(message: InboundMessage, done: Recorded) -> Callable[[], LinkOutcome]:
        return lambda: link(message, done, table=table, now=NOW, policy=Policy())

    interleaving = Interleaving(table, lambda: World.of(table).check_roots())
    joined = 0
    for seed in range(6):
        running = interleaving.run([linking(*each) for each in recorded], Random(seed))
        assert [one.error for one in running] == [None, None]
        merged = [merge_id for one in running for merge_id in one.result.merged]
        joined += len(merged)
        assert people(hub, ANA, ANA_EMAIL, ANA_PHONE, BSUID) == 1
        World.of(table).check()
        if seed == 0:
            assert len(merged) == 1
            assert stored_merges.get(table, merged[0]).state is MergeState.ACTIVE
    assert joined == 1


@pytest.mark.parametrize("seed", range(6))
def test_opposite_merges_in_any_order_of_calls_join_once(hub: Hub, seed: int) -> None:
    messages = _two_contacts_that_prove_each_other(hub)
    table = hub.table

    def receiving(message: InboundMessage) -> Callable[[], Any]:
        return lambda: take(hub, message)

    interleaving = Interleaving(table, lambda: World.of(table).check_roots())
    running = interleaving.run([receiving(message) for message in messages], Random(seed))
    assert [one.error for one in running] == [None, None]
    assert sum(len(one.result[1].merged) for one in running) == 1
    assert people(hub, ANA, ANA_EMAIL, ANA_PHONE, BSUID) == 1
    World.of(table).check()


@pytest.mark.parametrize("seed", range(6))
def test_whoever_dies_at_whatever_call_a_retry_links_once(hub: Hub, seed: int) -> None:
    hub.receive(mail())
    hub.receive(sms())
    messages = [ana_chats(ANA_EMAIL, ANA_PHONE), ana_chats(ANA_EMAIL, ANA_PHONE)]

    def receiving(message: InboundMessage) -> Callable[[], Any]:
        return lambda: take(hub, message)

    operations = [receiving(message) for message in messages]
    interleaving = Interleaving(hub.table)
    interleaving.run(operations, Random(seed), deaths=0.2)
    for again in operations:
        again()
    assert people(hub, ANA, ANA_EMAIL, ANA_PHONE) == 1
    world = World.of(hub.table)
    world.check()
    assert len([entry for entry in world.entries if entry.kind is Kind.MERGE]) == 1


@pytest.mark.parametrize("seed", range(6))
def test_an_undo_at_the_same_instant_is_never_overruled(hub: Hub, seed: int) -> None:
    hub.receive(mail())
    hub.receive(sms())
    _, linked = take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))
    undoing = lambda: merging.undo(hub.table, linked.merged[0], AGENT, now=NOW)  # noqa: E731
    receiving = lambda: take(hub, ana_chats(ANA_EMAIL, ANA_PHONE))  # noqa: E731
    running = Interleaving(hub.table).run([undoing, receiving, receiving], Random(seed))
    assert [one.error for one in running] == [None] * 3
    assert people(hub, ANA_EMAIL, ANA_PHONE) == 2
    assert suggestion(hub, ANA, ANA_PHONE).state is SuggestionState.UNDONE
    World.of(hub.table).check()


def before_the_next_transaction(table: Table, action: Callable[[], object]) -> None:
    """Let somebody be faster by a hair."""
    waiting = [action]

    def act(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    table._client.meta.events.register("before-call.dynamodb.TransactWriteItems", act)


def test_a_split_just_before_the_merge_is_not_overruled(hub: Hub) -> None:
    joining, _ = _two_contacts_that_prove_each_other(hub)
    recorded = hub.receive(joining)
    home = hub.contact(ANA_PHONE).root.id
    before_the_next_transaction(
        hub.table, lambda: split(hub.table, home, ANA_PHONE, AGENT, now=NOW)
    )
    linked = link(joining, recorded, table=hub.table, now=NOW, policy=Policy())
    assert linked.merged == ()
    assert people(hub, ANA, ANA_PHONE, BSUID) == 3
    assert Caution.SEPARATED in suggestion(hub, ANA, ANA_PHONE).cautions


def test_an_address_found_to_be_shared_just_before_the_merge_joins_nothing(hub: Hub) -> None:
    joining, _ = _two_contacts_that_prove_each_other(hub)
    recorded = hub.receive(joining)
    phone = contacts.get_identity(hub.table, ANA_PHONE)
    assert phone
    before_the_next_transaction(
        hub.table, lambda: contacts.mark_shared(hub.table, phone, "ctc_son")
    )
    linked = link(joining, recorded, table=hub.table, now=NOW, policy=Policy())
    assert linked.merged == ()
    assert Caution.SHARED in suggestion(hub, ANA, ANA_PHONE).cautions


def test_a_merge_undone_just_before_proof_is_recorded_raises_no_strangers_trust(hub: Hub) -> None:
    other = Address(IdentityKind.EMAIL, "ana.lopez@example.org")
    ana, _ = take(hub, ana_chats())
    stranger = hub.receive(mail(sender=other, trust=Trust.CLAIMED))
    hub.resolve(stranger.conversation_id)
    record = merging.merge(hub.table, ana.contact_id, stranger.contact_id, AGENT, now=NOW)
    hub.receive(mail(sender=other, trust=Trust.CLAIMED), now=later(days=8))
    before_the_next_transaction(
        hub.table, lambda: merging.undo(hub.table, record.id, AGENT, now=later(days=8))
    )
    recorded, _ = take(hub, ana_chats(other), days=8)
    assert recorded.contact_id == ana.contact_id
    kept = contacts.get_identity(hub.table, other)
    assert kept
    assert (kept.trust, kept.home) == (Trust.CLAIMED, stranger.contact_id)
    World.of(hub.table).check()


def test_a_recorded_message_may_be_linked_twice(hub: Hub) -> None:
    hub.receive(mail())
    hub.receive(sms())
    message = ana_chats(ANA_EMAIL, ANA_PHONE)
    done = record(message, table=hub.table, bodies=hub.bodies, now=NOW, price=price)
    first, second = (
        link(message, done, table=hub.table, now=NOW, policy=Policy()) for _ in range(2)
    )
    assert len(first.merged) == 1
    assert second == LinkOutcome()

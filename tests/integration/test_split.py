"""Splitting: an address and its own history become another person's, and nothing else does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.deliver import Outcome
from shared.merge import Decision, merge
from shared.model.due import Task, TaskKind
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Address, IdentityKind
from shared.model.merge import Split
from shared.model.receipt import ReceiptState
from shared.model.sending import Refused, StatusReport
from shared.receipts import apply_report
from shared.resume import resume
from shared.split import move, split
from shared.store import contacts, due, entries, keys, splitting
from shared.store.bodies import Bodies
from shared.store.objects import Objects
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.hub import Hub
from tests.outbound import Office, key_of
from tests.streams import written

AGENT = Decision(by="agent-1", reason="this number is her son's")
BO_EMAIL = Address(IdentityKind.EMAIL, "bo@example.com")


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
    for number in range(45):
        hub.receive(sms(f"text {number}"))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    son, mother = hub.contact(ANA_PHONE), hub.contact(ANA_CHAT)
    assert son.root.id == record.target
    assert texts(hub, son.root.id) == [f"text {number}" for number in range(45)]
    assert texts(hub, mother.root.id) == ["from the chat"]
    assert [c.continued_from for c in son.conversations] == [first.conversation_id]
    assert son.identities[0].messages == 45
    assert not son.root.arriving
    assert not mother.root.moving


def test_a_resolved_conversation_that_only_the_address_wrote_in_goes_with_it(hub: Hub) -> None:
    first = hub.receive(chat(vouched=(ANA_PHONE,)))
    hub.resolve(first.conversation_id)
    his = hub.receive(sms("his", received_at=later(days=8)), now=later(days=8))
    hub.resolve(his.conversation_id, now=later(days=8))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=later(days=8))
    assert move(hub.table, record.id, now=later(days=8))
    assert hub.conversation(his.conversation_id).home == record.target
    assert hub.conversation(first.conversation_id).home == record.source
    again = hub.receive(sms("and again", received_at=later(days=9)), now=later(days=9))
    assert (again.contact_id, again.conversation_id) == (record.target, his.conversation_id)


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
    for number in range(50):
        hub.receive(sms(f"text {number}"))
    record = split(hub.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    turns = iter([True, False])
    assert not move(hub.table, record.id, now=NOW, go_on=lambda: next(turns))
    assert move(hub.table, record.id, now=NOW)
    assert move(hub.table, record.id, now=NOW)
    assert len(texts(hub, record.target)) == 50


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


# ---- what moves with the messages


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def split_off(office: Office, contact_id: str) -> Split:
    return split(office.table, contact_id, ANA_PHONE, AGENT, now=office.now)


def lying_with(office: Office, contact_id: str) -> Counter[str]:
    """The types of the items in one contact's own partition."""
    partition = keys.contact(contact_id)
    return Counter(item["type"] for item in written(office.table) if item["PK"] == partition)


def test_receipts_costs_and_claims_move_with_the_address(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    office.hub.receive(sms("who am I?", claims=(ANA_EMAIL,)))
    key = key_of(office.answer(first.contact_id, to=ANA_PHONE))
    office.provider.answers = [Refused("21211", final=True)]
    office.deliver(key)
    record = split_off(office, first.contact_id)
    assert move(office.table, record.id, now=NOW)
    assert lying_with(office, record.source) == {"profile": 1, "entry": 2}
    moved = {"profile": 1, "entry": 3, "receipt": 1, "cost_line": 1, "claim": 1}
    assert lying_with(office, record.target) == moved
    assert office.hub.contact(ANA_PHONE).identities[0].cost_micro_usd == 8_310
    assert not [
        i for i in written(office.table) if i.get("home") == record.source and i.get("moved")
    ]


def test_a_message_that_waits_for_its_next_try_waits_on_at_its_new_contact(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    key = key_of(office.answer(first.contact_id, to=ANA_PHONE))
    office.provider.answers = [Refused("20429", final=False)]
    assert office.deliver(key) is Outcome.REFUSED
    record = split_off(office, first.contact_id)
    assert move(office.table, record.id, now=office.now)
    office.wait(minutes=1)
    (waiting,) = office.due()
    assert waiting.home == record.target
    assert office.deliver(key) is Outcome.ACCEPTED, "an older word of it finds it too"
    assert office.deliver(waiting) is Outcome.SETTLED
    assert office.due() == []


def test_what_a_provider_reports_after_the_move_finds_the_receipt(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    sent = office.answer(first.contact_id, to=ANA_PHONE)
    office.deliver(key_of(sent))
    record = split_off(office, first.contact_id)
    assert move(office.table, record.id, now=NOW)
    report = StatusReport(provider="twilio", provider_id="id-1", state="delivered", at=NOW)
    apply_report(key_of(sent), report, table=office.table, now=NOW)
    receipt = office.receipt(key_of(sent))
    assert (receipt.state, receipt.key.home) == (ReceiptState.DELIVERED, record.target)
    assert entries.get(office.table, first.contact_id, NOW, sent.entry.id).home == record.target


def test_a_history_that_moved_twice_is_found_from_where_it_began(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE, ANA_EMAIL)))
    sent = office.answer(first.contact_id, to=ANA_PHONE)
    once = split_off(office, first.contact_id)
    assert move(office.table, once.id, now=NOW)
    office.hub.receive(mail(sender=BO_EMAIL))
    contacts.attach(
        office.table,
        contacts.get_profile(office.table, once.target),
        replace(office.hub.contact(BO_EMAIL).identities[0], key="email#x", home=once.target),
        Change(events=()),
    )
    twice = split_off(office, once.target)
    assert move(office.table, twice.id, now=NOW)
    assert office.receipt(key_of(sent)).key.home == twice.target


def test_a_message_that_is_just_being_sent_stays_until_that_is_over(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    office.hub.receive(sms("before"))
    sent = office.answer(first.contact_id, to=ANA_PHONE)
    record = split_off(office, first.contact_id)
    moved: list[bool] = []
    office.provider.while_sending = lambda: moved.append(
        move(office.table, record.id, now=office.now)
    )
    assert office.deliver(key_of(sent)) is Outcome.ACCEPTED
    assert moved == [False]
    assert texts(office.hub, record.target) == ["before"]
    assert move(office.table, record.id, now=office.now)
    assert office.receipt(key_of(sent)).state is ReceiptState.ACCEPTED
    assert sorted(texts(office.hub, record.target)) == ["It left today.", "before"]


def test_the_sweep_finishes_a_split_that_was_cut_short(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    for number in range(50):
        office.hub.receive(sms(str(number)))
    record = split_off(office, first.contact_id)
    assert list(due.ready(office.table, NOW)) == [], "pages being read meanwhile come to an end"
    minute = later(minutes=1)
    (task,) = due.ready(office.table, minute)
    assert isinstance(task, Task)
    nowhere = Objects(lambda: pytest.fail("a split touches no objects"), "none")

    def one_step() -> Callable[[], bool]:
        turns = iter([True])
        return lambda: next(turns, False)

    for _ in range(3):
        resume(
            [task],
            table=office.table,
            content=nowhere,
            mails=nowhere,
            now=minute,
            turn=one_step if texts(office.hub, record.target) == [] else lambda: lambda: True,
        )
    assert len(texts(office.hub, record.target)) == 50
    assert list(due.ready(office.table, minute)) == []


def test_a_task_that_fails_does_not_hold_up_the_others(office: Office) -> None:
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    record = split_off(office, first.contact_id)
    tasks = [Task(kind=TaskKind.SPLIT, home="ctc_x", id=it) for it in ("spl_none", record.id)]
    nowhere = Objects(lambda: pytest.fail("a split touches no objects"), "none")
    with pytest.raises(ExceptionGroup) as failed:
        resume(
            tasks,
            table=office.table,
            content=nowhere,
            mails=nowhere,
            now=NOW,
            turn=lambda: lambda: True,
        )
    assert [type(error) for error in failed.value.exceptions] == [NotFoundError]
    assert splitting.get(office.table, record.id).done

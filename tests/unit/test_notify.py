"""From an event to one message at most, on the cause's conversation, to a proven address."""

import json
from typing import Any

import pytest

from shared.model.entry import AuthorType, Direction, Entry, Kind
from shared.model.errors import RejectedError
from shared.model.events import Change, detail
from shared.model.identity import Identity, Trust
from shared.model.ids import show_reference
from shared.model.receipt import ReceiptKey
from shared.notify import Notified, notify
from shared.rules.notification import parse_request
from shared.store import contacts, items
from shared.store.bodies import Bodies
from shared.store.stream import announced
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.outbound import DOMAIN, Office, price_out
from tests.streams import record, written


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def event_of(office: Office, entry_id: str) -> dict[str, Any]:
    """The event of an entry, as a rule hands it over."""
    for item in written(office.table):
        if item["type"] == "entry" and item["id"] == entry_id:
            (event,) = announced(record(item))
            return {"detail-type": event.metadata.type, "detail": detail(event)}
    raise LookupError(entry_id)


def tell(office: Office, entry_id: str, **constants: Any) -> Notified:
    """What the rule `agent-answered` makes of an entry."""
    request = {
        "rule": "agent-answered",
        "template": "agent-answered",
        "purpose": "transactional",
        "ladder": ["sms"],
        "wait_seconds": 600,
        "debounce_seconds": 60,
        "urgent": False,
        "event": event_of(office, entry_id),
        **constants,
    }
    return notify(
        parse_request(json.dumps(request)),
        table=office.table,
        bodies=office.bodies,
        now=office.now,
        price=price_out,
        mail_domain=DOMAIN,
    )


def notifications(office: Office) -> list[Entry]:
    entries = [items.read_entry(i) for i in written(office.table) if i["type"] == "entry"]
    return [entry for entry in entries if entry.kind is Kind.NOTIFICATION]


def known_by_mail_and_phone(office: Office) -> str:
    """Ana's site vouches for her address and number; she has closed that chat. Her contact."""
    chatted = office.hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    office.hub.resolve(chatted.conversation_id)
    return chatted.contact_id


def answered_mail(office: Office, **fields: Any) -> tuple[str, str]:
    """Ana mails, an agent answers: the conversation and the answer's entry."""
    contact = known_by_mail_and_phone(office)
    mailed = office.hub.receive(mail(**fields))
    answer = office.answer(contact, conversation_id=mailed.conversation_id)
    return mailed.conversation_id, answer.entry.id


def test_an_answer_by_mail_is_announced_by_text_on_the_mails_conversation(office: Office) -> None:
    conversation_id, answer = answered_mail(office)
    notified = tell(office, answer)
    (entry,) = notifications(office)
    reference = show_reference(office.hub.conversation(conversation_id).reference)
    assert entry.id == notified.entry_id
    assert (entry.address, entry.channel, entry.direction) == (
        ANA_PHONE,
        "sms",
        Direction.OUTBOUND,
    )
    assert (entry.automatic, entry.author.type, entry.author.id) == (
        True,
        AuthorType.SYSTEM,
        "agent-answered",
    )
    assert entry.conversation_id == conversation_id
    assert f"There is an answer to {reference}" in entry.text


def test_the_answer_to_the_text_lands_on_the_mails_conversation(office: Office) -> None:
    conversation_id, answer = answered_mail(office)
    notified = tell(office, answer)
    (entry,) = notifications(office)
    assert entry.id == notified.entry_id
    office.deliver(ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id))
    assert [message.to for message in office.provider.sent] == [ANA_PHONE]
    reply = office.hub.receive(sms("thanks!"), now=later(minutes=5))
    assert reply.conversation_id == conversation_id


def test_the_same_event_twice_makes_one_notification(office: Office) -> None:
    _, answer = answered_mail(office)
    first, second = tell(office, answer), tell(office, answer)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.entry_id == second.entry_id
    assert len(notifications(office)) == 1


def test_another_rule_makes_another_notification_of_the_same_event(office: Office) -> None:
    _, answer = answered_mail(office)
    tell(office, answer)
    assert not tell(office, answer, rule="another").repeated
    assert len(notifications(office)) == 2


def test_a_notification_leads_to_none(office: Office) -> None:
    _, answer = answered_mail(office)
    notified = tell(office, answer)
    assert tell(office, notified.entry_id) == Notified(stopped="loop")
    depth = event_of(office, notified.entry_id)["detail"]["metadata"]["depth"]
    assert depth == 1


def test_a_notification_says_what_led_to_it(office: Office) -> None:
    _, answer = answered_mail(office)
    metadata = event_of(office, tell(office, answer).entry_id)["detail"]["metadata"]
    assert (metadata["cause"], metadata["correlation"]) == (f"EntryRecorded:{answer}", "request")


def test_a_replayed_event_of_yesterday_texts_nobody(office: Office) -> None:
    _, answer = answered_mail(office)
    office.wait(hours=25)
    assert tell(office, answer) == Notified(stopped="stale")


def test_the_answer_to_a_stranger_who_proved_nothing_triggers_nothing(office: Office) -> None:
    """Anyone can write a mail from any address; a number that an agent noted is not theirs."""
    spoofed = office.hub.receive(mail(trust=Trust.CLAIMED))
    phone = Identity(
        key=office.table.address_key(ANA_PHONE),
        address=ANA_PHONE,
        home=spoofed.contact_id,
        root=spoofed.contact_id,
        trust=Trust.ASSERTED,
        evidence="agent:a",
        since=NOW,
        seen=NOW,
    )
    root = contacts.get_profile(office.table, spoofed.contact_id)
    contacts.attach(office.table, root, phone, Change(events=("IdentityLinked",)))
    answer = office.answer(spoofed.contact_id, conversation_id=spoofed.conversation_id)
    assert tell(office, answer.entry.id) == Notified(stopped="untrusted")
    assert notifications(office) == []


def test_spoofed_mail_itself_triggers_nothing(office: Office) -> None:
    known_by_mail_and_phone(office)
    spoofed = office.hub.receive(mail(trust=Trust.CLAIMED))
    assert tell(office, spoofed.entry_id) == Notified(stopped="untrusted")


def test_an_automatic_reply_triggers_nothing(office: Office) -> None:
    known_by_mail_and_phone(office)
    away = office.hub.receive(mail(automatic=True))
    assert tell(office, away.entry_id) == Notified(stopped="loop")


def test_who_has_no_phone_gets_no_text(office: Office) -> None:
    mailed = office.hub.receive(mail())
    answer = office.answer(mailed.contact_id)
    assert tell(office, answer.entry.id) == Notified(stopped="no_target")


def test_nobody_is_texted_at_a_number_that_was_only_claimed(office: Office) -> None:
    mailed = office.hub.receive(mail())
    claimed = Identity(
        key=office.table.address_key(ANA_PHONE),
        address=ANA_PHONE,
        home=mailed.contact_id,
        root=mailed.contact_id,
        trust=Trust.CLAIMED,
        evidence="typed",
        since=NOW,
        seen=NOW,
    )
    root = contacts.get_profile(office.table, mailed.contact_id)
    contacts.attach(office.table, root, claimed, Change(events=("IdentityLinked",)))
    answer = office.answer(mailed.contact_id)
    assert tell(office, answer.entry.id) == Notified(stopped="untrusted_target")


def test_a_notification_on_a_resolved_conversation_does_not_open_it_again(office: Office) -> None:
    conversation_id, answer = answered_mail(office)
    office.hub.resolve(conversation_id, now=office.now)
    tell(office, answer)
    assert office.hub.conversation(conversation_id).state == "resolved"
    (entry,) = notifications(office)
    assert entry.conversation_id == conversation_id


def test_an_unknown_template_is_an_error_of_the_rule(office: Office) -> None:
    _, answer = answered_mail(office)
    with pytest.raises(RejectedError):
        tell(office, answer, template="unheard-of")

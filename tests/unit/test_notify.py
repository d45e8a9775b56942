"""From an event to one message at most, on the cause's conversation, to a proven address."""

import json
from typing import Any

import pytest

from shared.log_event import AppEvent, log_event
from shared.model.entry import AuthorType, Direction, Kind
from shared.model.errors import RejectedError
from shared.model.events import Change
from shared.model.identity import Identity, Trust
from shared.model.ids import show_reference
from shared.model.receipt import ReceiptKey
from shared.store import contacts
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, later, mail, sms
from tests.notifying import Desk, answered_mail, known_by_mail_and_phone, stopped


def test_an_answer_by_mail_is_announced_by_text_on_the_mails_conversation(desk: Desk) -> None:
    conversation_id, answer = answered_mail(desk)
    notified = desk.tell(answer)
    (entry,) = desk.notifications()
    reference = show_reference(desk.hub.conversation(conversation_id).reference)
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


def test_the_answer_to_the_text_lands_on_the_mails_conversation(desk: Desk) -> None:
    conversation_id, answer = answered_mail(desk)
    notified = desk.tell(answer)
    (entry,) = desk.notifications()
    assert entry.id == notified.entry_id
    desk.deliver(ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id))
    assert [message.to for message in desk.provider.sent] == [ANA_PHONE]
    reply = desk.hub.receive(sms("thanks!"), now=later(minutes=5))
    assert reply.conversation_id == conversation_id


def test_the_same_event_twice_makes_one_notification(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    first, second = desk.tell(answer), desk.tell(answer)
    assert (first.repeated, second.repeated) == (False, True)
    assert (bool(first.entry_id), second.entry_id) == (True, "")
    assert len(desk.notifications()) == 1


def test_another_rule_makes_another_notification_of_the_same_event(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    desk.tell(answer)
    assert not desk.tell(answer, rule="another", template="agent-answered").repeated
    assert len(desk.notifications()) == 2


def test_a_notification_leads_to_none(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    notified = desk.tell(answer)
    assert desk.tell(notified.entry_id) == stopped("loop")
    depth = desk.event(notified.entry_id)["detail"]["metadata"]["depth"]
    assert depth == 1


def test_a_notification_says_what_led_to_it(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    metadata = desk.event(desk.tell(answer).entry_id)["detail"]["metadata"]
    assert (metadata["cause"], metadata["correlation"]) == (f"EntryRecorded:{answer}", "request")


def test_a_replayed_event_of_yesterday_texts_nobody(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    desk.wait(hours=25)
    assert desk.tell(answer) == stopped("stale")


def test_the_answer_to_a_stranger_who_proved_nothing_triggers_nothing(desk: Desk) -> None:
    """Anyone can write a mail from any address; a number that an agent noted is not theirs."""
    spoofed = desk.hub.receive(mail(trust=Trust.CLAIMED))
    phone = Identity(
        key=desk.table.address_key(ANA_PHONE),
        address=ANA_PHONE,
        home=spoofed.contact_id,
        root=spoofed.contact_id,
        trust=Trust.ASSERTED,
        evidence="agent:a",
        since=NOW,
        seen=NOW,
    )
    root = contacts.get_profile(desk.table, spoofed.contact_id)
    contacts.attach(desk.table, root, phone, Change(events=("IdentityLinked",)))
    answer = desk.answer(spoofed.contact_id, conversation_id=spoofed.conversation_id)
    assert desk.tell(answer.entry.id) == stopped("untrusted")
    assert desk.notifications() == []


def test_spoofed_mail_itself_triggers_nothing(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    spoofed = desk.hub.receive(mail(trust=Trust.CLAIMED))
    assert desk.tell(spoofed.entry_id) == stopped("untrusted")


def test_an_automatic_reply_triggers_nothing(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    away = desk.hub.receive(mail(automatic=True))
    assert desk.tell(away.entry_id) == stopped("loop")


def test_who_has_no_phone_gets_no_text(desk: Desk) -> None:
    mailed = desk.hub.receive(mail())
    answer = desk.answer(mailed.contact_id)
    assert desk.tell(answer.entry.id) == stopped("no_target")


def test_nobody_is_texted_at_a_number_that_was_only_claimed(desk: Desk) -> None:
    mailed = desk.hub.receive(mail())
    claimed = Identity(
        key=desk.table.address_key(ANA_PHONE),
        address=ANA_PHONE,
        home=mailed.contact_id,
        root=mailed.contact_id,
        trust=Trust.CLAIMED,
        evidence="typed",
        since=NOW,
        seen=NOW,
    )
    root = contacts.get_profile(desk.table, mailed.contact_id)
    contacts.attach(desk.table, root, claimed, Change(events=("IdentityLinked",)))
    answer = desk.answer(mailed.contact_id)
    assert desk.tell(answer.entry.id) == stopped("untrusted_target")


def test_an_unknown_template_is_an_error_of_the_rule(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    with pytest.raises(RejectedError):
        desk.tell(answer, template="unheard-of")


def test_an_acknowledgement_goes_where_the_mail_came_from(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    came = desk.hub.receive(mail())
    desk.tell(came.entry_id, rule="ticket-opened", ladder=["origin"])
    (entry,) = desk.notifications()
    assert (entry.channel, entry.address, entry.automatic) == ("email", ANA_EMAIL, True)
    assert entry.conversation_id == came.conversation_id


def test_who_wrote_on_a_conversation_is_told_that_it_was_resolved(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    came = desk.hub.receive(mail())
    desk.hub.resolve(came.conversation_id, now=desk.now)
    desk.tell(came.conversation_id, rule="ticket-resolved", ladder=["origin"])
    (entry,) = desk.notifications()
    assert (entry.channel, entry.conversation_id) == ("email", came.conversation_id)
    assert desk.conversation(came.conversation_id).state == "resolved"


def test_whoever_is_written_to_in_anothers_name_is_not_told_of_its_end(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    spoofed = desk.hub.receive(mail(trust=Trust.CLAIMED, subject="Refund"))
    desk.hub.resolve(spoofed.conversation_id, now=desk.now)
    told = desk.tell(spoofed.conversation_id, rule="ticket-resolved", ladder=["origin"])
    assert told.stopped == "untrusted"


def shop_tells(desk: Desk, contact: str, event_id: str, **fields: Any) -> str:
    """A shop tells of an order; its entry."""
    told = AppEvent(
        contact_id=contact,
        kind=Kind.ORDER,
        source="shop",
        id=event_id,
        occurred_at=fields.pop("occurred_at", desk.now),
        data=json.dumps({"status": "shipped", **fields}),
        change=Change(events=("EntryRecorded",), cause="agent:shop", correlation="r"),
    )
    return log_event(told, table=desk.table, now=desk.now).entry.id


ORDERS: dict[str, Any] = {"rule": "order-shipped", "ladder": ["sms", "whatsapp", "email"]}


def test_a_shop_says_that_an_order_left_and_the_customer_hears_of_it(desk: Desk) -> None:
    contact = known_by_mail_and_phone(desk)
    entry_id = shop_tells(desk, contact, "e-1", order="A-1001")
    assert desk.event(entry_id)["detail"]["status"] == "shipped"
    desk.tell(entry_id, **ORDERS)
    desk.tell(shop_tells(desk, contact, "e-2"), **ORDERS)
    first, second = desk.notifications()
    assert first.channel == "sms"
    assert "A-1001" in first.text
    assert "e-2" in second.text


def test_an_import_of_old_orders_texts_nobody(desk: Desk) -> None:
    contact = known_by_mail_and_phone(desk)
    entry_id = shop_tells(desk, contact, "e-1", occurred_at=later(days=-400))
    assert desk.tell(entry_id, **ORDERS).stopped == "stale"


@pytest.mark.parametrize("status", ["My words", "", 7, None, "x" * 41])
def test_only_a_code_is_told_of_what_an_app_sent(desk: Desk, status: object) -> None:
    """An event holds nothing that people wrote."""
    contact = known_by_mail_and_phone(desk)
    entry_id = shop_tells(desk, contact, "e-1", status=status)
    assert desk.event(entry_id)["detail"]["status"] == ""

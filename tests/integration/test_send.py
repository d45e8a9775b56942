"""Writing to a customer: to the right address, on the right conversation, once."""

from datetime import datetime
from typing import Any

import pytest

from shared.merge import Decision, merge
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Entry
from shared.model.errors import ConflictError, InvalidRequestError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.recording import Marker
from shared.send import SendRequest, Sent, send
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.hub import Hub

AGENT = Author(AuthorType.AGENT, "agent-1", "Sam")


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def price(entry: Entry) -> Cost:
    return Cost(
        provider_micro_usd=100, own_micro_usd=25, category="out", units=1, rate=entry.channel
    )


def answer(
    hub: Hub, contact_id: str, text: str = "On its way.", *, now: datetime = NOW, **fields: Any
) -> Sent:
    """An agent writes to a contact."""
    key = fields.pop("key", f"key-{text}-{now.timestamp()}")
    request = SendRequest(
        contact_id=contact_id,
        author=AGENT,
        marker=Marker(
            provider="api#agent-1", id=key, request_hash=fields.pop("request_hash", text)
        ),
        change=Change(events=("EntryRecorded",), by="agent-1"),
        text=text,
        **fields,
    )
    return send(
        request,
        table=hub.table,
        bodies=hub.bodies,
        now=now,
        price=price,
        mail_domain="in.example.com",
    )


def test_an_answer_goes_to_the_address_the_message_came_from(hub: Hub) -> None:
    received = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    hub.receive(sms("by phone"), now=later(hours=1))
    sent = answer(hub, received.contact_id, conversation_id=received.conversation_id)
    assert (sent.entry.channel, sent.entry.address) == (Channel.SMS, ANA_PHONE)
    assert sent.entry.conversation_id == received.conversation_id


def test_an_answer_is_born_with_its_queued_receipt_and_its_price(hub: Hub) -> None:
    received = hub.receive(mail())
    sent = answer(hub, received.contact_id)
    key = ReceiptKey(home=sent.entry.home, at=sent.entry.occurred_at, entry_id=sent.entry.id)
    entry, receipt = receipts.get(hub.table, key)
    assert receipt.state is ReceiptState.QUEUED
    assert receipt.booked_micro_usd == 125
    assert entry.subject == "Re: Where is my order?"
    assert hub.contact(ANA_EMAIL).identities[0].cost_micro_usd == 8_310 + 125


def test_an_answer_cites_the_mail_it_answers(hub: Hub) -> None:
    received = hub.receive(mail(message_id="theirs@example.com"))
    sent = answer(hub, received.contact_id)
    assert sent.entry.in_reply_to == "theirs@example.com"
    assert sent.entry.message_id.endswith("@in.example.com")
    reply = hub.receive(mail(subject="Re: changed", references=(sent.entry.message_id,)))
    assert reply.conversation_id == received.conversation_id


def test_the_answer_to_an_sms_about_a_ticket_lands_on_the_ticket(hub: Hub) -> None:
    known = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    hub.resolve(known.conversation_id)
    ticket = hub.receive(mail())
    assert ticket.conversation_id != known.conversation_id
    answer(
        hub,
        ticket.contact_id,
        "There is an answer.",
        to=ANA_PHONE,
        conversation_id=ticket.conversation_id,
        automatic=True,
    )
    reply = hub.receive(sms("thanks"))
    assert reply.conversation_id == ticket.conversation_id


def test_a_rules_own_message_does_not_reopen_but_its_answer_does(hub: Hub) -> None:
    received = hub.receive(chat(vouched=(ANA_PHONE,)))
    hub.resolve(received.conversation_id)
    answer(
        hub,
        received.contact_id,
        "Resolved. Anything else? Just answer.",
        to=ANA_PHONE,
        conversation_id=received.conversation_id,
        automatic=True,
    )
    assert hub.conversation(received.conversation_id).resolved_at
    reply = hub.receive(sms("one more thing"), now=later(hours=2))
    assert reply.conversation_id == received.conversation_id
    assert hub.conversation(received.conversation_id).resolved_at is None


def test_an_agents_answer_reopens_a_resolved_conversation(hub: Hub) -> None:
    received = hub.receive(sms())
    hub.resolve(received.conversation_id)
    sent = answer(hub, received.contact_id, conversation_id=received.conversation_id)
    assert sent.entry.conversation_id == received.conversation_id
    assert hub.conversation(received.conversation_id).resolved_at is None


def test_the_same_key_sends_once_and_another_body_under_it_is_refused(hub: Hub) -> None:
    received = hub.receive(sms())
    first = answer(hub, received.contact_id, key="k")
    again = answer(hub, received.contact_id, key="k", now=later(minutes=1))
    assert (again.replayed, again.entry.id) == (True, first.entry.id)
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        answer(hub, received.contact_id, "Something else", key="k")


def test_a_key_may_be_used_anew_after_its_day(hub: Hub) -> None:
    received = hub.receive(sms())
    kept = Marker(provider="api#agent-1", id="dated", request_hash="x", expires_at=later(hours=24))
    for now, replayed in [(NOW, False), (later(hours=23), True), (later(hours=25), False)]:
        request = SendRequest(
            contact_id=received.contact_id,
            author=AGENT,
            marker=kept,
            change=Change(events=("EntryRecorded",)),
            text="once a day",
        )
        sent = send(
            request,
            table=hub.table,
            bodies=hub.bodies,
            now=now,
            price=price,
            mail_domain="in.example.com",
        )
        assert sent.replayed is replayed


def test_an_address_that_is_not_the_contacts_is_refused(hub: Hub) -> None:
    received = hub.receive(sms())
    with pytest.raises(InvalidRequestError) as refused:
        answer(hub, received.contact_id, to=Address(IdentityKind.PHONE, "+14155550999"))
    assert refused.value.field == "to"


def test_a_channel_without_an_address_is_refused(hub: Hub) -> None:
    received = hub.receive(sms())
    with pytest.raises(InvalidRequestError):
        answer(hub, received.contact_id, channel=Channel.EMAIL)
    with pytest.raises(InvalidRequestError):
        answer(hub, received.contact_id, channel=Channel.WEB)


def test_another_contacts_conversation_is_refused(hub: Hub) -> None:
    mine, theirs = hub.receive(sms()), hub.receive(mail())
    with pytest.raises(ConflictError):
        answer(hub, mine.contact_id, conversation_id=theirs.conversation_id)
    with pytest.raises(NotFoundError):
        answer(hub, "ctc_nobody")


def test_after_a_merge_auto_still_answers_the_home_named_in_the_url(hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms(), now=later(hours=1))
    why = Decision(by="agent-1", reason="one person")
    merge(hub.table, by_mail.contact_id, by_phone.contact_id, why, now=NOW)
    assert answer(hub, by_mail.contact_id).entry.address == ANA_EMAIL
    assert answer(hub, by_phone.contact_id, "And by phone.").entry.address == ANA_PHONE


def test_a_chat_visitor_is_answered_in_the_chat(hub: Hub) -> None:
    received = hub.receive(chat())
    sent = answer(hub, received.contact_id)
    assert (sent.entry.channel, sent.entry.address) == (Channel.CHAT, ANA_CHAT)

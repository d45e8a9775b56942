"""The hand-over pack: everything the agent who picks up the phone needs, and why."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from shared.handover import ENTRIES, hand_over
from shared.merge import Decision, merge
from shared.model.contact import Profile
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry
from shared.model.errors import ConflictError, InvalidRequestError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.promise import Promise
from shared.model.receipt import ReceiptState
from shared.model.recording import Marker
from shared.note import NewPromise, Noted, NoteRequest, note
from shared.rules.handover import Advice, Facts, Why, WhyNot, advise
from shared.store import promises
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests import timelines
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.outbound import Office
from tests.streams import written

AGENT = Decision(by="agent-1", reason="the same person")


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def promise(home: str, text: str, number: int, due: datetime | None = None) -> Promise:
    return Promise(
        id=f"prm_{number}", home=home, text=text, by="agent-1", at=later(minutes=number), due=due
    )


def way(advice: Advice) -> tuple[Channel, Address, Why]:
    """Where to write next, and why."""
    assert advice.next
    found, why = advice.next
    return found.channel, found.identity.address, why


def avoided(advice: Advice) -> list[tuple[Channel, WhyNot]]:
    return [(found.channel, why_not) for found, why_not in advice.avoid]


# ---- the pack


def test_the_pack_says_who_what_is_open_what_was_said_and_promised(office: Office) -> None:
    hub, table = office.hub, office.table
    by_mail = hub.receive(mail("where is it?", author_name="Ana"))
    by_chat = hub.receive(chat("hello?", vouched=(ANA_PHONE,)), now=later(minutes=1))
    merge(table, by_mail.contact_id, by_chat.contact_id, AGENT, now=later(minutes=2))
    office.now = later(minutes=3)
    office.answer(by_chat.contact_id, "We are looking.", to=ANA_CHAT)
    for number, (home, text, due) in enumerate(
        [
            (by_mail.contact_id, "send the label", None),
            (by_chat.contact_id, "call back", later(hours=2)),
            (by_chat.contact_id, "apologise", None),
        ]
    ):
        table.write(promises.made_leg(promise(home, text, number, due)))
    write_note(office, by_mail.contact_id, keeps=frozenset({"prm_2"}))
    pack = hand_over(table, by_chat.contact_id)
    assert pack.contact.root.name == "Ana"
    assert {i.address for i in pack.contact.identities} == {ANA_EMAIL, ANA_CHAT, ANA_PHONE}
    assert {c.id for c in pack.contact.conversations} == {
        by_mail.conversation_id,
        by_chat.conversation_id,
    }
    assert [shown.entry.text for shown in pack.recent if shown.entry.kind == "message"] == [
        "We are looking.",
        "hello?",
        "where is it?",
    ]
    assert [each.text for each in pack.promises] == ["call back", "send the label"]
    assert pack.spoke_to
    assert pack.spoke_to.author.id == "agent"
    assert way(pack.advice) == (Channel.CHAT, ANA_CHAT, Why.LAST_WROTE)


def test_the_pack_takes_four_calls(office: Office) -> None:
    first = office.hub.receive(sms())
    for number in range(20):
        office.hub.receive(sms(str(number)))
    calls: list[str] = []
    office.table._client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )
    pack = hand_over(office.table, first.contact_id)
    assert len(pack.recent) == ENTRIES
    assert calls == ["GetItem", "BatchGetItem", "Query", "Query"]


def test_the_pack_of_nobody_is_not_found(office: Office) -> None:
    with pytest.raises(NotFoundError):
        hand_over(office.table, "ctc_nobody")


def write_note(office: Office, contact_id: str, key: str = "k", **fields: Any) -> Noted:
    return note(
        NoteRequest(
            contact_id=contact_id,
            author=Author(AuthorType.AGENT, "agent-2"),
            marker=Marker(provider="api#agent-2", id=key, request_hash=str(sorted(fields))),
            change=Change(events=("EntryRecorded",), cause="api:agent-2"),
            text="a note",
            **fields,
        ),
        table=office.table,
        bodies=office.bodies,
        now=office.now,
    )


def open_promises(office: Office, contact_id: str) -> list[str]:
    return [each.text for each in hand_over(office.table, contact_id).promises]


def test_a_note_makes_a_promise_and_another_keeps_it_once(office: Office) -> None:
    ana, bo = office.hub.receive(mail()), office.hub.receive(sms())
    merge(office.table, ana.contact_id, bo.contact_id, AGENT, now=NOW)
    made = NewPromise(text="call back", due=later(hours=1))
    write_note(office, bo.contact_id, promise=made)
    write_note(office, bo.contact_id, promise=made)
    (promise,) = hand_over(office.table, ana.contact_id).promises
    assert (promise.text, promise.due, promise.by) == ("call back", later(hours=1), "agent-2")
    keeps = frozenset({promise.id})
    kept = write_note(office, ana.contact_id, "k2", keeps=keeps)
    assert open_promises(office, ana.contact_id) == []
    assert write_note(office, ana.contact_id, "k2", keeps=keeps).entry.id == kept.entry.id
    with pytest.raises(InvalidRequestError, match="no such open promise"):
        write_note(office, ana.contact_id, "k3", keeps=keeps)
    types = Counter(item["type"] for item in written(office.table))
    assert types["promise"] == 1, "a promise that was kept stays in the books"


def test_of_two_who_keep_a_promise_at_once_one_is_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = office.hub.receive(mail())
    write_note(office, ana.contact_id, promise=NewPromise(text="call back"))
    (made,) = hand_over(office.table, ana.contact_id).promises
    write_note(office, ana.contact_id, "k2", keeps=frozenset({made.id}))
    monkeypatch.setattr(promises, "find_open", lambda *_: [made])
    with pytest.raises(ConflictError, match="just changed"):
        write_note(office, ana.contact_id, "k3", keeps=frozenset({made.id}))


def test_after_our_last_text_failed_the_phone_agent_is_sent_elsewhere(office: Office) -> None:
    first = office.hub.receive(chat("hello", vouched=(ANA_EMAIL, ANA_PHONE)))
    office.hub.receive(sms("by text", received_at=later(minutes=1)), now=later(minutes=1))
    office.now = later(minutes=2)
    sent = office.answer(first.contact_id, to=ANA_PHONE)
    pack = hand_over(office.table, first.contact_id)
    assert way(pack.advice) == (Channel.SMS, ANA_PHONE, Why.LAST_WROTE)
    fail(office, sent.entry)
    pack = hand_over(office.table, first.contact_id)
    assert avoided(pack.advice) == [(Channel.SMS, WhyNot.NOT_REACHED)]
    assert way(pack.advice)[0] is not Channel.SMS


def fail(office: Office, entry: Entry) -> None:
    failed = replace(timelines.receipt(entry, ReceiptState.UNDELIVERED), revision=2)
    timelines.lay(office.table, failed)


# ---- the rules


def identity(address: Address, *, minutes: float = 0, **fields: Any) -> Identity:
    """An address that was last heard from so many minutes after noon."""
    return Identity(
        key=str(address),
        address=address,
        home="ctc_ana",
        root="ctc_ana",
        trust=fields.pop("trust", Trust.VERIFIED),
        evidence="a test",
        since=NOW,
        seen=later(minutes=minutes),
        messages=fields.pop("messages", 1),
        **fields,
    )


def wrote(address: Address, channel: Channel, **fields: Any) -> tuple[Entry, None]:
    return timelines.entry(
        channel=channel, address=address, address_key=str(address), **fields
    ), None


def advice_for(
    *identities: Identity, recent: list[Any] | None = None, preferred: str = ""
) -> Advice:
    return advise(
        Facts(
            profile=Profile(
                id="ctc_ana", root="ctc_ana", first_seen_at=NOW, preferred_channel=preferred
            ),
            identities=identities,
            conversations=(),
            recent=recent or [],
        )
    )


PHONE, EMAIL = identity(ANA_PHONE, minutes=1), identity(ANA_EMAIL, minutes=2)


def test_the_channel_they_asked_for_comes_first() -> None:
    recent = [wrote(ANA_PHONE, Channel.WHATSAPP)]
    advice = advice_for(PHONE, EMAIL, recent=recent, preferred="email")
    assert way(advice) == (Channel.EMAIL, ANA_EMAIL, Why.PREFERRED)


def test_a_channel_they_asked_for_and_have_no_address_for_does_not_count() -> None:
    advice = advice_for(PHONE, recent=[wrote(ANA_PHONE, Channel.SMS)], preferred="chat")
    assert way(advice) == (Channel.SMS, ANA_PHONE, Why.LAST_WROTE)


def test_where_they_last_wrote_comes_next_by_the_channel_they_used() -> None:
    recent = [wrote(ANA_PHONE, Channel.WHATSAPP), wrote(ANA_EMAIL, Channel.EMAIL)]
    assert way(advice_for(PHONE, EMAIL, recent=recent)) == (
        Channel.WHATSAPP,
        ANA_PHONE,
        Why.LAST_WROTE,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"automatic": True},
        {"trust": Trust.CLAIMED},
        {"kind": "page_view"},
        {"direction": Direction.OUTBOUND, "author": Author(AuthorType.AGENT, "a")},
    ],
    ids=["a machine", "a forger", "a visit", "our own"],
)
def test_what_they_did_not_write_themselves_does_not_count(other: dict[str, Any]) -> None:
    recent = [wrote(ANA_EMAIL, Channel.EMAIL, **other), wrote(ANA_PHONE, Channel.SMS)]
    assert way(advice_for(PHONE, EMAIL, recent=recent))[0] is Channel.SMS


def test_without_anything_recent_the_address_last_heard_from_is_next() -> None:
    assert way(advice_for(PHONE, EMAIL)) == (Channel.EMAIL, ANA_EMAIL, Why.KNOWN)


def test_an_opt_out_is_obeyed_and_said() -> None:
    stopped = replace(PHONE, consent={"text:*": "denied"})
    advice = advice_for(stopped, EMAIL, recent=[wrote(ANA_PHONE, Channel.SMS)])
    assert way(advice)[0] is Channel.EMAIL
    assert avoided(advice) == [(Channel.SMS, WhyNot.OPTED_OUT)]


def test_an_opt_out_of_texts_is_none_of_whatsapp() -> None:
    stopped = replace(PHONE, consent={"text:*": "denied", "email:marketing": "denied"})
    assert way(advice_for(stopped, recent=[wrote(ANA_PHONE, Channel.WHATSAPP)]))[0] is (
        Channel.WHATSAPP
    )


def test_a_carrier_that_blocks_us_is_passed_over() -> None:
    blocked = replace(PHONE, blocked_senders=frozenset({"+15005550006"}))
    advice = advice_for(blocked, recent=[wrote(ANA_PHONE, Channel.SMS)])
    assert advice.next is None
    assert avoided(advice) == [(Channel.SMS, WhyNot.BLOCKED)]


def test_who_wrote_again_after_our_message_failed_is_reached_there_again() -> None:
    failed = timelines.entry(
        channel=Channel.SMS, address_key=str(ANA_PHONE), direction=Direction.OUTBOUND
    )
    before = (failed, timelines.receipt(failed, ReceiptState.FAILED))
    assert avoided(advice_for(PHONE, EMAIL, recent=[before, wrote(ANA_PHONE, Channel.SMS)])) == [
        (Channel.SMS, WhyNot.NOT_REACHED)
    ]
    again = advice_for(PHONE, EMAIL, recent=[wrote(ANA_PHONE, Channel.SMS), before])
    assert way(again)[0] is Channel.SMS


def test_nobody_without_an_address_is_written_to() -> None:
    external = identity(Address(IdentityKind.EXTERNAL, "crm-7"))
    assert advice_for(external) == Advice(next=None, avoid=())

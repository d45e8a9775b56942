"""STOP, START and what agents put down: kept once, with the words that say it, never lost."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import erase
from shared.consent import say
from shared.merge import Decision, merge, undo
from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, AuthorType, Kind
from shared.model.errors import ConflictError, UnavailableError, UnwantedError
from shared.model.identity import Address, Identity, IdentityKind
from shared.model.statement import Statement
from shared.rules import consent as rules
from shared.split import move, split
from shared.store import consents, contacts, keys
from shared.store.objects import Objects
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, OUR_NUMBER, chat, later, mail, sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub
from tests.outbound import Office, key_of
from tests.world import World

BO_PHONE = Address(IdentityKind.PHONE, "+14155550102")


def identity(table: Table, address: Address = ANA_PHONE) -> Identity:
    found = contacts.get_identity(table, address)
    assert found
    return found


def log(table: Table, address: Address = ANA_PHONE) -> consents.Said:
    return consents.read(table, table.address_key(address))


def told(table: Table) -> list[str]:
    """What the timelines tell of consent."""
    return [entry.text for entry in World.of(table).entries if entry.kind is Kind.EVENT]


def statement(number: int = 1, **fields: Any) -> Statement:
    """An agent's word that she wants no texts, unless told otherwise."""
    made = {
        "id": f"ent_{number:026d}",
        "at": NOW,
        "medium": Medium.TEXT,
        "purpose": Purpose.EVERY,
        "state": ConsentState.DENIED,
        "own": False,
        "source": "asked on the phone",
        "by": Author(AuthorType.AGENT, "bo"),
        **fields,
    }
    return Statement(**made)


def put(table: Table, said: Statement, address: Address = ANA_PHONE) -> bool:
    return say(table, table.address_key(address), said, cause="agent:bo")


# ---- keywords


def test_a_stop_by_text_is_kept_with_the_message_that_says_it(hub: Hub) -> None:
    recorded = hub.receive(sms("Stop."), now=later(minutes=1))
    ana = identity(hub.table)
    assert ana.consent == {"text:*": "stopped"}
    assert ana.blocked_senders == {OUR_NUMBER}
    (said,) = log(hub.table).statements
    assert (said.words, said.message_id, said.own) == ("Stop.", recorded.entry_id, True)
    assert said.by.type is AuthorType.CUSTOMER
    assert told(hub.table) == ["Wants no texts any more (STOP)"]


def test_start_lifts_it(hub: Hub) -> None:
    for word in ("hello", "STOP", "START"):
        hub.receive(sms(word))
    assert identity(hub.table).consent == {"text:*": "granted"}
    assert identity(hub.table).blocked_senders == frozenset()
    assert told(hub.table)[-1] == "Wants texts (START)"


def test_a_yes_to_a_question_is_no_consent(hub: Hub) -> None:
    hub.receive(sms("YES"))
    hub.receive(sms("START"))
    assert identity(hub.table).consent == {}
    assert log(hub.table).statements == ()


def test_saying_stop_twice_is_kept_and_told_once(hub: Hub) -> None:
    first = sms("STOP")
    for message in (first, sms("stop"), first):
        hub.receive(message)
    assert len(log(hub.table).statements) == 2
    assert len(told(hub.table)) == 1


def test_a_stop_takes_no_call_more_than_another_message(hub: Hub, aws_calls: list[str]) -> None:
    hub.receive(sms())
    aws_calls.clear()
    hub.receive(sms("STOP"))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_what_was_changed_is_stamped_for_the_bus(hub: Hub) -> None:
    hub.receive(sms("STOP"))
    found = [item for item in World.of(hub.table).items if item["type"] == "consent"]
    assert [item["change"]["events"] for item in found] == [["ConsentChanged"]]
    assert keys.kind_of(found[0]["PK"].removeprefix("IDENTITY#")) is IdentityKind.PHONE


@pytest.mark.parametrize("after_it_took_effect", [False, True])
@pytest.mark.parametrize("call", [0, 1])
def test_a_stop_is_not_lost_whenever_its_recorder_dies(
    hub: Hub, call: int, after_it_took_effect: bool
) -> None:
    """The process dies at one call, before or after; Twilio delivers again."""
    hub.receive(sms())
    events, made = hub.table._client.meta.events, [0]

    def die(**_: Any) -> None:
        made[0] += 1
        if made[0] - 1 == call:
            raise KeyboardInterrupt

    when = "after-call" if after_it_took_effect else "before-call"
    events.register(f"{when}.dynamodb.*", die)
    stop = sms("STOP")
    with pytest.raises(KeyboardInterrupt):
        hub.receive(stop)
    events.unregister(f"{when}.dynamodb.*", die)
    hub.receive(stop)
    assert identity(hub.table).consent == {"text:*": "stopped"}
    assert len(log(hub.table).statements) == 1
    assert len(told(hub.table)) == 1
    assert [entry.text for entry in World.of(hub.table).messages] == ["hello", "STOP"]


def test_a_statement_made_meanwhile_is_taken_into_account(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a STOP's reading and its writing an agent denies texts too."""
    hub.receive(sms())
    real, table = hub.table._client.transact_write_items, hub.table

    def interfere(**request: Any) -> Any:
        monkeypatch.setattr(table._client, "transact_write_items", real)
        put(table, statement())
        return real(**request)

    monkeypatch.setattr(table._client, "transact_write_items", interfere)
    hub.receive(sms("STOP"))
    assert folded(table) == identity(table).consent == {"text:*": "stopped"}
    assert len(log(table).statements) == 2


# ---- requests


def test_a_wish_by_mail_is_put_before_an_agent(hub: Hub) -> None:
    recorded = hub.receive(mail("Hi, please stop texting me. Thanks, Ana"))
    assert identity(hub.table, ANA_EMAIL).consent == {}
    (request,) = log(hub.table, ANA_EMAIL).requests
    assert (request.entry_id, request.media) == (recorded.entry_id, (Medium.TEXT,))
    (entry,) = World.of(hub.table).messages
    assert entry.defects == ("may ask for no more messages by text: decide it in their consent",)


def test_a_wish_in_a_chat_is_too(hub: Hub) -> None:
    hub.receive(chat("stop texting me"))
    (item,) = [it for it in World.of(hub.table).items if it["type"] == "consent_request"]
    assert item["media"] == ["text"]


# ---- agents and providers


def test_an_agents_word_does_not_lift_a_stop(hub: Hub) -> None:
    hub.receive(sms("STOP"))
    with pytest.raises(ConflictError, match="themselves"):
        put(hub.table, statement(state=ConsentState.GRANTED))
    assert identity(hub.table).consent == {"text:*": "stopped"}


def test_an_agent_puts_down_and_takes_back(hub: Hub) -> None:
    hub.receive(sms())
    assert put(hub.table, statement(1))
    assert identity(hub.table).consent == {"text:*": "denied"}
    assert put(hub.table, statement(2, state=ConsentState.GRANTED))
    assert not put(hub.table, statement(3, state=ConsentState.GRANTED))
    assert identity(hub.table).consent == {"text:*": "granted"}
    assert told(hub.table) == [
        "May not be sent texts any more (asked on the phone)",
        "May be sent texts (asked on the phone)",
    ]


def test_of_an_address_nobody_knows_nothing_is_kept(table: Table) -> None:
    assert not put(table, statement())


def test_a_busy_address_is_said_to_be_busy(
    hub: Hub, refuse_transactions: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consent.sleep", lambda seconds: None)
    hub.receive(sms())
    refuse_transactions(3)
    assert put(hub.table, statement())
    refuse_transactions(99)
    with pytest.raises(UnavailableError):
        put(hub.table, statement(2, state=ConsentState.GRANTED))


# ---- where it goes with the address


def test_consent_goes_where_its_address_goes_and_undoing_leaves_nothing(hub: Hub) -> None:
    ana = hub.receive(sms())
    bo = hub.receive(sms("STOP", sender=BO_PHONE))
    decision = Decision(by="a", reason="same")
    merged = merge(hub.table, ana.contact_id, bo.contact_id, decision, now=NOW)
    assert denied(hub, ANA_PHONE)
    undo(hub.table, merged.id, decision, now=NOW)
    assert denied(hub, BO_PHONE)
    assert not denied(hub, ANA_PHONE)


def test_a_split_takes_consent_and_what_tells_of_it_along(hub: Hub) -> None:
    recorded = hub.receive(chat(vouched=(ANA_PHONE,)))
    hub.receive(sms("STOP"))
    decision = Decision(by="a", reason="his")
    number = split(hub.table, recorded.contact_id, ANA_PHONE, decision, now=NOW)
    assert move(hub.table, number.id, now=NOW)
    assert identity(hub.table).consent == {"text:*": "stopped"}
    (entry,) = [entry for entry in World.of(hub.table).entries if entry.kind is Kind.EVENT]
    assert entry.home == identity(hub.table).home == number.target


def test_a_stop_outlives_the_erasure_of_who_said_it(hub: Hub) -> None:
    erase_(hub, hub.receive(sms("STOP")).contact_id)
    assert identity(hub.table).consent == {"text:*": "stopped"}
    hub.receive(sms("hello again", received_at=later(days=30)), now=later(days=30))
    assert denied(hub, ANA_PHONE)


def test_a_stop_that_arrives_after_the_erasure_counts(hub: Hub) -> None:
    erase_(hub, hub.receive(sms()).contact_id)
    hub.receive(sms("STOP"))
    kept = identity(hub.table)
    assert kept.erased_at
    assert kept.consent == {"text:*": "stopped"}
    assert log(hub.table).statements == ()
    put(hub.table, statement(state=ConsentState.GRANTED, own=True))
    assert identity(hub.table).consent == {"text:*": "stopped"}


def erase_(hub: Hub, contact_id: str) -> None:
    erase.begin(hub.table, contact_id, frozenset(), by="a", now=NOW)
    objects = Objects(lambda: boto3.client("s3", region_name=REGION), BUCKET)
    assert erase.finish(hub.table, contact_id, content=objects, mails=objects, now=NOW)


def denied(hub: Hub, address: Address) -> bool:
    contact = hub.contact(address)
    target = identity(hub.table, address)
    purpose = Purpose.CONVERSATION
    return bool(rules.denial(contact.identities, target, Medium.TEXT, purpose))


# ---- the map is what the log comes to


def folded(table: Table, address: Address = ANA_PHONE) -> Any:
    nothing: Any = {}
    return reduce(rules.after, log(table, address).statements, nothing)


def test_the_same_word_a_day_later_is_a_word_of_its_own(hub: Hub) -> None:
    hub.receive(sms())
    put(hub.table, statement(1))
    put(hub.table, statement(2, at=later(hours=23)))
    assert len(log(hub.table).statements) == 1
    put(hub.table, statement(3, at=later(hours=24)))
    assert len(log(hub.table).statements) == 2


said_by_anybody = st.builds(
    statement,
    at=st.integers(0, 5).map(lambda seconds: later(seconds=seconds)),
    purpose=st.sampled_from([Purpose.EVERY, Purpose.MARKETING]),
    state=st.sampled_from([ConsentState.GRANTED, ConsentState.DENIED]),
    own=st.booleans(),
)
texts = st.tuples(st.sampled_from(["STOP", "START", "yes", "hello"]), st.integers(0, 5))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(said_by_anybody, texts), min_size=2, max_size=5), st.integers(0, 10**9))
def test_what_is_kept_is_what_the_log_comes_to_in_whatever_order_it_came(
    hub: Hub, events: list[Statement | tuple[str, int]], number: int
) -> None:
    person = Address(IdentityKind.PHONE, f"+1415{number:010d}")
    hub.receive(sms(sender=person))
    for place, event in enumerate(events):
        if isinstance(event, Statement):
            try:
                put(hub.table, replace(event, id=f"ent_{number}-{place}"), person)
            except ConflictError:
                continue
        else:
            word, seconds = event
            message = sms(word, sender=person, received_at=later(seconds=seconds))
            for _ in range(2):
                hub.receive(message, now=later(seconds=seconds))
    assert folded(hub.table, person) == identity(hub.table, person).consent


# ---- nobody who said stop is sent anything


def test_a_word_takes_two_calls(hub: Hub, aws_calls: list[str]) -> None:
    hub.receive(sms())
    aws_calls.clear()
    put(hub.table, statement())
    assert aws_calls == ["GetItem", "TransactWriteItems"]


acts = st.sampled_from(["STOP", "START", "send", "deliver"])


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, min_size=4, max_size=9), st.integers(0, 10**9))
def test_whatever_happens_in_between_nothing_leaves_after_a_stop(
    hub: Hub, story: list[str], number: int
) -> None:
    person = Address(IdentityKind.PHONE, f"+1416{number:010d}")
    office = Office(hub.table, hub.bodies)
    contact = hub.receive(sms(sender=person)).contact_id
    queued, stopped = [], False
    for act in story:
        sent = len(office.provider.sent)
        if act == "send" and stopped:
            with pytest.raises(UnwantedError, match="no_consent"):
                office.answer(contact)
        elif act == "send":
            queued.append(key_of(office.answer(contact)))
        elif act == "deliver":
            for key in queued:
                office.deliver(key)
            assert not stopped or len(office.provider.sent) == sent
        else:
            hub.receive(sms(act, sender=person))
            stopped = act == "STOP"

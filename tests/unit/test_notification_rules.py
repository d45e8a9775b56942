"""The checks of notifications, each by itself: the cause, what came since, the target, how many."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.conversation import Conversation, LastIn, State, WaitingOn
from shared.model.entry import AuthorType, Channel, Kind
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.notification import ORIGIN, Request, SentTimes, Target
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.rules.ladder import Verdict, verdict
from shared.rules.notification import (
    CAP_WINDOW,
    Offer,
    Policy,
    caps,
    choose_target,
    is_within,
    objection_to_cause,
    objection_to_conversation,
    objection_to_target,
)
from tests.builders import NOW, later
from tests.unit.test_notification_requests import CAUSE

POLICY = Policy(time_zone="UTC", countries=frozenset({"US"}), hourly_cap=5, block_cap=100)
REQUEST = Request(
    rule="agent-answered",
    template="agent-answered",
    purpose="transactional",
    ladder=("sms",),
    wait_seconds=600,
    debounce_seconds=60,
    urgent=False,
    cause=CAUSE,
)


def identity(value: str, trust: Trust = Trust.VERIFIED, **fields: Any) -> Identity:
    kind = IdentityKind.PHONE if value.startswith("+") else IdentityKind.EMAIL
    blank = Identity(
        key=f"{kind}#{value}",
        address=Address(kind, value),
        home="ctc_1",
        root="ctc_1",
        trust=trust,
        evidence="",
        since=NOW,
        seen=NOW,
    )
    return replace(blank, **fields)


# ---- the checks


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"time": NOW - timedelta(hours=24)}, None),
        ({"time": NOW - timedelta(hours=24, seconds=1)}, "stale"),
        ({"occurred_at": later(days=-2)}, "stale"),  # an import
        ({"automatic": True}, "loop"),
        ({"depth": 1}, "loop"),
        ({"author": AuthorType.SYSTEM}, "loop"),
        ({"author": AuthorType.SYSTEM, "kind": Kind.ORDER}, None),
        ({"kind": Kind.NOTIFICATION}, "loop"),
        ({"trust": Trust.CLAIMED}, "untrusted"),
        ({"trust": Trust.ASSERTED}, None),
        ({"trust": None}, None),
        ({"trust": Trust.CLAIMED, "depth": 1, "time": later(days=-2)}, "stale"),
        ({"trust": Trust.CLAIMED, "depth": 1}, "loop"),
    ],
    ids=str,
)
def test_a_cause_is_checked_in_order(changes: dict[str, Any], reason: str | None) -> None:
    assert objection_to_cause(replace(CAUSE, **changes), NOW) == reason


def test_the_best_proven_address_is_chosen_and_of_those_the_one_seen_last() -> None:
    asserted = identity("+14155550101", Trust.ASSERTED, seen=later(days=3))
    old = identity("+14155550102", seen=NOW)
    recent = identity("+14155550103", seen=later(days=1))
    erased = identity("+14155550104", seen=later(days=2), erased_at=NOW)
    everybody = (asserted, old, recent, erased, identity("ana@example.com"))
    assert choose_target(("sms",), everybody) == Target(channel=Channel.SMS, identity=recent)


def test_the_first_channel_with_an_address_is_chosen() -> None:
    only_mail = (identity("ana@example.com"),)
    target = choose_target(("sms", "email"), only_mail)
    assert target
    assert target.channel is Channel.EMAIL
    assert choose_target(("sms",), only_mail) is None


def test_a_ladder_goes_on_behind_the_rungs_that_were_tried() -> None:
    phone, mailbox = identity("+14155550101"), identity("ana@example.com")
    target = choose_target(("sms", "whatsapp", "email"), (phone, mailbox), first=2)
    assert target == Target(channel=Channel.EMAIL, identity=mailbox, rung=2)
    assert choose_target(("sms", "whatsapp", "email"), (phone,), first=2) is None


def test_the_origin_is_where_the_customer_last_wrote() -> None:
    """Not another mailbox of theirs, however well proven and lately seen."""
    written, other = identity("a@example.com"), identity("b@example.com", seen=later(days=1))
    last_in = LastIn(address_key=written.key, channel=Channel.EMAIL)
    assert choose_target((ORIGIN,), (written, other), last_in=last_in) == Target(
        channel=Channel.EMAIL, identity=written
    )
    assert choose_target((ORIGIN,), (written, other)) is None
    called = LastIn(address_key=written.key, channel=Channel.VOICE)
    assert choose_target((ORIGIN,), (written, other), last_in=called) is None


# ---- what came since


def conversation(**fields: Any) -> Conversation:
    blank = Conversation(
        id="cnv_1",
        home="ctc_1",
        reference="7Q4K2M",
        subject="",
        state=State.OPEN,
        opened_at=NOW,
        last_activity_at=NOW,
    )
    return replace(blank, **fields)


RESOLVED: dict[str, Any] = {"state": State.RESOLVED}
BY_CUSTOMER: dict[str, Any] = {"author": AuthorType.CUSTOMER}
RESOLUTION: dict[str, Any] = {"type": "ConversationResolved", "author": None, "trust": None}


@pytest.mark.parametrize(
    ("cause", "since", "reason"),
    [
        ({}, {"waiting_on": WaitingOn.CUSTOMER}, None),
        ({}, {"waiting_on": WaitingOn.AGENT}, "overtaken"),
        ({}, RESOLVED, "overtaken"),
        (BY_CUSTOMER, {"waiting_on": WaitingOn.AGENT}, None),
        (BY_CUSTOMER, {"waiting_on": WaitingOn.CUSTOMER}, "overtaken"),
        (BY_CUSTOMER, RESOLVED, "overtaken"),
        (RESOLUTION, RESOLVED, None),
        (RESOLUTION, {}, "overtaken"),
    ],
    ids=str,
)
def test_what_the_customer_knows_already_or_is_no_longer_so_is_not_told(
    cause: dict[str, Any], since: dict[str, Any], reason: str | None
) -> None:
    assert objection_to_conversation(replace(CAUSE, **cause), conversation(**since)) == reason


def test_nothing_is_told_about_the_conversation_of_somebody_who_proved_nothing() -> None:
    """Whoever writes in another's name must not have them mailed when an agent closes it."""
    claimed = LastIn(address_key="email#1", channel=Channel.EMAIL, trust=Trust.CLAIMED)
    seen = conversation(state=State.RESOLVED, last_in=claimed)
    assert objection_to_conversation(replace(CAUSE, **RESOLUTION), seen) == "untrusted"


# ---- the target


def offer(target: Identity, channel: Channel = Channel.SMS, text: str = "hello") -> Offer:
    return Offer(
        target=Target(channel=channel, identity=target),
        text=text,
        request=REQUEST,
        identities=(target,),
        policy=POLICY,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("trust", "shared", "reason"),
    [
        (Trust.VERIFIED, False, None),
        (Trust.VERIFIED, True, None),
        (Trust.ASSERTED, False, None),
        (Trust.ASSERTED, True, "untrusted_target"),
        (Trust.CLAIMED, False, "untrusted_target"),
    ],
)
def test_nobody_is_told_at_an_address_that_may_be_somebody_elses(
    trust: Trust, shared: bool, reason: str | None
) -> None:
    assert objection_to_target(offer(identity("+14155550101", trust, shared=shared))) == reason


def test_nobody_is_told_who_said_stop() -> None:
    stopped = identity("+14155550101", consent={"text:*": "stopped"})
    assert objection_to_target(offer(stopped)) == "no_consent"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("+14155550101", None),
        ("+18765550101", "country"),  # Jamaica: +1 as well, and dear
        ("+17875550101", "country"),
        ("+4915112345678", "country"),
    ],
)
def test_only_numbers_of_the_operators_countries_are_texted(
    number: str, reason: str | None
) -> None:
    assert objection_to_target(offer(identity(number))) == reason


def test_mail_goes_to_any_country() -> None:
    assert objection_to_target(offer(identity("ana@example.jm"), Channel.EMAIL)) is None


@pytest.mark.parametrize(("length", "reason"), [(306, None), (307, "too_long")])
def test_a_text_of_more_than_two_segments_is_not_sent(length: int, reason: str | None) -> None:
    assert objection_to_target(offer(identity("+14155550101"), text="a" * length)) == reason
    mailbox = identity("ana@example.com")
    assert objection_to_target(offer(mailbox, Channel.EMAIL, "a" * length)) is None


# ---- how many


def test_what_answers_a_customer_by_itself_goes_to_an_address_once_an_hour() -> None:
    target = Target(channel=Channel.EMAIL, identity=identity("ana@example.com"))
    asked = replace(REQUEST, rule="ticket-opened", cause=replace(CAUSE, **BY_CUSTOMER))
    assert caps(asked, target, "ctc_1", POLICY) == {
        ("ctc_1", ""): 5,
        ("ctc_1", "ticket-opened#email#ana@example.com"): 1,
    }
    assert caps(REQUEST, target, "ctc_1", POLICY) == {("ctc_1", ""): 5}
    shipped = replace(asked, cause=replace(asked.cause, kind=Kind.ORDER))
    assert caps(shipped, target, "ctc_1", POLICY) == {("ctc_1", ""): 5}


@given(
    st.integers(1, 6),
    st.lists(st.integers(0, 4 * 3600), max_size=60).map(sorted),
)
def test_no_hour_however_laid_sees_more_than_the_cap(cap: int, asked: list[int]) -> None:
    sent = SentTimes(contact_id="ctc_1", scope="")
    for seconds in asked:
        at = later(seconds=seconds)
        if is_within(sent, cap, at):
            sent = replace(sent, times=(*sent.times, at))
    for begin in sent.times:
        assert sum(begin <= at < begin + CAP_WINDOW for at in sent.times) <= cap


# ---- the ladder


@pytest.mark.parametrize("state", ReceiptState)
def test_a_message_came_through_or_did_not_or_nobody_knows_yet(state: ReceiptState) -> None:
    expected = {
        ReceiptState.DELIVERED: Verdict.SUCCESS,
        ReceiptState.READ: Verdict.SUCCESS,
        ReceiptState.STOPPED: Verdict.FAILURE,
        ReceiptState.CANCELED: Verdict.FAILURE,
        ReceiptState.FAILED: Verdict.FAILURE,
        ReceiptState.UNDELIVERED: Verdict.FAILURE,
        ReceiptState.BOUNCED: Verdict.FAILURE,
    }
    receipt = Receipt(key=ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1"), state=state)
    assert verdict(receipt, "+14155550101", NOW) is expected.get(state, Verdict.WAITING)


def test_where_carriers_never_report_a_delivery_sent_is_success() -> None:
    key = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
    sent = Receipt(key=key, state=ReceiptState.SENT)
    silent = {"+99": NOW.date()}
    assert verdict(sent, "+9912345", NOW, silent) is Verdict.SUCCESS
    assert verdict(sent, "+9912345", NOW - timedelta(days=1), silent) is Verdict.WAITING
    assert verdict(sent, "+4912345", NOW, silent) is Verdict.WAITING
    assert verdict(replace(sent, state=ReceiptState.FAILED), "+99", NOW, silent) is Verdict.FAILURE

"""May somebody be written to, and what do their statements come to?"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, AuthorType
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.statement import Statement
from shared.rules import consent as rules
from shared.rules.consent import denial
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW

TEXTS = (Medium.TEXT, Purpose.TRANSACTIONAL)


def known(address: Address = ANA_PHONE, **fields: Any) -> Identity:
    """An address somebody has written from."""
    made = {"trust": Trust.VERIFIED, "messages": 1, **fields}
    return Identity(
        key=str(address),
        address=address,
        home="ctc_ana",
        root="ctc_ana",
        evidence="test",
        since=NOW,
        seen=NOW,
        **made,
    )


def said(**fields: Any) -> Statement:
    """A STOP, unless told otherwise."""
    made = {
        "id": "ent_1",
        "at": NOW,
        "medium": Medium.TEXT,
        "purpose": Purpose.EVERY,
        "state": ConsentState.DENIED,
        "own": True,
        "source": "keyword",
        "by": Author(AuthorType.CUSTOMER),
        **fields,
    }
    return Statement(**made)


def fold(log: list[Statement]) -> Mapping[str, str]:
    """What the statements come to, from none."""
    nothing: Mapping[str, str] = {}
    return reduce(rules.after, log, nothing)


START = said(state=ConsentState.GRANTED)
AGENT_SAYS_YES = said(state=ConsentState.GRANTED, own=False)
AGENT_SAYS_NO = said(own=False)


# ---- what is allowed without a record


@pytest.mark.parametrize("purpose", [Purpose.CONVERSATION, Purpose.TRANSACTIONAL])
def test_who_wrote_may_be_answered_and_told_what_concerns_them(purpose: Purpose) -> None:
    assert denial([], known(trust=Trust.CLAIMED), Medium.TEXT, purpose) == ""


@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.SURVEY])
def test_nobody_is_sent_what_they_have_not_asked_for(purpose: Purpose) -> None:
    assert denial([], known(), Medium.TEXT, purpose) == "no_consent"
    granted = known(consent={f"text:{purpose}": "granted"})
    assert denial([], granted, Medium.TEXT, purpose) == ""


def test_an_address_that_somebody_else_typed_is_not_written_to() -> None:
    assert denial([], known(messages=0, trust=Trust.CLAIMED), *TEXTS) == "no_consent"
    assert denial([], known(messages=0, trust=Trust.ASSERTED), *TEXTS) == ""


def test_a_grant_for_everything_is_none_for_advertising() -> None:
    granted = known(messages=0, trust=Trust.CLAIMED, consent={"text:*": "granted"})
    assert denial([], granted, *TEXTS) == ""
    assert denial([], granted, Medium.TEXT, Purpose.MARKETING) == "no_consent"


# ---- denials


@pytest.mark.parametrize("state", ["denied", "stopped"])
@pytest.mark.parametrize("kept", ["text:*", "text:transactional"])
def test_a_denial_counts_for_its_medium_and_purpose(state: str, kept: str) -> None:
    stopped = known(consent={kept: state})
    assert denial([], stopped, *TEXTS) == "no_consent"
    assert denial([], stopped, Medium.WHATSAPP, Purpose.TRANSACTIONAL) == ""
    of_conversation = denial([], stopped, Medium.TEXT, Purpose.CONVERSATION)
    assert of_conversation == ("no_consent" if kept == "text:*" else "")


def test_a_denial_counts_for_all_numbers_of_the_person() -> None:
    other = known(Address(IdentityKind.PHONE, "+14155550102"), consent={"text:*": "stopped"})
    mail = known(ANA_EMAIL)
    assert denial([known(), other, mail], known(), *TEXTS) == "no_consent"
    assert denial([known(), other, mail], mail, Medium.EMAIL, Purpose.TRANSACTIONAL) == ""


def test_what_the_law_wants_sent_is_sent() -> None:
    stopped = known(consent={"text:*": "stopped"})
    assert denial([], stopped, Medium.TEXT, Purpose.LEGAL) == ""


def test_no_mail_goes_where_it_bounced_for_good() -> None:
    bounced = known(ANA_EMAIL, bounced=True)
    assert denial([], bounced, Medium.EMAIL, Purpose.LEGAL) == "bounced"


# ---- statements


def test_only_the_persons_start_lifts_their_stop() -> None:
    stopped = rules.after({}, said())
    assert stopped == {"text:*": "stopped"}
    assert rules.is_overruled(stopped, AGENT_SAYS_YES)
    assert rules.is_overruled(stopped, replace(AGENT_SAYS_YES, purpose=Purpose.MARKETING))
    assert rules.after(stopped, AGENT_SAYS_YES) == stopped
    assert rules.after(stopped, AGENT_SAYS_NO) == stopped
    assert rules.after(stopped, START) == {"text:*": "granted"}


def test_an_agent_takes_back_what_an_agent_said() -> None:
    denied = rules.after({}, AGENT_SAYS_NO)
    assert denied == {"text:*": "denied"}
    assert not rules.is_overruled(denied, AGENT_SAYS_YES)
    assert rules.after(denied, AGENT_SAYS_YES) == {"text:*": "granted"}


def test_start_brings_back_what_was_granted_before_stop() -> None:
    before = {"text:marketing": "granted"}
    stopped = rules.after(before, said())
    assert denial([], known(consent=stopped), Medium.TEXT, Purpose.MARKETING) == "no_consent"
    again = rules.after(stopped, START)
    assert denial([], known(consent=again), Medium.TEXT, Purpose.MARKETING) == ""


statements = st.builds(
    said,
    at=st.integers(0, 50).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    purpose=st.sampled_from([Purpose.EVERY, Purpose.MARKETING, Purpose.CONVERSATION]),
    medium=st.sampled_from([Medium.TEXT, Medium.EMAIL]),
    state=st.sampled_from([ConsentState.GRANTED, ConsentState.DENIED]),
    own=st.booleans(),
)


@given(st.lists(statements, max_size=12))
def test_whoever_said_stop_last_themselves_is_never_written_to(log: list[Statement]) -> None:
    kept = fold(log)
    own = [each for each in log if each.own and each.medium is Medium.TEXT]
    own = [each for each in own if each.purpose is Purpose.EVERY]
    if own and own[-1].state is ConsentState.DENIED:
        for purpose in set(Purpose) - {Purpose.LEGAL}:
            assert denial([], known(consent=kept), Medium.TEXT, purpose)


@given(st.lists(statements, max_size=8))
def test_saying_it_twice_is_saying_it_once(log: list[Statement]) -> None:
    kept = fold(log)
    twice = [each for each in log for _ in range(2)]
    assert fold(twice) == kept

"""Which addresses identify anybody, what evidence is worth, and when proof may join by itself."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.suggestion import (
    Caution,
    Evidence,
    Suggestion,
    SuggestionState,
    suggestion_id,
)
from shared.rules import matching
from shared.rules.matching import Joining, Match, Policy
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, OUR_NUMBER, chat, later, sms

DEFAULT = Policy()
ACCOUNT = Address(IdentityKind.CHAT, "shop:v-12")


def email(value: str) -> Address:
    return Address(IdentityKind.EMAIL, value)


def phone(value: str) -> Address:
    return Address(IdentityKind.PHONE, value)


def identity(address: Address, **fields: object) -> Identity:
    known = Identity(
        key=f"{address.kind}#{address.value}",
        address=address,
        home="ctc_1",
        root="ctc_1",
        trust=Trust.VERIFIED,
        evidence="test",
        since=NOW,
        seen=NOW,
    )
    return replace(known, **fields)  # type: ignore[arg-type]


def match(**fields: object) -> Match:
    both = Match(
        evidence=Evidence.VOUCHED,
        sender=identity(ACCOUNT),
        other=ANA_PHONE,
        one=(identity(ACCOUNT),),
        two=(identity(ANA_PHONE),),
    )
    return replace(both, **fields)  # type: ignore[arg-type]


# ---- what identifies anybody


@pytest.mark.parametrize(
    "value",
    [
        "ana@example.com",
        "ana+shop@example.com",
        "a.nolan@example.com",
        "infotech@example.com",
        "noreen@example.com",
        "testino@example.com",
        "salesman.sam@example.com",
        "007@example.com",
    ],
)
def test_a_persons_mailbox_identifies_them(value: str) -> None:
    assert matching.identifies(email(value), DEFAULT)


@pytest.mark.parametrize(
    "value",
    [
        "info@example.com",
        "Support@example.com",
        "sales+eu@example.com",
        "customer-service@example.com",
        "kontakt@example.de",
        "no-reply@example.com",
        "noreply-orders@example.com",
        "do_not_reply@example.com",
        "MAILER-DAEMON@example.com",
        "postmaster@example.com",
        "bounces@example.com",
        "null@example.com",
        "0@example.com",
        "none@example.com",
        "anonymous@example.com",
        "unknown@example.com",
        "test@example.com",
        "test123@example.com",
        "tester@example.com",
        "nobody@example.com",
        "ana@example.invalid",
        "ana@localhost",
    ],
)
def test_a_roles_a_machines_or_a_placeholders_mailbox_identifies_nobody(value: str) -> None:
    assert not matching.identifies(email(value), DEFAULT)


@pytest.mark.parametrize(
    "value", ["+266696687", "+7378742833", "+10000000000", "+12345", "OURSHOP"]
)
def test_a_withheld_short_or_endless_number_identifies_nobody(value: str) -> None:
    assert not matching.identifies(phone(value), DEFAULT)
    assert matching.identifies(ANA_PHONE, DEFAULT)


@pytest.mark.parametrize(
    "value", ["shop:null", "shop:0", "shop:undefined", "shop:", "shop:0000-00"]
)
def test_an_account_whose_id_is_a_placeholder_identifies_nobody(value: str) -> None:
    assert not matching.identifies(Address(IdentityKind.CHAT, value), DEFAULT)
    assert matching.identifies(ACCOUNT, DEFAULT)


def test_the_operators_own_addresses_identify_nobody() -> None:
    ours = Policy(
        own=frozenset({phone(OUR_NUMBER), email("care@example.org")}), own_domain="In.example.com"
    )
    for address in (phone(OUR_NUMBER), email("Care@Example.org"), email("r.abc@in.example.com")):
        assert matching.identifies(address, DEFAULT)
        assert not matching.identifies(address, ours)


@given(st.sampled_from(IdentityKind), st.text(max_size=300))
def test_whatever_an_address_holds_there_is_an_answer(kind: IdentityKind, value: str) -> None:
    assert matching.identifies(Address(kind, value), DEFAULT) in (True, False)


def test_what_a_site_vouches_for_and_identifies_nobody_is_a_claim() -> None:
    info = email("info@example.com")
    message = matching.screen(chat(vouched=(ANA_EMAIL, info), claims=(ANA_PHONE,)), DEFAULT)
    assert message.vouched == (ANA_EMAIL,)
    assert message.claims == (ANA_PHONE, info)


def test_the_number_a_message_was_sent_to_is_not_its_senders() -> None:
    message = matching.screen(sms(vouched=(phone(OUR_NUMBER),)), DEFAULT)
    assert message.vouched == ()


# ---- families


@pytest.mark.parametrize(
    ("theirs", "second"),
    [
        ("shop:v-99", True),
        ("shop:v-12", False),
        ("help:v-99", False),
    ],
)
def test_two_accounts_at_one_site_with_one_phone_may_be_a_family(theirs: str, second: bool) -> None:
    other = identity(Address(IdentityKind.CHAT, theirs))
    found = matching.cautions(match(two=(identity(ANA_PHONE), other)), DEFAULT)
    assert (Caution.SECOND_ACCOUNT in found) is second


def test_two_accounts_at_one_site_with_one_mail_address_are_one_persons() -> None:
    other = identity(Address(IdentityKind.CHAT, "shop:v-99"))
    found = matching.cautions(match(other=ANA_EMAIL, two=(identity(ANA_EMAIL), other)), DEFAULT)
    assert found == frozenset()


# ---- who decides


def test_proof_joins_where_everything_is_verified_and_nobody_objected() -> None:
    assert matching.joins(Evidence.VOUCHED, matching.cautions(match(), DEFAULT), DEFAULT)


@pytest.mark.parametrize(
    ("doubtful", "caution"),
    [
        (match(two=(identity(ANA_PHONE, trust=Trust.CLAIMED),)), Caution.UNVERIFIED),
        (match(two=(identity(ANA_PHONE, trust=Trust.ASSERTED),)), Caution.UNVERIFIED),
        (
            match(one=(identity(ACCOUNT), identity(ANA_EMAIL, trust=Trust.ASSERTED))),
            Caution.UNVERIFIED,
        ),
        (match(two=(identity(ANA_PHONE, shared=True),)), Caution.SHARED),
        (match(two=(identity(ANA_PHONE), identity(email("info@example.com")))), Caution.SHARED),
        (match(two=(identity(ANA_PHONE, separated=True),)), Caution.SEPARATED),
        (match(declined=True), Caution.DECLINED),
        (match(full=True), Caution.FULL),
        (
            match(two=[identity(phone(f"+1415555{n:04d}")) for n in range(11)]),
            Caution.FULL,
        ),
    ],
)
def test_proof_asks_where_anything_speaks_against_joining(
    doubtful: Match, caution: Caution
) -> None:
    found = matching.cautions(doubtful, DEFAULT)
    assert caution in found
    assert not matching.joins(Evidence.VOUCHED, found, DEFAULT)


@given(
    st.sampled_from([Evidence.CLAIMED_EMAIL, Evidence.CLAIMED_PHONE]),
    st.frozensets(st.sampled_from(Caution)),
    st.sampled_from(Joining),
)
def test_what_somebody_typed_never_joins(
    evidence: Evidence, against: frozenset[Caution], joining: Joining
) -> None:
    assert not matching.joins(evidence, against, Policy(joining=joining))


@pytest.mark.parametrize("joining", [Joining.SUGGEST, Joining.OFF])
def test_the_operator_may_keep_proof_from_joining(joining: Joining) -> None:
    assert not matching.joins(Evidence.VOUCHED, frozenset(), Policy(joining=joining))


# ---- a suggestion's life

EVIDENCE = st.frozensets(st.sampled_from(Evidence), min_size=1)
AGAINST = st.frozensets(st.sampled_from(Caution))


@given(EVIDENCE, AGAINST, st.sampled_from(Evidence), st.sampled_from(Caution))
def test_more_evidence_never_lowers_a_score_and_more_caution_never_raises_it(
    evidence: frozenset[Evidence], against: frozenset[Caution], more: Evidence, doubt: Caution
) -> None:
    before = matching.score(evidence, against)
    assert 1 <= before <= 99
    assert matching.score(evidence | {more}, against) >= before
    assert matching.score(evidence, against | {doubt}) <= before


def test_proof_is_worth_more_than_all_that_was_typed() -> None:
    typed = {Evidence.CLAIMED_EMAIL, Evidence.CLAIMED_PHONE}
    assert matching.score({Evidence.VOUCHED}, ()) > matching.score(typed, ())


def test_a_suggestions_id_does_not_depend_on_the_order_of_its_addresses() -> None:
    for one, other in combinations(["email#1", "phone#1", "chat#1"], 2):
        assert suggestion_id(one, other) == suggestion_id(other, one)


def decided(state: SuggestionState) -> Suggestion:
    open_one = matching.proposed(
        None,
        match(evidence=Evidence.CLAIMED_PHONE),
        ("phone#1", "chat#1"),
        frozenset(),
        now=NOW,
    )
    return matching.decided(open_one, state, by="agent-1", at=NOW, reason="seen both")


@pytest.mark.parametrize("state", [SuggestionState.REJECTED, SuggestionState.UNDONE])
def test_new_evidence_asks_again_and_remembers_what_was_said(state: SuggestionState) -> None:
    again = matching.proposed(
        decided(state), match(), ("chat#1", "phone#1"), frozenset(), now=later(days=1)
    )
    assert again.state is SuggestionState.OPEN
    assert again.evidence == {Evidence.VOUCHED, Evidence.CLAIMED_PHONE}
    assert again.cautions == {Caution.DECLINED}
    assert again.at == later(days=1)
    assert matching.was_declined(again)


def test_more_evidence_keeps_the_time_of_an_open_suggestion() -> None:
    seen = matching.proposed(
        None, match(evidence=Evidence.CLAIMED_PHONE), ("phone#1", "chat#1"), frozenset(), now=NOW
    )
    again = matching.proposed(seen, match(), ("phone#1", "chat#1"), frozenset(), now=later(days=1))
    assert again.at == NOW
    assert again.score > seen.score
    assert not matching.was_declined(again)

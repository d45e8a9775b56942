"""By which of our numbers a text leaves: the one they know, never one that they blocked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.rules.delivery import choose_sender
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_PHONE, NOW, sms
from tests.outbound import Carrier, Office, key_of

SERVICE = "MG" + "0" * 32
AMERICAN, OTHER_AMERICAN = "+14155550000", "+12125550000"
GERMAN, BRITISH = "+4930123456", "+442071838750"
OURS = (BRITISH, AMERICAN, OTHER_AMERICAN, SERVICE, GERMAN)


def ana(number: str = ANA_PHONE.value, texted: str = "", blocked: str = "") -> Identity:
    return Identity(
        key="phone#1",
        address=Address(IdentityKind.PHONE, number),
        home="ctc_1",
        root="ctc_1",
        trust=Trust.VERIFIED,
        evidence="",
        since=NOW,
        seen=NOW,
        texted=frozenset(texted.split()),
        blocked_senders=frozenset(blocked.split()),
    )


@pytest.mark.parametrize(
    ("identity", "chosen"),
    [
        (ana(texted=GERMAN), GERMAN),
        (ana(texted=f"{SERVICE} +15005559999"), SERVICE),  # any number of the service's
        (ana(texted=GERMAN, blocked=GERMAN), AMERICAN),
        (ana(texted="+15005559999"), AMERICAN),  # a number that is no more ours
        (ana(), AMERICAN),
        (ana(blocked=AMERICAN), OTHER_AMERICAN),
        (ana(number="+4915112345678"), GERMAN),
        (ana(number="+33612345678"), BRITISH),  # none of their country: the first
        (ana(blocked=" ".join(OURS)), ""),
    ],
)
def test_the_number_they_wrote_to_then_their_countrys_then_the_first(
    identity: Identity, chosen: str
) -> None:
    assert choose_sender(OURS, identity) == chosen


@given(
    senders=st.lists(st.sampled_from(OURS), unique=True),
    texted=st.sets(st.sampled_from(OURS)),
    blocked=st.sets(st.sampled_from(OURS)),
)
def test_there_is_one_as_long_as_one_is_not_blocked(
    senders: list[str], texted: set[str], blocked: set[str]
) -> None:
    identity = replace(ana(), texted=frozenset(texted), blocked_senders=frozenset(blocked))
    chosen = choose_sender(senders, identity)
    assert bool(chosen) == bool(set(senders) - blocked)
    assert chosen not in blocked
    if chosen and chosen not in texted:
        assert not texted & set(senders) - blocked


def test_an_answer_leaves_by_the_number_they_last_wrote_to(table: Table, bodies: Bodies) -> None:
    office = Office(table, bodies, numbers=OURS)
    office.carrier = Carrier(lambda: office.now)
    for number in (AMERICAN, GERMAN):
        contact = office.hub.receive(replace(sms(), recipient=number)).contact_id
        office.deliver(key_of(office.answer(contact)))
    office.hub.receive(replace(sms("STOP"), recipient=GERMAN))
    office.hub.receive(replace(sms("START"), recipient=BRITISH))
    office.deliver(key_of(office.answer(contact)))
    assert [it.sender for it in office.carrier.taken] == [AMERICAN, GERMAN, BRITISH]

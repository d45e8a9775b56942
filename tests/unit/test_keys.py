"""Key strings: their exact text, their order, and that they hold no personal data."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey
from shared.store import keys
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW

SECRET = b"a key for tests"
TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 hypothesis takes its bounds naive
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_keys_read_as_they_always_did() -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, 7_000, tzinfo=UTC)
    assert keys.profile("ctc_1") == ("CONTACT#ctc_1", "PROFILE")
    assert keys.entry("ctc_1", at, "ent_1") == (
        "CONTACT#ctc_1",
        "ENTRY#2026-11-20T12:00:00.007Z#ent_1",
    )
    assert keys.receipt(ReceiptKey(home="ctc_1", at=at, entry_id="ent_1")).sk.endswith("#RECEIPT")
    assert keys.delivery("twilio", "SM1") == ("DELIVERY#twilio#SM1", "DELIVERY")
    assert keys.conversation("cnv_1") == ("CONVERSATION#cnv_1", "CONVERSATION")
    assert keys.agent("auth0|ada") == ("AGENT#auth0|ada", "AGENT")
    assert keys.reference("7Q4K2M") == ("REFERENCE#7Q4K2M", "REFERENCE")


def test_what_lies_beside_the_entries_sorts_below_them() -> None:
    beside = [
        keys.claim("ctc_1", "email#00"),
        keys.due("ctc_1", "retry", "ent_1"),
        keys.due("ctc_1", "debounce", "agent-answered#cnv_1"),
        keys.sent_times("ctc_1", ""),
        keys.stop_count("ctc_1", NOW, "agent-answered", "no_consent"),
        keys.promise("ctc_1", "prm_1", is_open=True),
        keys.promise("ctc_1", "prm_1", is_open=False),
    ]
    assert all(key.sk < keys.ENTRY for key in beside)
    assert keys.ENTRY + "~" < keys.PROFILE


def test_an_e_mail_address_is_the_same_in_any_case_and_is_written_to_as_it_was_written() -> None:
    shouted = Address(IdentityKind.EMAIL, "Ana@BÜCHER.example")
    quiet = Address(IdentityKind.EMAIL, "ana@bücher.example")
    assert keys.address_key(SECRET, shouted) == keys.address_key(SECRET, quiet)
    assert shouted.routable == "Ana@xn--bcher-kva.example"
    dotted = Address(IdentityKind.EMAIL, "a.na+shop@bücher.example")
    assert keys.address_key(SECRET, dotted) != keys.address_key(SECRET, quiet)


@given(TIMES, TIMES)
def test_the_order_of_keys_is_the_order_of_times(one: datetime, two: datetime) -> None:
    step = timedelta(milliseconds=1)
    one, two = (at.replace(microsecond=at.microsecond // 1000 * 1000) for at in (one, two))
    assert (keys.timestamp(one) < keys.timestamp(two)) == (one < two)
    assert keys.timestamp(one) < keys.timestamp(one + step)


@given(TIMES)
def test_a_time_comes_back_to_the_millisecond(at: datetime) -> None:
    kept = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert keys.read_timestamp(keys.timestamp(at)) == kept
    position = keys.entry_position(at, "ent_1")
    assert keys.read_entry_position(position) == (kept, "ent_1")


@pytest.mark.parametrize("address", [ANA_EMAIL, ANA_PHONE])
def test_an_addresss_key_does_not_show_the_address(address: Address) -> None:
    key = keys.address_key(SECRET, address)
    assert address.value not in key
    assert address.value.split("@", maxsplit=1)[0] not in key
    assert key != keys.address_key(b"another key", address)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("+5511987654321", "+551187654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491112345678", "+541112345678"),
    ],
    ids=["Brazil", "Mexico", "Argentina"],
)
def test_national_variants_of_a_number_are_one_address(one: str, two: str) -> None:
    phones = (Address(IdentityKind.PHONE, value) for value in (one, two))
    assert len({keys.address_key(SECRET, phone) for phone in phones}) == 1


def test_the_case_of_a_mail_domain_does_not_matter() -> None:
    mails = (Address(IdentityKind.EMAIL, v) for v in ("ana@Example.COM", "ana@example.com"))
    assert len({keys.address_key(SECRET, mail) for mail in mails}) == 1


def test_the_inbox_sorts_by_the_minute_of_the_last_activity() -> None:
    early, late = (
        keys.inbox("open", NOW, "cnv_1"),
        keys.inbox("open", NOW + timedelta(hours=1), "cnv_1"),
    )
    assert early.pk == late.pk
    assert early.sk < late.sk

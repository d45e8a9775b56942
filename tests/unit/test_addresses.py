"""Addresses as people write them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import InvalidRequestError
from shared.model.identity import Address, IdentityKind
from shared.rules.addresses import parse_address

EMAIL, PHONE, CHAT = IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.CHAT


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (EMAIL, " Ada.Lovelace+tag@Example.COM ", "Ada.Lovelace+tag@Example.COM"),
        (EMAIL, "jörgen@exämple.se", "jörgen@exämple.se"),
        (PHONE, "(415) 555-0123", "+14155550123"),
        (PHONE, "+44 20 7946 0018", "+442079460018"),
        (PHONE, "+15005550006", "+15005550006"),
        (CHAT, "shop:v-12", "shop:v-12"),
        (IdentityKind.EXTERNAL, "crm 42", "crm 42"),
    ],
)
def test_an_address_is_read(kind: IdentityKind, text: str, value: str) -> None:
    assert parse_address(kind, text, "US") == Address(kind, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (EMAIL, ""),
        (EMAIL, "ada"),
        (EMAIL, "@example.com"),
        (EMAIL, "ada@localhost"),
        (EMAIL, "a@b@example.com"),
        (EMAIL, "Ada <ada@example.com>"),
        (EMAIL, "a da@example.com"),
        (EMAIL, "ada@exa mple.com"),
        (EMAIL, "ada@example..com"),
        (EMAIL, "a" * 250 + "@example.com"),
        (PHONE, "call me"),
        (PHONE, "123"),
        (PHONE, "+1" + "5" * 60),
        (CHAT, "a\nb"),
        (CHAT, "\ud800"),
        (CHAT, "x" * 201),
        (CHAT, "null"),
        (PHONE, "Anonymous"),
        (PHONE, "0"),
    ],
)
def test_what_is_no_address_names_its_field(kind: IdentityKind, text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_address(kind, text, "US", field="visitor.email")
    assert refused.value.field == "visitor.email"


@given(st.sampled_from(IdentityKind), st.text(max_size=60))
def test_anything_is_an_address_or_refused(kind: IdentityKind, text: str) -> None:
    try:
        address = parse_address(kind, text, "US")
    except InvalidRequestError:
        return
    assert address.value
    assert parse_address(kind, address.value, "US") == address


@pytest.mark.parametrize("text", ["a." * 60_000 + "@", "a@" + "b." * 60_000, "+1" * 60_000])
def test_hostile_addresses_are_refused_fast(text: str) -> None:
    started = time.perf_counter()
    for kind in (EMAIL, PHONE):
        with pytest.raises(InvalidRequestError):
            parse_address(kind, text, "US")
    assert time.perf_counter() - started < 0.5

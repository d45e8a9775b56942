"""Cursors: only ours, only for the query they were made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.cursor import Cursor
from shared.model.errors import InvalidCursorError
from shared.rules import signed_tokens
from shared.rules.cursors import seal, unseal

KEYS = {"k1": b"the first key", "k2": b"the second key"}
QUERY = '["/v1/contacts/ctc_1/timeline", ["channel", "sms"]]'

cursors = st.builds(Cursor, position=st.text(min_size=1), alone=st.booleans())
each_text = st.text(max_size=60)


@given(cursor=cursors, query=each_text)
def test_a_cursor_comes_back_as_it_went_out(cursor: Cursor, query: str) -> None:
    assert unseal(KEYS, seal(KEYS, cursor, query), query) == cursor


@given(cursor=cursors, at=st.integers(min_value=0), other=st.characters())
def test_a_cursor_with_any_character_changed_is_refused(
    cursor: Cursor, at: int, other: str
) -> None:
    token = seal(KEYS, cursor, QUERY)
    at %= len(token)
    tampered = token[:at] + other + token[at + 1 :]
    if tampered != token:
        with pytest.raises(InvalidCursorError):
            unseal(KEYS, tampered, QUERY)


@given(cursor=cursors, at=st.integers(min_value=0), count=st.integers(1, 4))
def test_a_cursor_that_lost_characters_is_refused(cursor: Cursor, at: int, count: int) -> None:
    token = seal(KEYS, cursor, QUERY)
    at %= len(token)
    with pytest.raises(InvalidCursorError):
        unseal(KEYS, token[:at] + token[at + count :], QUERY)


@given(token=st.text())
def test_what_is_no_cursor_is_refused(token: str) -> None:
    with pytest.raises(InvalidCursorError):
        unseal(KEYS, token, QUERY)


@given(cursor=cursors, query=each_text, other=each_text)
def test_a_cursor_of_another_query_is_refused(cursor: Cursor, query: str, other: str) -> None:
    if query != other:
        with pytest.raises(InvalidCursorError):
            unseal(KEYS, seal(KEYS, cursor, query), other)


def test_a_cursor_of_an_older_key_is_good_until_that_key_goes() -> None:
    token = seal({"k1": KEYS["k1"]}, Cursor("a"), QUERY)
    assert unseal(KEYS, token, QUERY) == Cursor("a")
    with pytest.raises(InvalidCursorError):
        unseal({"k2": KEYS["k2"]}, token, QUERY)


def test_the_newest_key_signs_and_the_tenth_is_newer_than_the_second() -> None:
    keys = {**KEYS, "k10": b"the tenth key"}
    assert seal(keys, Cursor("a"), QUERY).startswith("k10.")


def test_a_token_made_for_another_purpose_is_no_cursor() -> None:
    token = signed_tokens.sign(KEYS, "attachment", '["a", true]', QUERY)
    with pytest.raises(InvalidCursorError):
        unseal(KEYS, token, QUERY)


@given(cursor=cursors)
def test_a_cursor_is_fit_for_a_url_as_it_is(cursor: Cursor) -> None:
    import re

    assert re.fullmatch(r"[A-Za-z0-9._-]+", seal(KEYS, cursor, QUERY))

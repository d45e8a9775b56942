"""Logs without people: what the end-to-end run is searched by, and what errors may say."""

import base64
import hashlib
import json
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import UnavailableError
from shared.runtime.unforeseen import UnforeseenError, discreet
from tests.personal import leaks, said_in, said_in_mail, texts

TEXT = "Where is my order 1042? Ünd noch etwas.\nA second line of it."
ADDRESS, NUMBER = "ana.garcia@example.com", "+14155550101"
TOLD = [TEXT, ADDRESS, NUMBER, "Ana García"]
NOISE = (
    '{"level":"INFO","message":"MessagesRecorded","entry_id":"ent_01JD3Y0C9RK6W3M5Q7T8V9X2ZB"}\n'
)


@pytest.mark.parametrize(
    "planted",
    [
        TEXT,
        TEXT[:30],
        "a SECOND line of it.",
        ADDRESS,
        ADDRESS.upper(),
        NUMBER,
        NUMBER[1:],
        "Ana García",
        json.dumps(TEXT),
        json.dumps(json.dumps(TEXT)),
        repr(TEXT),
        repr(TEXT.encode()),
        quote_plus(ADDRESS),
        quote_plus(NUMBER),
        quote_plus(TEXT),
        ADDRESS.encode().hex(),
        hashlib.sha256(ADDRESS.encode()).hexdigest(),
        hashlib.md5(NUMBER.encode()).hexdigest(),
        f"invalid literal for int() with base 10: {NUMBER!r}",
        f"[type=string_type, input_value={TEXT!r}, input_type=str]",
        f"Invalid type for parameter Key.PK, value: {ADDRESS}, type: <class 'str'>",
    ],
)
def test_a_log_that_tells_of_somebody_is_found(planted: str) -> None:
    assert leaks(NOISE * 50 + planted + NOISE * 50, TOLD)


@given(st.text(max_size=20), st.sampled_from([*TOLD[1:], TEXT[:40]]), st.text(max_size=20))
def test_what_is_told_is_found_within_base64_wherever_it_begins(
    before: str, told: str, after: str
) -> None:
    body = f"{before}{told}{after}".encode(errors="replace")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert leaks(NOISE + encode(body).decode() + NOISE, [told])


def test_ids_counts_and_codes_tell_of_nobody() -> None:
    log = NOISE * 50 + '{"CostMicroUsd":[8310.0],"channel":"sms"}' + "INFO MessagesRecorded\n"
    assert leaks(log, [*TOLD, "sms", "INFO", "", "\n", "MessagesRecorded"]) == {}


def test_what_was_sent_is_read_from_bodies_and_mails() -> None:
    assert list(said_in(b'{"text": "a", "to": {"value": ["b"]}, "n": 1}')) == ["a", "b"]
    assert list(said_in(b"From=%2B1415&Body=two+words")) == ["+1415", "two words"]
    assert list(said_in(b"plain")) == ["plain"]
    assert list(said_in(b"[" * 100_000)) == ["[" * 100_000]
    mail = f"From: Ana <{ADDRESS}>\r\nTo: b@c.de\r\nSubject: Hi\r\n\r\nwords\r\n".encode()
    assert {ADDRESS, "b@c.de", "Hi", "words\r\n"} <= set(said_in_mail(mail))
    assert list(texts({"a": {"b": ("c",)}})) == ["c"]


def fail(error: Exception) -> Callable[[object, object], None]:
    def handler(event: object, context: object) -> None:
        raise error

    return handler


def test_a_foreign_error_is_named_and_not_repeated() -> None:
    with pytest.raises(UnforeseenError) as raised:
        discreet(fail(ValueError(f"could not convert {ADDRESS}")))({}, None)
    assert str(raised.value).startswith("ValueError in handler, line ")
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)


def test_an_error_of_our_own_says_what_it_says() -> None:
    with pytest.raises(UnavailableError, match="the table is busy"):
        discreet(fail(UnavailableError("the table is busy")))({}, None)

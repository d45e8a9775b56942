"""Twilio's signatures (channels.md §1.1 and §1.7)."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from shared.model.errors import InvalidSignatureError, MalformedMessageError
from shared.providers.twilio import verify
from tests.webhooks import (
    ACCOUNT,
    API,
    BASE,
    MESSAGES,
    form_body,
    http_event,
    request,
    twilio_event,
)

URLS = (BASE, "https://other.example.com/prod")
SHARED = replace(ACCOUNT, shared_keys={"key_1": "one secret", "key_2": "another"})


def settings(key: str, algorithm: str = "HMAC_SHA256") -> dict[str, str]:
    return {"x-twilio-webhooks-signature-settings": f"key={key},algorithm={algorithm}"}


def json_event(body: bytes, *, signed: bytes | None = None, url: str = BASE + MESSAGES) -> Any:
    query = f"bodySHA256={hashlib.sha256(signed or body).hexdigest()}"
    signature = RequestValidator(ACCOUNT.auth_token).compute_signature(f"{url}?{query}", {})
    headers = {"x-twilio-signature": signature, "content-type": "application/json"}
    return http_event(body, query=query, headers=headers, encoded=False)


def test_the_example_in_twilios_documentation_is_accepted() -> None:
    # https://www.twilio.com/docs/usage/security#validating-requests
    body = (
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234"
        "&From=%2B14158675309&To=%2B18005551212"
    )
    headers = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    event = http_event(body, path="/myapp.php", query="foo=1&bar=2", headers=headers)
    verify(request(event), replace(ACCOUNT, auth_token="12345"), ("https://mycompany.com",))


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", ["sms", "mms", "stop", "whatsapp_number", "whatsapp_bsuid"])
def test_captured_messages_are_accepted(name: str, encoded: bool) -> None:
    verify(request(twilio_event(form_body(name), encoded=encoded)), ACCOUNT, URLS)


def test_blank_and_repeated_fields_are_part_of_what_is_signed() -> None:
    body = "Body=&X=b&X=a&X=a&MessageSid=SM1"
    verify(request(twilio_event(body)), ACCOUNT, URLS)
    signature = twilio_event(body)["headers"]["x-twilio-signature"]
    for changed in ("X=b&X=a&X=a&MessageSid=SM1", "Body=&X=b&MessageSid=SM1"):
        event = http_event(changed, headers={"x-twilio-signature": signature})
        with pytest.raises(InvalidSignatureError):
            verify(request(event), ACCOUNT, URLS)


@pytest.mark.parametrize(
    "url",
    [
        BASE + MESSAGES,
        "https://hooks.example.com:443" + MESSAGES,
        "https://other.example.com/prod" + MESSAGES,
        "https://other.example.com:443/prod" + MESSAGES,
        API + MESSAGES,
    ],
)
def test_each_of_our_urls_may_be_the_signed_one(url: str) -> None:
    verify(request(twilio_event(form_body("sms"), url=url)), ACCOUNT, URLS)


def test_a_url_with_a_port_may_be_signed_without_it() -> None:
    event = twilio_event(form_body("sms"), url="http://127.0.0.1" + MESSAGES)
    verify(request(event), ACCOUNT, ("http://127.0.0.1:4566",))


def test_a_foreign_url_is_refused_whatever_the_headers_say() -> None:
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    event = twilio_event(form_body("sms"), url="https://evil.example" + MESSAGES, headers=headers)
    with pytest.raises(InvalidSignatureError):
        verify(request(event), ACCOUNT, URLS)


@pytest.mark.parametrize("signature", ["", "x", "Zm9v", "é", "\ud800", "=" * 10_000])
def test_a_missing_or_garbled_signature_is_refused(signature: str) -> None:
    event = http_event(form_body("sms"), headers={"x-twilio-signature": signature})
    with pytest.raises(InvalidSignatureError):
        verify(request(event), ACCOUNT, URLS)
    event = http_event(form_body("sms"))
    with pytest.raises(InvalidSignatureError):
        verify(request(event), ACCOUNT, URLS)


@given(st.text(max_size=60), st.text(max_size=60), st.binary(max_size=60))
def test_no_garbage_is_accepted_or_crashes(signature: str, named: str, body: bytes) -> None:
    headers = {
        "x-twilio-signature": signature,
        "x-twilio-webhooks-signature-settings": named,
    }
    with pytest.raises((InvalidSignatureError, MalformedMessageError)):
        verify(request(http_event(body, headers=headers)), SHARED, URLS)


def test_the_token_that_is_being_replaced_is_still_good() -> None:
    account = replace(ACCOUNT, auth_token="next", previous_auth_token=ACCOUNT.auth_token)
    verify(request(twilio_event(form_body("sms"))), account, URLS)
    verify(request(twilio_event(form_body("sms"), token="next")), account, URLS)


def test_another_accounts_token_is_refused() -> None:
    for token in ("another", ""):
        with pytest.raises(InvalidSignatureError):
            verify(request(twilio_event(form_body("sms"), token=token)), ACCOUNT, URLS)


@pytest.mark.parametrize(("key", "secret"), [("key_1", "one secret"), ("key_2", "another")])
def test_every_shared_key_is_good_while_they_are_rotated(key: str, secret: str) -> None:
    event = twilio_event(
        form_body("sms"), token=secret, algorithm="HMAC_SHA256", headers=settings(key)
    )
    verify(request(event), SHARED, URLS)


@pytest.mark.parametrize(
    ("named", "algorithm"),
    [
        (settings("key_3"), "HMAC_SHA256"),
        (settings("key_2"), "HMAC_SHA256"),
        (settings(""), "HMAC_SHA256"),
        (settings("key_1", "HMAC_MD5"), "HMAC_SHA256"),
        (settings("key_1", "HMAC_SHA1"), "HMAC_SHA256"),
        ({}, "HMAC_SHA256"),
    ],
)
def test_an_unknown_key_or_algorithm_is_refused(named: dict[str, str], algorithm: str) -> None:
    event = twilio_event(form_body("sms"), token="one secret", algorithm=algorithm, headers=named)
    with pytest.raises(InvalidSignatureError):
        verify(request(event), SHARED, URLS)


def test_what_a_stranger_calls_the_algorithm_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"x-twilio-signature": "AAAA", **settings("key_1", "ROT13 of somebody's words")}
    with pytest.raises(InvalidSignatureError):
        verify(request(http_event(form_body("sms"), headers=headers)), SHARED, URLS)
    assert caplog.text == ""


def test_a_json_body_is_proven_by_its_signed_hash() -> None:
    verify(request(json_event('{"a":"é"}'.encode())), ACCOUNT, URLS)


def test_a_json_body_with_one_byte_changed_is_refused() -> None:
    with pytest.raises(InvalidSignatureError):
        verify(request(json_event(b'{"a":2}', signed=b'{"a":1}')), ACCOUNT, URLS)


def test_a_json_body_without_its_hash_is_refused() -> None:
    signature = RequestValidator(ACCOUNT.auth_token).compute_signature(BASE + MESSAGES, {})
    event = http_event('{"a":1}', headers={"x-twilio-signature": signature}, encoded=False)
    with pytest.raises(InvalidSignatureError):
        verify(request(event), ACCOUNT, URLS)


class TestWhyTheValidatorIsGuarded:
    """What twilio 9.13.0 does by itself. When one of these fails, a guard may go."""

    validator = RequestValidator("token")

    def test_a_missing_header_crashes_it(self) -> None:
        with pytest.raises(TypeError):
            self.validator.validate(BASE, {}, None)

    def test_a_dictionary_of_lists_crashes_it(self) -> None:
        with pytest.raises(TypeError):
            self.validator.validate(BASE, {"Body": ["hi"]}, "x")

    def test_a_json_body_in_bytes_crashes_it(self) -> None:
        with pytest.raises((IndexError, TypeError, AttributeError)):
            self.validator.validate(f"{BASE}?bodySHA256=00", b"{}", "x")

    def test_a_json_body_without_its_hash_crashes_it(self) -> None:
        with pytest.raises(TypeError):
            self.validator.validate(BASE, "{}", "x")

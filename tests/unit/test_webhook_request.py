"""Requests as API Gateway hands them over (channels.md §4.4)."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import (
    ConflictError,
    InvalidSignatureError,
    MalformedMessageError,
    UnavailableError,
)
from shared.runtime.webhook import (
    MAX_BODY_BYTES,
    MAX_FORM_FIELDS,
    BodyTooLargeError,
    MethodNotAllowedError,
    Response,
    WebhookRequest,
    answer,
    webhook,
)
from tests.webhooks import API, BASE, MESSAGES, http_event, request


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "inbound_sms")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")


@pytest.mark.parametrize("encoded", [True, False])
def test_a_form_is_read_whether_or_not_the_gateway_encoded_it(encoded: bool) -> None:
    read = request(http_event("Body=caf%C3%A9+%2B&Empty=", encoded=encoded)).form()
    assert read == {"Body": ["café +"], "Empty": [""]}


def test_a_body_without_a_content_type_is_read() -> None:
    event = http_event("Body=hi")
    del event["headers"]["content-type"]
    assert request(event).form().first("Body") == "hi"


def test_a_rest_api_event_is_read_alike() -> None:
    event = {
        "httpMethod": "POST",
        "headers": {"X-Twilio-Signature": "abc"},
        "multiValueHeaders": {"X-Twilio-Signature": ["abc"], "Accept": ["a/b", "c/d"]},
        "multiValueQueryStringParameters": {"a": ["1", "2"], "b": ["x y"]},
        "requestContext": {"path": "/prod/webhooks/chat", "domainName": "d", "requestId": "r"},
        "body": "{}",
        "isBase64Encoded": False,
    }
    read = request(event)
    assert read.headers == {"x-twilio-signature": "abc", "accept": "a/b,c/d"}
    assert (read.path, read.query, read.body) == ("/prod/webhooks/chat", "a=1&a=2&b=x+y", b"{}")


def test_header_names_are_read_in_any_case() -> None:
    read = request(http_event(headers={"X-Twilio-Signature": "abc"}))
    assert read.proof("x-twilio-signature") == "abc"


def test_a_repeated_query_parameter_differs_from_one_with_a_comma() -> None:
    repeated, comma = (request(http_event(query=q)) for q in ("a=1&a=2", "a=1,2"))
    assert repeated.urls((BASE,)) != comma.urls((BASE,))


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/webhooks/chat", "https://hooks.example.com"),
        ("/prod/webhooks/chat", "https://api.example.com/prod"),
        ("/mapping/webhooks/chat", "https://hooks.example.com/mapping"),
        ("/prod/webhooks/chat", "https://hooks.example.com/mapping"),
    ],
)
def test_a_base_url_may_carry_a_stage_or_a_mapping_key(path: str, base: str) -> None:
    urls = request(http_event(path=path, query="a=%20")).urls((base,))
    assert urls == (f"{base}/webhooks/chat?a=%20", f"{API}{path}?a=%20")


def test_no_header_decides_under_which_url_we_were_called() -> None:
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil"}
    urls = request(http_event(headers=headers)).urls((BASE,))
    assert urls == (BASE + MESSAGES, API + MESSAGES)


@pytest.mark.parametrize("body", ["%%%", "a", "YQ", "é", "YQ==\n"])
def test_broken_base64_is_malformed(body: str) -> None:
    event = http_event() | {"body": body}
    with pytest.raises(MalformedMessageError):
        request(event)


def test_a_text_that_utf_8_cannot_write_is_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        request(http_event(encoded=False) | {"body": "\ud800"})


@pytest.mark.parametrize("body", [b"\xff", b"a&" * (MAX_FORM_FIELDS + 1)])
def test_a_form_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        request(http_event(body)).form()


def test_the_largest_body_is_taken_and_one_byte_more_is_not() -> None:
    assert len(request(http_event(b"x" * MAX_BODY_BYTES)).body) == MAX_BODY_BYTES
    for encoded in (True, False):
        with pytest.raises(BodyTooLargeError):
            request(http_event(b"x" * (MAX_BODY_BYTES + 1), encoded=encoded))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_only_posts_are_taken(method: str) -> None:
    event = http_event()
    event["requestContext"]["http"]["method"] = method
    with pytest.raises(MethodNotAllowedError):
        request(event)


@given(st.binary(max_size=200))
def test_a_body_arrives_as_it_was_sent(body: bytes) -> None:
    assert request(http_event(body)).body == body


@given(st.text(max_size=50), st.booleans())
def test_any_body_is_read_or_malformed(body: str, encoded: bool) -> None:
    with suppress(MalformedMessageError):
        request(http_event() | {"body": body, "isBase64Encoded": encoded}).form()


# ---- answers


def handler(error: Exception | None = None) -> Any:
    @webhook(channel="sms")
    def respond(read: WebhookRequest) -> Response:
        if error:
            raise error
        return answer(200, "done")

    return respond


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedMessageError("no id"), 400),
        (InvalidSignatureError("no proof"), 403),
        (BodyTooLargeError("too large"), 413),
        (MethodNotAllowedError("posted only"), 405),
        (UnavailableError("the table is busy"), 503),
        (ConflictError("changed"), 503),
    ],
)
def test_an_error_becomes_a_problem(error: Exception, status: int) -> None:
    response = handler(error)(http_event(), None)
    assert response["statusCode"] == status
    assert response["headers"] == {
        "content-type": "application/problem+json",
        "x-request-id": "JKJaXmPLvHcESHA=",
    }
    assert json.loads(response["body"])["request_id"] == "JKJaXmPLvHcESHA="
    detail = "please try again later" if status == 503 else str(error)
    assert json.loads(response["body"])["detail"] == detail


def test_a_rejected_signature_is_counted_by_channel(capsys: pytest.CaptureFixture[str]) -> None:
    handler(InvalidSignatureError("no proof"))(http_event(), None)
    emitted = next(line for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    metric = json.loads(emitted)
    assert (metric["RejectedSignatures"], metric["channel"]) == ([1.0], "sms")


def test_a_request_too_large_is_answered_before_it_is_decoded() -> None:
    event = http_event() | {"body": base64.b64encode(b"x" * 10_000_000).decode()}
    assert handler()(event, None)["statusCode"] == 413

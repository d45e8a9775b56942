"""What the API makes of requests that are not as they should be: a problem, never a crash."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.timeline_api import handler
from shared.store.table import Table
from tests.api import Api
from tests.builders import NOW, later, sms
from tests.hub import Hub
from tests.timelines import entry, lay, profile

NOTES = "/v1/contacts/ctc_ana/notes"
JSON = {"content-type": "application/json"}


@pytest.fixture
def ana(table: Table) -> None:
    lay(table, profile("ctc_ana"))


# ---- routes


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/contacts", "/v1/contacts/", "/v1/nothing"])
def test_an_unknown_route_is_404(api: Api, path: str) -> None:
    answer = api.call("GET", path)
    assert answer.status == 404
    assert answer.json["detail"] == "no such route"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/contacts/ctc_ana", "GET, PATCH, DELETE"),
        ("POST", "/v1/contacts", "GET"),
        ("GET", NOTES, "POST"),
        ("HEAD", "/v1/conversations", "GET"),
        ("PUT", "/v1/openapi.json", "GET"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_does(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = api.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize(
    "place",
    [
        {"stage": "prod", "prefix": "/prod"},
        {"stage": "prod"},
        {"prefix": "/crm/hub"},
    ],
)
def test_a_stage_or_a_mapping_key_may_stand_before_the_path(
    api: Api, table: Table, place: dict[str, str]
) -> None:
    lay(table, entry(), entry(at=later(minutes=1)))
    path = "/v1/contacts/ctc_ana/timeline"
    first = api.get(path, "limit=1", **place)
    assert len(api.get(path, f"limit=1&cursor={first['next_cursor']}")["items"]) == 1


# ---- bodies


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("headers", [JSON, {"Content-Type": "Application/JSON; charset=utf-8"}, {}])
def test_a_body_is_read_whether_the_gateway_encoded_it_or_not(
    api: Api, headers: dict[str, str]
) -> None:
    for is_base64 in (False, True):
        raw_body = json.dumps({"text": "Grüße"}, ensure_ascii=False)
        answer = api.call("POST", NOTES, raw_body=raw_body, is_base64=is_base64, headers=headers)
        assert (answer.status, answer.json["text"]) == (201, "Grüße")


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize(
    ("raw_body", "status"),
    [
        (None, 400),
        ("", 400),
        ("{", 400),
        ('{"text": "a"', 400),
        ('{"text": NaN}', 422),
        ('{"text": "\\ud800"}', 400),
        ("[" * 100_000, 400),
        ('{"a":' * 50_000, 400),
        ("\x00", 400),
        ("[]", 422),
        ("null", 422),
        ('"text"', 422),
        ('{"text": null}', 422),
        ('{"text": {"text": "a"}}', 422),
        ('{"text": 1e400}', 422),
    ],
)
def test_a_body_that_is_no_json_is_400_and_one_of_another_form_422(
    api: Api, raw_body: str | None, status: int
) -> None:
    answer = api.call("POST", NOTES, raw_body=raw_body, headers=JSON)
    assert answer.status == status


@pytest.mark.usefixtures("ana")
def test_a_body_in_no_encoding_is_400(api: Api) -> None:
    for body in ("!!!", "YQ", "/w=="):  # no base64, none with its padding, the byte FF
        event = {"raw_body": "x", "is_base64": True, "headers": JSON}
        answer = _call_with_body(api, body, **event)
        assert answer.status == 400


def _call_with_body(api: Api, body: str, **event: Any) -> Any:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tests.api import Answer
    from tests.http_events import http_event

    made = http_event("POST", NOTES, **event) | {"body": body}
    answered = handler.lambda_handler(made, LambdaContext())
    return Answer(answered["statusCode"], answered["headers"], answered["body"])


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "x"]
)
def test_a_body_that_is_not_called_json_is_415(api: Api, media_type: str) -> None:
    headers = {"content-type": media_type}
    answer = api.call("POST", NOTES, raw_body='{"text": "a"}', is_base64=True, headers=headers)
    assert answer.status == 415


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_of_megabytes_is_413_and_writes_nothing(
    api: Api, aws_calls: list[str], is_base64: bool
) -> None:
    aws_calls.clear()
    raw_body = json.dumps({"text": "x" * 2_000_000})
    answer = api.call("POST", NOTES, raw_body=raw_body, is_base64=is_base64, headers=JSON)
    assert (answer.status, aws_calls) == (413, [])


@pytest.mark.usefixtures("ana")
def test_a_problem_never_repeats_what_was_sent(api: Api) -> None:
    secret = "+14155550101"
    for body in ({"text": 1, secret: secret}, {"text": [secret]}, {"text": "a", "promise": secret}):
        answer = api.call("POST", NOTES, body=body)
        assert answer.status == 422
        assert secret not in answer.text.replace(f'"field":"{secret}"', "")


# ---- who asks


def test_a_request_whose_token_names_nobody_is_401(api: Api) -> None:
    answer = api.call("GET", "/v1/conversations", claims={"scope": "timeline:read"})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_every_answer_says_which_request_it_answers(api: Api) -> None:
    answers = [
        api.call("GET", "/v1/conversations"),
        api.call("GET", "/v1/nothing"),
        api.call("GET", "/v1/conversations", query="limit=0"),
        api.call("PUT", "/v1/conversations"),
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 4
    assert all(each.startswith("request-") for each in ids)
    assert [answer.json.get("request_id") for answer in answers] == [None, *ids[1:]]


def test_answers_are_for_nobodys_cache(api: Api) -> None:
    for path in ("/v1/conversations", "/v1/nothing"):
        assert api.call("GET", path).headers["Cache-Control"] == "no-store"


# ---- what is not the client's fault


def test_an_error_nobody_foresaw_is_500_says_nothing_and_is_logged_once_without_content(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise KeyError("ana@example.com")

    monkeypatch.setattr(handler, "hub", fail)
    answer = api.call("GET", "/v1/conversations")
    assert answer.json == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "request_id": answer.headers["X-Request-Id"],
    }
    (line,) = caplog.records
    assert vars(line)["error"] == "KeyError"
    assert "example.com" not in str(vars(line))


def test_a_table_that_does_not_answer_is_503_worth_another_try_and_counted(
    api: Api, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    table.name = "gone"
    answer = api.call("GET", "/v1/contacts/ctc_ana")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert '"ServerErrors":[1.0]' in capsys.readouterr().out


def test_an_erased_contact_is_410_with_the_certificate(api: Api, hub: Hub) -> None:
    from shared.store import contacts, erasing

    contact_id = hub.receive(sms()).contact_id
    found = contacts.get_contact(hub.table, contact_id)
    erasing.flag(hub.table, found.root, found.members, by="agent-1", at=NOW)
    for method, path in (("GET", ""), ("GET", "/timeline"), ("POST", "/notes")):
        body = {"text": "a"} if method == "POST" else None
        answer = api.call(method, f"/v1/contacts/{contact_id}{path}", body=body)
        assert answer.status == 410
        assert answer.json["certificate"]["members"] == [contact_id]
        assert answer.json["certificate"]["finished_at"] is None
    assert api.get("/v1/contacts", "identity=phone:+14155550101")["items"] == []


# ---- another transaction at the same moment


def test_what_an_agent_changes_waits_for_a_message_that_lands_at_the_same_moment(
    api: Api, hub: Hub, refuse_transactions: Callable[[int], None]
) -> None:
    recorded = hub.receive(sms())
    contact = f"/v1/contacts/{recorded.contact_id}"
    conversation = f"/v1/conversations/{recorded.conversation_id}"
    changes: list[tuple[str, str, Any]] = [
        ("PATCH", contact, {"name": "Ana"}),
        ("POST", f"{contact}/identities", {"kind": "email", "value": "ana@example.net"}),
        ("PATCH", f"{contact}/identities/email/ana@example.net", {"shared": True}),
        ("DELETE", f"{contact}/identities/email/ana@example.net", None),
        ("PATCH", conversation, {"assignee": "agent-1"}),
        ("PATCH", conversation, {"state": "resolved"}),
        ("PATCH", conversation, {"state": "open"}),
    ]
    for method, path, body in changes:
        refuse_transactions(1)
        assert api.call(method, path, body=body).status < 300, path


def test_a_table_that_stays_busy_is_503(
    api: Api, hub: Hub, refuse_transactions: Callable[[int], None]
) -> None:
    contact = hub.receive(sms()).contact_id
    refuse_transactions(100)
    answer = api.call("PATCH", f"/v1/contacts/{contact}", body={"name": "Ana"})
    assert answer.status == 503

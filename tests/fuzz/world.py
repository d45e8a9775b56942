"""The product on a table of moto's, asked and told what nobody expects; each time as it began."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from functions.inbound_chat import handler as inbound_chat
from functions.inbound_sms import handler as inbound_sms
from functions.timeline_api import handler as timeline_api
from functions.timeline_api.hub import Hub as ApiHub
from shared.runtime.telemetry import logger
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.downloads import Downloads
from shared.store.table import Table
from tests.api import Api
from tests.builders import ANA_EMAIL, NOW, later, mail, sms
from tests.cheap_moto import cheap_moto
from tests.deployment import deploy, fresh_containers
from tests.hub import KEYS, Hub
from tests.mails import parse
from tests.table_schema import create_table
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

Rows = dict[Any, dict[Any, Any]]

REGION, BUCKET, TABLE = "us-east-1", "content", "throughline"
_SCOPES = (
    "timeline:read timeline:write messages:send messages:override contacts:write contacts:merge"
    " contacts:erase conversations:write consent:write costs:read operations"
)
_PATH, _OTHER = "/v1/contacts/{contact}", "/v1/contacts/{other}"
_KNOWN: dict[str, str] = {}  # the ids of what is there
_PEOPLE: Rows = {}
_NOBODY: Rows = {}
_TO = {"kind": "email", "value": ANA_EMAIL.value}


def _asked(method: str, path: str, body: Any = None, query: str = "") -> dict[str, Any]:
    return {"method": method, "path": path, "query": query, "headers": {}, "body": body}


REQUESTS = (
    _asked("GET", "/v1/contacts", query="identity=phone:+14155550101"),
    _asked("GET", _PATH),
    _asked("PATCH", _PATH, {"name": "Ana", "locale": "de", "time_zone": "Europe/Vienna"}),
    _asked("POST", f"{_PATH}/identities", {"kind": "external", "value": "crm-1"}),
    _asked("PATCH", f"{_PATH}/identities/phone/%2B14155550101", {"shared": True}),
    _asked("DELETE", f"{_PATH}/identities/phone/%2B14155550101"),
    _asked("DELETE", _PATH, query="members={contact},{other}"),
    _asked("GET", f"{_PATH}/export"),
    _asked("GET", f"{_PATH}/costs", query="from=2026-11-01T00:00:00Z&limit=1"),
    _asked("GET", f"{_PATH}/consent"),
    _asked(
        "PUT",
        f"{_OTHER}/consent",
        {"identity": _TO, "medium": "email", "purpose": "survey", "state": "denied", "source": "x"},
    ),
    _asked("GET", f"{_PATH}/handover"),
    _asked("POST", f"{_PATH}/merge", {"other": "{other}", "reason": "the same"}),
    _asked("POST", f"{_PATH}/merge", {"other": "{other}"}, "preview=true"),
    _asked("POST", f"{_OTHER}/split", {"identity": _TO, "reason": "another"}),
    _asked("GET", f"{_PATH}/timeline", query="limit=2&order=asc&channel=sms&q=hello"),
    _asked("POST", f"{_OTHER}/messages", {"text": "hi", "to": _TO, "subject": "s", "html": "<p>"}),
    _asked("POST", f"{_PATH}/messages", {"text": "hi", "conversation_id": "{conversation}"}),
    _asked("POST", f"{_PATH}/notes", {"text": "n", "promise": {"text": "p"}, "keeps": []}),
    _asked(
        "POST",
        f"{_PATH}/events",
        {"kind": "order", "source": "shop", "id": "1", "occurred_at": "2026-11-20T11:00:00Z"},
    ),
    _asked("GET", "/v1/conversations", query="state=open&assignee=a"),
    _asked("GET", "/v1/conversations/{conversation}"),
    _asked("PATCH", "/v1/conversations/{conversation}", {"assignee": "a", "state": "resolved"}),
    _asked("POST", "/v1/conversations/{conversation}/join", {"other": "x", "reason": "r"}),
    _asked(
        "PUT",
        "/v1/agents/a/availability",
        {"available": True, "until": "2026-11-20T17:00:00Z"},
    ),
    _asked("GET", "/v1/suggestions"),
    _asked("POST", "/v1/suggestions/sug_1/accept", {"reason": "r"}),
    _asked("POST", "/v1/merges/mrg_1/undo", {"reason": "r"}),
    _asked("GET", "/v1/attachments/k1.YQ.YQ"),
)
DELIVERIES = (
    {"sms": form_body("sms")},
    {"sms": form_body("mms")},
    {"sms": form_body("whatsapp_number")},
    {"sms": form_body("stop")},
    {"chat": chat_message()},
    {"chat": chat_message({"verified": True})},
    {"mail": "From: Ana <ana@example.org>\r\nMessage-ID: <a@b>\r\nSubject: Order\r\n\r\nhello"},
    {"mail": "From: a@b.cd\r\nReferences: <a@b> <c@d>\r\nContent-Type: text/html\r\n\r\n<p>hi"},
)


class UnforeseenError(Exception):
    """What nobody foresaw went wrong."""


@contextmanager
def world() -> Iterator[None]:
    """An account, the functions' environment, and an API."""
    with ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        monkeypatch.setattr(logger().registered_handler, "stream", nowhere)
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(mock_aws())
        stack.enter_context(cheap_moto())
        stack.enter_context(fresh_containers("inbound_sms", "inbound_chat"))
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
        deploy(monkeypatch)
        for handler in (inbound_sms, inbound_chat):
            monkeypatch.setattr(handler, "park", _park)
        monkeypatch.setattr(timeline_api, "hub", _api_hub)
        _begin()
        monkeypatch.setattr("functions.timeline_api.problems.log", _not_our_fault)
        yield


def ask(data: bytes) -> object:
    """A request of an agent app's, on a table with two contacts."""
    asked, known = _mapping(data), _KNOWN
    _restore(_PEOPLE)
    answer = Api().call(
        str(asked.get("method")),
        "/v1/" + _filled(str(asked.get("path")), known).lstrip("/").removeprefix("v1/"),
        query=_filled(str(asked.get("query")), known),
        raw_body=_filled(json.dumps(asked.get("body")), known),
        headers={_writable(k): _writable(str(v)) for k, v in _object(asked.get("headers")).items()},
        claims={"sub": "agent-1", "scope": _SCOPES},
    )
    return answer.status, answer.text


def bring(data: bytes) -> object:
    """What a provider brings, signed, on an empty table; once more it changes nothing."""
    _restore(_NOBODY)
    for kind, content in _mapping(data).items():
        if kind == "sms" and isinstance(content, str):
            event = twilio_event(_writable(content))
            return [_status(inbound_sms.lambda_handler, event) for _ in range(2)]
        if kind == "chat":
            event = chat_event(_writable(json.dumps(content)))
            return [_status(inbound_chat.lambda_handler, event) for _ in range(2)]
        if kind == "mail" and isinstance(content, str):
            message = parse(_writable(content).encode()).message
            return [_hub().receive(message).outcome for _ in range(2)]
    return None


def _status(handler: Callable[[Mapping[str, Any], object], Any], event: Any) -> int:
    status: int = handler(event, None)["statusCode"]
    if status >= 500:
        raise UnforeseenError(status)
    return status


def _park(name: str, content: Mapping[str, Any], reason: str) -> None:
    """Whatever is parked for an error that nobody foresaw is a finding."""
    if ", line " in reason:
        raise UnforeseenError(reason)


def _not_our_fault(error: Exception) -> None:
    from functions.timeline_api.problems import status_of

    if status_of(error) >= 500:
        raise error


def _begin() -> None:
    """A table, and two people who wrote."""
    create_table(boto3.client("dynamodb", region_name=REGION), TABLE)
    ana, bo = _hub().receive(sms()), _hub().receive(mail(), now=later())
    _KNOWN["{contact}"], _KNOWN["{conversation}"] = ana.contact_id, ana.conversation_id
    _KNOWN["{other}"] = bo.contact_id
    _PEOPLE.clear()
    _PEOPLE.update({partition: dict(items) for partition, items in _rows().items()})


def _restore(rows: Rows) -> None:
    """Moto never changes an item, only which there are (cheap_moto)."""
    _rows().clear()
    for partition, items in rows.items():
        _rows()[partition] = dict(items)


def _rows() -> Rows:
    rows: Rows = dynamodb_backends[ACCOUNT_ID][REGION].tables[TABLE].items
    return rows


def _hub() -> Hub:
    return Hub(_table(), Bodies(_s3, BUCKET))


def _table() -> Table:
    return inbound_sms.table()


def _s3() -> Any:
    return boto3.client("s3", region_name=REGION)


def _api_hub() -> ApiHub:
    return ApiHub(
        table=_table(),
        bodies=Bodies(_s3, BUCKET),
        downloads=Downloads(_s3, BUCKET),
        attachments=Attachments(_s3, BUCKET),
        keys=KEYS,
        now=NOW,
        default_region="US",
        mail_domain="in.example.com",
    )


def _filled(text: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return _writable(text)


def _mapping(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return _object(told)


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _writable(text: str) -> str:
    return text.encode(errors="replace").decode()

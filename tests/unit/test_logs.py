"""Whatever a function falls over: nobody's words are in its log, nor in what Lambda logs of it."""

import importlib
import io
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from functions.timeline_api import handler as timeline_api
from functions.timeline_api.bodies import AddressIn
from shared.runtime.telemetry import logger
from tests.deployment import ENVIRONMENT
from tests.http_events import http_event as asked
from tests.personal import leaks
from tests.streams import record
from tests.template import ROOT
from tests.unit.test_queue_functions import MORE, Context, batch
from tests.webhooks import chat_event, chat_message, form_body, http_event, twilio_event

TOLD = ["Where is my order 1042?", "ana.garcia@example.com", "+14155550101"]
EVENT = {"detail": {"home_contact_id": "c", "occurred_at": "2026-11-20T12:00:00Z", "entry_id": "e"}}
METADATA = {"id": "i", "depth": 0, "time": "2026-11-20T12:00:00.000Z"}
OPENED = {"detail": {"metadata": METADATA, "conversation_id": "v", "revision": 1}}
BOUNCE = json.loads((ROOT / "tests/events/ses/bounce_permanent.json").read_text())

FETCH = batch(EVENT)
FETCH["Records"][0]["attributes"] = {"ApproximateReceiveCount": "1"}
NAMES = {"DELIVER_QUEUE_URL": "q", "NOTIFY_QUEUE_URL": "q", "BUS_NAME": "throughline"}

# Of each function a part that it cannot do without, and an event that makes it ask for it.
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "assign_agent": ("table", batch(OPENED)),
    "deliver_message": ("courier", batch(EVENT)),
    "fetch_media": ("fetcher", FETCH),
    "inbound_chat": ("chat_sites", chat_event(chat_message())),
    "inbound_email": ("mailbox", batch({})),
    "inbound_sms": ("twilio_account", twilio_event(form_body("sms"))),
    "meter_costs": ("added_amount", {"Records": [record({})]}),
    "notify_customer": ("table", batch(EVENT)),
    "publish_events": ("publish", {"Records": []}),
    "receipts_email": ("table", batch(BOUNCE)),
    "receipts_twilio": ("twilio_account", twilio_event(form_body("status_sent"))),
    "reconcile": ("twilio_account", {"run": "inbound"}),
    "sweep": ("table", {}),
    "timeline_api": ("hub", asked("GET", "/v1/conversations")),
    "unsubscribe": ("signing_keys", http_event()),
}
ERRORS: dict[str, Callable[[], Exception]] = {
    "value": lambda: ValueError(f"cannot read {TOLD}"),
    "key": lambda: KeyError(TOLD[0]),
    "encoding": lambda: UnicodeEncodeError("utf-8", TOLD[0], 0, 1, TOLD[1]),
    "botocore": lambda: ParamValidationError(report=f"Invalid type for Key.PK, value: {TOLD[2]}"),
    "several": lambda: ExceptionGroup("several", [ValueError(text) for text in TOLD]),
}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What functions log from here on."""
    written = io.StringIO()
    monkeypatch.setattr(logger().registered_handler, "stream", written)
    return written


@pytest.fixture
def environment(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, **MORE, **NAMES}.items():
        monkeypatch.setenv(name, value)


def test_every_function_is_made_to_fall() -> None:
    handlers = (ROOT / "functions").glob("*/handler.py")
    assert {path.parent.name for path in handlers} == PARTS.keys()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("function", PARTS)
@pytest.mark.usefixtures("environment")
def test_what_a_foreign_error_says_is_not_repeated(
    function: str,
    error: str,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
    caplog: pytest.LogCaptureFixture,
) -> None:
    part, event = PARTS[function]
    handler = importlib.import_module(f"functions.{function}.handler")
    fallen: list[Exception] = []

    def fall(*_: object, **__: object) -> None:
        fallen.append(ERRORS[error]())
        raise fallen[-1]

    monkeypatch.setattr(handler, part, fall)
    try:
        answered = str(handler.lambda_handler(event, Context()))
    except Exception as escaped:
        answered = "".join(traceback.format_exception(escaped))
    said = "".join((log.getvalue(), caplog.text, answered))
    assert len(fallen) == 1
    assert type(fallen[0]).__name__ in said
    assert leaks(said, TOLD) == {}


def test_a_refused_body_is_not_repeated(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setattr(timeline_api, "hub", lambda: None)
    for body in ({"kind": TOLD[0], "value": [TOLD[1]]}, {TOLD[0]: TOLD[2]}, TOLD, TOLD[0]):
        path = "/v1/contacts/ctc_1/identities"
        answered = timeline_api.lambda_handler(asked("POST", path, body=body), Context())  # type: ignore[arg-type]
        assert answered["statusCode"] == 422
    assert leaks(log.getvalue(), TOLD) == {}
    with pytest.raises(ValueError, match="kind") as refused:
        AddressIn.model_validate({"kind": TOLD[0], "value": [TOLD[1]]})
    assert leaks(str(refused.value), TOLD) == {}

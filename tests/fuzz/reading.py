"""How each reader reads any bytes, and the inputs that show what they are for."""

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

from functions.deliver_message.notices import read_notice
from functions.fetch_media.handler import read_place
from functions.notify_customer import requests as notifications
from functions.timeline_api import bodies, file_ids, mail_html
from functions.timeline_api.errors import FieldError
from functions.timeline_api.query import Query
from functions.timeline_api.request import Request
from shared.model.consent import Purpose
from shared.model.cursor import Cursor
from shared.model.entry import Author, AuthorType, Channel, Kind
from shared.model.errors import (
    InvalidRequestError,
    InvalidSignatureError,
    MalformedMessageError,
    RejectedError,
    UnavailableError,
)
from shared.model.identity import IdentityKind
from shared.model.sending import StatusReport
from shared.providers import chat
from shared.providers.mime import markup, quoting
from shared.providers.ses import events as ses_events
from shared.providers.ses.mailbox import Mailbox
from shared.providers.twilio import listing, media_urls, statuses, usage
from shared.providers.twilio.messages import parse_message
from shared.providers.twilio.signature import verify
from shared.rules import cursors, opt_out, reply_tokens, unsubscribe
from shared.rules.addresses import parse_address
from shared.rules.assignment import read_opened
from shared.rules.ordering import occurred_at
from shared.runtime.webhook import Form, WebhookRequest
from shared.store import keys, stream
from shared.templates import FILES, templates
from tests.builders import sms
from tests.mails import parse
from tests.streams import record
from tests.webhooks import ACCOUNT, BASE, SITE, form_body, http_event, twilio_event

AT = datetime(2026, 11, 20, 9, 15, 3, tzinfo=UTC)
KEYS = {"k1": b"a key for tests"}
_US = partial(parse_address, default_region="US")


def mail(data: bytes) -> object:
    parsed = parse(data)
    assert "unreadable" not in parsed.message.defects
    return parsed, keys.timestamp(occurred_at(parsed.message.occurred_at, AT))


def html(data: bytes) -> object:
    return markup.to_text(data.decode(errors="replace"))


def shown_html(data: bytes) -> object:
    return mail_html.sanitise(data.decode(errors="replace"))


def reply(data: bytes) -> object:
    text = data.decode(errors="replace")
    new, older = quoting.split_reply(text)
    assert new + older == text
    assert new.strip() or not text.strip()
    return new, older


def _form(data: bytes) -> Form:
    request = WebhookRequest(path="/", query="", headers={}, body=data, domain_name="")
    return request.form()


def twilio_message(data: bytes) -> object:
    return parse_message(_form(data), AT)


def twilio_status(data: bytes) -> object:
    return statuses.parse_status(_form(data), AT)


def twilio_status_path(data: bytes) -> object:
    told = _object(data)
    key = statuses.receipt_key({name: _writable(str(value)) for name, value in told.items()})
    return keys.receipt(key), statuses.status_url(BASE, key)


class _Answer:
    """What an HTTP request was answered with."""

    status_code = 200

    def __init__(self, data: bytes) -> None:
        self._data = data

    def json(self) -> Any:
        return json.loads(self._data)


def twilio_list(data: bytes) -> object:
    """The same answer to every question; a list that goes on must not go on for ever."""
    left = iter(range(10))

    def get(*_: object, **__: object) -> _Answer:
        assert next(left, None) is not None, "it asks without end"
        return _Answer(data)

    made: list[object] = []
    with patch.object(listing, "get", get), patch.object(usage, "get", get):
        account = listing.TwilioList(ACCOUNT, BASE)
        for ask in (
            lambda: account.fetch("SM1", AT),
            lambda: usage.TwilioUsage(ACCOUNT, BASE).carrier_fees(date(2026, 11, 20)),
            lambda: account.sent_to(Channel.SMS, "+14155550123", "", AT),
        ):
            left = iter(range(10))
            try:
                made.append(ask())
            except (UnavailableError, MalformedMessageError) as error:
                made.append(str(error))
    return made


def twilio_media(data: bytes) -> object:
    text = data.decode(errors="replace")
    return media_urls.media_type(text), media_urls.host_and_path(text)


def _webhook(**changes: Any) -> dict[str, Any]:
    event = twilio_event(form_body("sms"))
    told = {"method": "POST", "path": event["rawPath"], "query": "", "headers": event["headers"]}
    return {**told, "body": form_body("sms"), "encoded": False, **changes}


WEBHOOKS = (
    _webhook(),
    _webhook(headers={"webhook-signature": "v1,AAAA", "webhook-id": "msg_1"}, encoded=True),
    _webhook(
        query="bodySHA256=e3b0&a=b",
        headers={
            "x-twilio-signature": "AAAA=",
            "x-twilio-webhooks-signature-settings": "key=k1,algorithm=HMAC_SHA256",
        },
    ),
)


def webhook(data: bytes) -> object:
    """A request as anybody may make it: as far as whether its sender is proven."""
    told = _object(data)
    event = http_event(
        "",
        path="/webhooks/" + _writable(str(told.get("path"))),
        query=_writable(str(told.get("query"))),
    )
    event["headers"] = {
        _writable(k): _writable(str(v)) for k, v in _mapping(told.get("headers")).items()
    }
    event["requestContext"]["http"]["method"] = str(told.get("method"))
    event["body"] = told.get("body") and _writable(str(told["body"]))
    event["isBase64Encoded"] = bool(told.get("encoded"))
    request = WebhookRequest.from_event(event)
    account = ACCOUNT.__class__(
        account_sid="AC1", auth_token=ACCOUNT.auth_token, shared_keys={"k1": "secret"}
    )
    for prove in (
        lambda: verify(request, account, (BASE,)),
        lambda: chat.verify(request, {SITE.name: SITE}),
    ):
        try:
            prove()
        except (InvalidSignatureError, MalformedMessageError):
            continue
    return request.form(), request.urls((BASE,))


def chat_event(data: bytes) -> object:
    request = WebhookRequest(
        path="/", query="", headers={"webhook-id": "msg_1"}, body=data, domain_name=""
    )
    event = chat.parse_event(request, SITE, AT, _US)
    at = event.at if isinstance(event, StatusReport) else occurred_at(event.occurred_at, AT)
    return event, keys.timestamp(at or AT)


def ses_event(data: bytes) -> object:
    told = _object(data)
    found = ses_events.parse_event(told)
    wrapped = ses_events.parse_event({"Message": json.dumps(told)})
    assert found == wrapped or "nan" in repr(found).lower()
    return found and (keys.receipt(found[0]), found[1])


def s3_notification(data: bytes) -> object:
    mailbox = Mailbox(None, "mail")  # type: ignore[arg-type]  # nothing is fetched
    return list(mailbox.announced(data.decode(errors="replace")))


def queue(data: bytes) -> object:
    """A queue's message, by every function that has one. Its texts are of our own events."""
    body = data.decode(errors="replace")
    made: list[object] = []
    for read in (read_notice, read_place, read_opened, notifications.read):
        try:
            made.append(ascii(read(body)))
        except MalformedMessageError as error:
            made.append(str(error))
    return made


_ENTRY = {
    "PK": "CONTACT#ctc_1", "SK": "ENTRY#2026-11-20T09:15:03.000Z#ent_1", "type": "entry",
    "change": {"events": ["EntryRecorded"], "cause": "twilio:SM1", "correlation": "c", "depth": 0},
}  # fmt: skip
RECORDS = (record(_ENTRY), record({**_ENTRY, "type": "conversation"}, _ENTRY))


def stream_record(data: bytes) -> object:
    told = _object(data)
    images = {
        name: image
        for name, image in _mapping(told.get("dynamodb")).items()
        if name.endswith("Image") and isinstance(image, dict)
    }
    read = {"dynamodb": {"ApproximateCreationDateTime": 1.0, "NewImage": {}, **images}}
    made: list[object] = []
    for reader in (stream.announced, stream.added_amount, stream.changed_conversation):
        try:
            made.append(reader(read))
        except RejectedError as error:
            made.append(str(error))
    return made


TOKENS = (
    cursors.seal(KEYS, Cursor("ENTRY#2026-11-20T09:15:03.000Z#ent_1"), "q"),
    file_ids.seal(KEYS, file_ids.FileId("ctc_1", AT, "ent_1", 0)),
    reply_tokens.make(KEYS, "cnv_01JD3Y0C9RK6W3M5Q7T8V9X2ZA"),
    unsubscribe.url("", KEYS, "email#abc", Purpose.SURVEY).rpartition("/")[2],
)


def token(data: bytes) -> object:
    """A token that is not one of ours names nothing."""
    text = data.decode(errors="replace")
    assert text in TOKENS or (reply_tokens.read(KEYS, text) or text.lower()) in (
        text.lower(),
        "cnv_01JD3Y0C9RK6W3M5Q7T8V9X2ZA",
    )
    assert text in TOKENS or unsubscribe.read(KEYS, text) is None
    made = None
    if text != TOKENS[1]:
        made = cursors.unseal(KEYS, text, "q")
        assert text == TOKENS[0]
    return made or file_ids.unseal(KEYS, text)


def address(data: bytes) -> object:
    text = data.decode(errors="replace")
    made: list[object] = []
    for kind in IdentityKind:
        try:
            found = _US(kind, text)
        except InvalidRequestError as error:
            made.append(str(error))
            continue
        assert keys.address_key(b"secret", found)
        made.append((found.value, found.canonical))
    return made


def opt_out_words(data: bytes) -> object:
    return str(opt_out.hear(sms(data.decode(errors="replace"))))


def template(data: bytes) -> object:
    """What customers wrote, in every template on every channel: they all can be rendered."""
    told = {name: _writable(str(value)) for name, value in _object(data).items()}
    facts = {name: told.get(name, "") for name in templates().facts}
    return [
        templates().render(name, channel, told.get("locale", ""), facts)
        for name in sorted(templates().names)
        for channel in FILES
        if any(file.startswith(f"{name}/{FILES[channel]}.") for file in templates().files)
    ]


def query(data: bytes) -> object:
    names = ("limit", "since", "q", "channel", "order", "state", "cursor")
    asked = Query(data.decode(errors="replace"), names)
    since = asked.time("since")
    return (
        asked.whole("limit", default=1, most=100),
        since and keys.timestamp(since),
        asked.text("q", longest=200),
        asked.literal("q"),
        asked.choices("channel", Channel),
        asked.choice("state", Kind),
        asked.binding("/v1"),
    )


BODIES = (
    {"kind": "email", "value": "ana@example.org"},
    {"name": "Ana", "locale": "de-AT", "time_zone": "Europe/Vienna", "preferred_channel": None},
    {"text": "hello", "html": "<p>", "to": {"kind": "phone", "value": "+14155550123"}},
    {"text": "a", "attachments": [{"name": "a", "media_type": "text/plain", "content": "YQ=="}]},
    {"text": "a", "promise": {"text": "soon", "due": "2026-11-20T12:00:00Z"}, "keeps": ["prm_1"]},
    {
        "kind": "order", "source": "shop", "id": "1", "occurred_at": "2026-11-20T12:00:00Z",
        "data": {"total": 1.5, "lines": [{"sku": "a"}]},
    },
    {"available": True, "until": "2026-11-20T12:00:00Z"},
    {"identity": {"kind": "email", "value": "a@b.cd"}, "reason": "theirs"},
    {"other": "ctc_2", "reason": "the same"},
    {"assignee": "agent-1", "state": "resolved", "last_activity_at": "2026-11-20T12:00:00Z"},
)  # fmt: skip
_MODELS = tuple(
    each for each in vars(bodies).values()
    if isinstance(each, type) and issubclass(each, bodies.Body) and each is not bodies.Body
)  # fmt: skip


def api_body(data: bytes) -> object:
    """A body, by every model there is."""
    asked = Request(
        request_id="r", method="POST", path="/", parts={}, query=Query(""), headers={}, body=data,
        agent=Author(AuthorType.AGENT), scopes=frozenset(),
    )  # fmt: skip
    made: list[object] = []
    for model in _MODELS:
        try:
            made.append(asked.read(model).model_dump_json(exclude_unset=True))
        except InvalidRequestError as error:
            said: tuple[FieldError, ...] = getattr(error, "errors", ())
            made.append((str(error), said))
    return made


def _object(data: bytes) -> dict[str, Any]:
    """The JSON object; for anything else an empty one."""
    try:
        return _mapping(json.loads(data))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _writable(text: str) -> str:
    return text.encode(errors="replace").decode()

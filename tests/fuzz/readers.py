"""Who reads what comes from outside, and which errors they may raise."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from shared.model.errors import (
    InvalidCursorError,
    InvalidRequestError,
    MalformedMessageError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from tests.fuzz import reading, world
from tests.mails import CAPTURED, captured
from tests.webhooks import EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader of what comes from outside.

    `read` gets any bytes, within what `around` sets up, and raises nothing but `errors`. It takes
    at most so many microseconds of CPU a byte, and makes at most `growth` bytes of one. `words` are
    what its format is made of.
    """

    name: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()
    begin: tuple[bytes, ...] = ()
    captured: str = ""  # files below tests/events
    words: tuple[bytes, ...] = ()
    is_json: bool = False
    microseconds: float = 5
    growth: float = 4
    around: Callable[[], AbstractContextManager[object]] = nullcontext

    def seeds(self) -> list[bytes]:
        """What the reader is for."""
        files = sorted(EVENTS.glob(self.captured)) if self.captured else []
        return [*self.begin, *(file.read_bytes().rstrip(b"\n") for file in files)]


def as_json(*contents: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(content).encode() for content in contents)


_MAILS = tuple(captured(file.stem) for file in sorted(CAPTURED.glob("*.eml")))
_HTML = b"<blockquote type=cite><table><tr><td>a</td></tr></table><br>&amp;&#128512;</blockquote>"
_TOKENS = tuple(token.encode() for token in reading.TOKENS)
_MAIL_WORDS = (
    b"From: ", b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"text/html",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b\r\n", b"\r\n\r\n",
    b"=?utf-8?b?", b"=?iso-2022-jp?q?", b"?=", b"<", b">", b"@", b"charset=", b"utf-7", b"utf-16",
    b"hz", b"big5", b"=0A", b"> x\n", b"BEGIN:VEVENT\nSUMMARY:", b"text/calendar",
    b"message/rfc822", b"Authentication-Results: amazonses.com; dmarc=pass", b"References: <a@b> ",
    b"(", b"\\", b";",
)  # fmt: skip
_HTML_WORDS = (
    b"<", b"</", b"<!--", b"-->", b"<div", b"<pre>", b"<script>", b"<style>", b"<svg>", b"<math>",
    b"<li>", b"<template>", b" style=", b"javascript:", b"&#x", b"&", b"'", b"<![CDATA[", b"src=",
)  # fmt: skip
_TWILIO_WORDS = (
    b"&MessageSid=SM1", b"&From=", b"&NumMedia=10", b"&MediaUrl0=", b"whatsapp%3A", b"&ErrorCode=",
    b"&MediaContentType0=", b"%F0%9F", b"%00", b"&WaId=", b"&ExternalUserId=US.1", b"&Body=STOP",
)  # fmt: skip
_PATH = {"home": "ctc_1", "at": "2026-11-20T09:15:03.000Z", "entry": "ent_1"}
_ROW = {
    "sid": "SM1", "from": "+15005550006", "to": "+14155550123", "body": "hello", "price": "-0.0083",
    "direction": "inbound", "status": "received", "num_segments": "1", "num_media": "1",
    "price_unit": "usd", "error_code": None, "date_created": "Fri, 20 Nov 2026 09:15:03 +0000",
    "date_updated": "Fri, 20 Nov 2026 09:15:04 +0000",
}  # fmt: skip
_LIST = {"messages": [_ROW], "next_page_uri": None, "media_list": [{"uri": "/a.json"}], **_ROW}
_DETAIL = {
    "metadata": {
        "id": "EntryRecorded:ent_1", "type": "EntryRecorded", "time": "2026-11-20T12:00:00.000Z",
        "correlation": "request", "depth": 0,
    },
    "home_contact_id": "ctc_1", "conversation_id": "cnv_1", "entry_id": "ent_1", "revision": 1,
    "occurred_at": "2026-11-20T12:00:00.000Z", "trust": "verified", "author_type": "agent",
    "automatic": False, "kind": "message",
}  # fmt: skip
_ASKED = {
    "rule": "agent-answered", "template": "agent-answered", "purpose": "transactional",
    "ladder": ["sms"], "wait_seconds": 0, "debounce_seconds": 2, "urgent": False,
    "event": {"detail": _DETAIL},
}  # fmt: skip
_NOTICES = (
    {"home": "ctc_1", "at": "2026-11-20T12:00:00.000Z", "entry": "ent_1"},
    {"due": "wait", "home": "ctc_1", "id": "due_1"},
)
_S3 = {"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": "inbound/a%2Bb"}}}]}

_ALL = (
    Reader(name="mail", read=reading.mail, begin=_MAILS, words=_MAIL_WORDS, growth=8),
    Reader(name="html", read=reading.html, begin=(_HTML,), words=_HTML_WORDS, growth=24),
    Reader(
        name="shown-html",
        read=reading.shown_html,
        begin=(_HTML,),
        words=_HTML_WORDS,
        growth=24,
        microseconds=40,
    ),
    Reader(name="reply", read=reading.reply, captured="mail/*reply*", growth=8),
    Reader(
        name="twilio-message",
        read=reading.twilio_message,
        errors=(MalformedMessageError,),
        captured="twilio/*.txt",
        words=_TWILIO_WORDS,
    ),
    Reader(
        name="twilio-status",
        read=reading.twilio_status,
        errors=(MalformedMessageError,),
        captured="twilio/status*.txt",
        words=_TWILIO_WORDS,
    ),
    Reader(
        name="twilio-status-path",
        read=reading.twilio_status_path,
        errors=(MalformedMessageError,),
        begin=as_json(_PATH),
        is_json=True,
    ),
    Reader(
        name="twilio-list",
        read=reading.twilio_list,
        errors=(UnavailableError, MalformedMessageError),
        begin=as_json(_LIST, {"usage_records": [{"price": "0.1", "price_unit": "usd"}]}),
        is_json=True,
        growth=64,
    ),
    Reader(
        name="twilio-media",
        read=reading.twilio_media,
        errors=(RejectedError,),
        begin=(b"https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",),
    ),
    Reader(
        name="webhook",
        read=reading.webhook,
        errors=(RejectedError,),
        begin=as_json(*reading.WEBHOOKS),
        is_json=True,
        words=_TWILIO_WORDS,
        growth=16,
    ),
    Reader(
        name="chat",
        read=reading.chat_event,
        errors=(MalformedMessageError,),
        captured="chat/*.json",
        begin=as_json({"type": "message.read", "data": {"entry": "ent_1"}}),
        is_json=True,
    ),
    Reader(
        name="ses-event",
        read=reading.ses_event,
        errors=(MalformedMessageError,),
        captured="ses/*.json",
        is_json=True,
    ),
    Reader(
        name="s3-notification",
        read=reading.s3_notification,
        errors=(MalformedMessageError,),
        begin=as_json(_S3),
        is_json=True,
    ),
    Reader(
        name="queue",
        read=reading.queue,
        begin=as_json(_ASKED, {"detail": _DETAIL}, *_NOTICES),
        is_json=True,
        growth=16,
    ),
    Reader(
        name="stream",
        read=reading.stream_record,
        errors=(RejectedError,),
        begin=as_json(*reading.RECORDS),
        is_json=True,
        growth=16,
        microseconds=20,
    ),
    Reader(
        name="token",
        read=reading.token,
        errors=(InvalidCursorError, NotFoundError),
        begin=_TOKENS,
        words=(b".", b"k1", b"=", b"-", b"_"),
    ),
    Reader(
        name="address",
        read=reading.address,
        begin=(b"+14155550123", b"(415) 555-0123 ext. 9", "jürgen@exämple.com".encode()),
        words=(b"+", b"@", b"tel:", b";ext=", b"x", b".", "٣".encode()),
        microseconds=40,
        growth=32,
    ),
    Reader(name="opt-out", read=reading.opt_out_words, begin=(b"please stop texting me",)),
    Reader(
        name="template",
        read=reading.template,
        begin=as_json({"name": "Ana", "reference": "#7Q4K-2M", "order": "A-1", "locale": "de-AT"}),
        is_json=True,
        words=(b"{{", b"}}", b"{%"),
        microseconds=100,
        growth=200,
    ),
    Reader(
        name="query",
        read=reading.query,
        errors=(InvalidRequestError,),
        begin=(b"limit=5&since=2026-11-20T12:00:00%2B01:00&q=a+b&channel=sms,email&order=asc",),
        words=(b"&since=", b"&limit=", b"%", b"+", b"&q=", b"%C3", b"&channel="),
        growth=16,
    ),
    Reader(
        name="api-body",
        read=reading.api_body,
        begin=as_json(*reading.BODIES),
        is_json=True,
        growth=64,
        microseconds=40,
    ),
    Reader(
        name="api",
        read=world.ask,
        begin=as_json(*world.REQUESTS),
        is_json=True,
        around=world.world,
        growth=64,
        microseconds=200,
    ),
    Reader(
        name="inbound",
        read=world.bring,
        begin=as_json(*world.DELIVERIES),
        is_json=True,
        around=world.world,
        growth=64,
        microseconds=200,
    ),
)
READERS = {reader.name: reader for reader in _ALL}

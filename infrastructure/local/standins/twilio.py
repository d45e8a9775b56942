"""A stand-in for Twilio's REST API of messages.

It answers, refuses and reports as Twilio documents (https://www.twilio.com/docs/messaging/api).
Some numbers always fail: Twilio's own magic numbers of test credentials
(https://www.twilio.com/docs/iam/test-credentials), and three more of ours, see `OURS` below.
`POST /twilio/habits` makes it lose answers and callbacks and lets its list lag; `POST
/twilio/received` has a text arrive whose webhook is lost.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from re import compile as pattern
from typing import Any
from urllib.parse import parse_qsl

import requests
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from infrastructure.local.standins.outbox import Outbox
from infrastructure.local.standins.server import Reply, Request, Route

REFUSED = {  # to: (HTTP status, error code, what Twilio says)
    "+15005550001": (400, 21211, "Invalid 'To' Phone Number"),
    "+15005550002": (400, 21612, "The 'To' phone number cannot be reached"),
    "+15005550003": (400, 21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (400, 21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (400, 21614, "'To' number is not a valid mobile number"),
}
BUSY_AT_FIRST = "+15005550429"  # 429 once, then accepted
UNANSWERED = "+15005550408"  # made and sent, but the answer to the request never arrives
UNDELIVERED = "+15005550030"  # accepted, then undelivered with error 30003
OURS = (BUSY_AT_FIRST, UNANSWERED, UNDELIVERED)

PICTURE = base64.b64decode(  # one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
STEP_TAKES = 0.15  # seconds between two status callbacks
SEGMENT_PRICE_MICRO_USD = 8300  # one SMS segment in the US, 0.0083 USD


@dataclass(frozen=True)
class Habits:
    """What goes wrong between Twilio and the hub, until it is told otherwise."""

    list_lag_seconds: float = 0
    loses_answers: bool = False
    loses_callbacks: bool = False


class Twilio:
    """One account, its messages and their status callbacks."""

    def __init__(self, account_sid: str, auth_token: str, outbox: Outbox) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._outbox = outbox
        self._busy: set[str] = set()
        self._habits = Habits()
        self._received: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        account = r"/2010-04-01/Accounts/(AC\w+)"
        messages, usage = f"{account}/Messages", f"{account}/Usage/Records"
        return [
            Route("POST", pattern(rf"{messages}\.json"), self._create),
            Route("GET", pattern(rf"{messages}\.json"), self._list),
            Route("GET", pattern(rf"{messages}/(\w+)\.json"), self._fetch),
            Route("GET", pattern(rf"{messages}/\w+/Media/\w+"), self._media),
            Route("GET", pattern(rf"{usage}\.json"), self._usage),
            Route("POST", "/twilio/habits", self._change_habits),
            Route("POST", "/twilio/received", self._receive),
        ]

    def _change_habits(self, request: Request) -> Reply:
        self._habits = Habits(**json.loads(request.body))
        return Reply.of({})

    def _receive(self, request: Request) -> Reply:
        """A text of `from` to `to` came `seconds_ago`, and the hub was not told."""
        told = json.loads(request.body)
        came = datetime.now(UTC) - timedelta(seconds=told.get("seconds_ago", 0))
        message = self._message({"From": told["from"], "To": told["to"], "Body": told["body"]})
        at = {"date_created": format_datetime(came), "date_sent": format_datetime(came)}
        message |= {**at, "direction": "inbound", "status": "received"}
        self._received.append(message)
        return Reply.of(message, 201)

    def _create(self, request: Request) -> Reply | None:
        if not self._is_ours(request):
            return refusal(401, 20003, "Authenticate")
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        to = form.get("To", "")
        row = self._outbox.add(
            "twilio",
            to=to,
            sender=form.get("From"),
            text=form.get("Body") or form.get("ContentSid"),
            status_callback=form.get("StatusCallback"),
            raw={"request": form},
        )
        refused = self._refusal(form)
        if refused:
            row["raw"]["refused"] = refused[1]
            return refusal(*refused)
        row["raw"]["message"] = self._message(form)
        threading.Thread(target=self._report, args=[row], daemon=True).start()
        if to == UNANSWERED or self._habits.loses_answers:
            return None
        return Reply.of(row["raw"]["message"], 201)

    def _refusal(self, form: dict[str, str]) -> tuple[int, int, str] | None:
        to = form.get("To", "")
        if not to:
            return 400, 21604, "A 'To' phone number is required."
        if not any(map(form.get, ("Body", "MediaUrl", "ContentSid"))):
            return 400, 21602, "Message body is required."
        if to == BUSY_AT_FIRST and to not in self._busy:
            self._busy.add(to)
            return 429, 20429, "Too Many Requests"
        return REFUSED.get(to)

    def _message(self, form: dict[str, str]) -> dict[str, Any]:
        sid = f"SM{secrets.token_hex(16)}"
        now = format_datetime(datetime.now(UTC))
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "api_version": "2010-04-01",
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "from": form.get("From"),
            "to": form["To"],
            "body": form.get("Body", ""),
            "direction": "outbound-api",
            "status": "queued",
            "num_segments": str(segments(form.get("Body", ""))),
            "num_media": "0",
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "date_created": now,
            "date_sent": None,
            "date_updated": now,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Messages/{sid}.json",
        }

    def _report(self, row: dict[str, Any]) -> None:
        """Move the message on, and post each step to its status callback, signed."""
        message, callback = row["raw"]["message"], row["status_callback"]
        undelivered = message["to"] == UNDELIVERED
        row["raw"]["callbacks"] = []
        for status in ("queued", "sent", "undelivered" if undelivered else "delivered"):
            time.sleep(STEP_TAKES)
            now = format_datetime(datetime.now(UTC))
            message |= {"status": status, "date_updated": now}
            if status == "sent":
                price = int(message["num_segments"]) * SEGMENT_PRICE_MICRO_USD
                message |= {"date_sent": now, "price": f"-{price // 10**6}.{price % 10**6:06}"[:-1]}
            if status == "undelivered":
                message["error_code"] = 30003
            if callback and not self._habits.loses_callbacks:
                row["raw"]["callbacks"].append([status, self._call_back(callback, message)])

    def _call_back(self, url: str, message: dict[str, Any]) -> int | None:
        """Post one status; returns the hub's HTTP status, None when it was not reached."""
        form = {
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "From": message["from"] or "",
            "To": message["to"],
            "MessageSid": message["sid"],
            "MessageStatus": message["status"],
            "SmsSid": message["sid"],
            "SmsStatus": message["status"],
        }
        if message["error_code"]:
            form["ErrorCode"] = str(message["error_code"])
        headers = {"X-Twilio-Signature": signature(self._auth_token, url, form)}
        try:
            answer = requests.post(url, data=form, headers=headers, timeout=15)
        except requests.RequestException:
            return None
        return answer.status_code

    def _list(self, request: Request) -> Reply:
        """The messages of To, From and DateSent (a date, also `DateSent<` and `DateSent>`)."""
        if not self._is_ours(request):
            return refusal(401, 20003, "Authenticate")
        until = datetime.now(UTC) - timedelta(seconds=self._habits.list_lag_seconds)
        messages = [
            message
            for message in self._messages()
            if is_asked_for(message, request.query) and created(message) <= until
        ]
        return Reply.of(
            {
                "messages": messages[::-1],  # newest first
                "page": 0,
                "page_size": max(50, len(messages)),
                "next_page_uri": None,
                "uri": request.path,
            }
        )

    def _usage(self, request: Request) -> Reply:
        """Carriers charge nothing here, and are not said to."""
        if not self._is_ours(request):
            return refusal(401, 20003, "Authenticate")
        return Reply.of({"usage_records": [], "next_page_uri": None})

    def _fetch(self, request: Request) -> Reply:
        if not self._is_ours(request):
            return refusal(401, 20003, "Authenticate")
        for message in self._messages():
            if message["sid"] == request.captured[1]:
                return Reply.of(message)
        return refusal(404, 20404, f"The requested resource {request.path} was not found")

    def _media(self, request: Request) -> Reply:
        """Every file of a message that came in is the same picture."""
        if not self._is_ours(request):
            return refusal(401, 20003, "Authenticate")
        return Reply(200, PICTURE, "image/png")

    def _messages(self) -> list[dict[str, Any]]:
        raws = [row["raw"] for row in self._outbox.rows("twilio")]
        sent = [raw["message"] for raw in raws if "message" in raw]
        return sorted([*sent, *self._received], key=created)

    def _is_ours(self, request: Request) -> bool:
        pair = base64.b64encode(f"{self._account_sid}:{self._auth_token}".encode()).decode()
        given = request.headers.get("authorization", "")
        is_known = secrets.compare_digest(given.encode(), f"Basic {pair}".encode())
        return is_known and request.captured[0] == self._account_sid


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """What Twilio puts into X-Twilio-Signature."""
    return str(RequestValidator(auth_token).compute_signature(url, form))


def refusal(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return Reply.of(body, status)


def segments(body: str) -> int:
    """How many segments, roughly: pure ASCII counts as GSM-7, all else as UCS-2."""
    single, part = (160, 153) if body.isascii() else (70, 67)
    return 1 if len(body) <= single else -(-len(body) // part)


def created(message: dict[str, Any]) -> datetime:
    return parsedate_to_datetime(message["date_created"])


def is_asked_for(message: dict[str, Any], query: Mapping[str, str]) -> bool:
    sent = created(message).date().isoformat()
    return bool(
        query.get("To", message["to"]) == message["to"]
        and query.get("From", message["from"]) == message["from"]
        and query.get("DateSent", sent)[:10] == sent
        and query.get("DateSent<", sent)[:10] >= sent
        and query.get("DateSent>", sent)[:10] <= sent
    )

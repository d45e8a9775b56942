"""Twilio and a site with a chat, which remember what they took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from shared.providers.twilio.media import TwilioMedia
from tests.faults.injector import Injector, response

Take = Callable[[], requests.Response]


@dataclass
class Providers:
    """What the providers took, and what Twilio's list shows beside that.

    `missing` are files that Twilio does not have any more.
    """

    clock: Callable[[], datetime]
    sent: list[tuple[str, ...]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    _instead: Callable[[Take], requests.Response] = lambda take: take()

    def name(self, method: str, url: str) -> str:
        """The call's name: `twilio.POST`."""
        return f"{'twilio' if '/2010-04-01/' in url else 'chat'}.{method}"

    @contextmanager
    def answering(self, instead: Callable[[Take], requests.Response]) -> Iterator[None]:
        """Until this is left they answer so; what they are given does what was asked."""
        self._instead, before = instead, self._instead
        yield
        self._instead = before

    def answer(self, method: str, url: str, asked: Any) -> requests.Response:
        """Do what is asked."""
        return self._instead(lambda: self._answer(method, url, asked))

    def _answer(self, method: str, url: str, asked: Any) -> requests.Response:
        if "/2010-04-01/" not in url:
            self.sent.append(("chat", asked["headers"]["webhook-id"]))
            return response(200, {})
        if method == "POST":
            return self._take(dict(asked["data"]))
        last = url.rsplit("/", 1)[1]
        if last == "Messages.json":
            return response(200, {"messages": self._found(asked["params"] or {})})
        if "/Usage/" in url:
            fee = {"price": "0.70", "price_unit": "usd"}
            return response(200, {"usage_records": [fee]})
        if "/Media/" in url:
            return response(404 if last in self.missing else 200, "JPEG")
        sid = last.removesuffix(".json")
        return response(200, next(row for row in self.listed if row["sid"] == sid))

    def _take(self, form: dict[str, str]) -> requests.Response:
        self.sent.append(("twilio", form["To"], form["Body"]))
        sid = f"SM{len(self.sent):032d}"
        self.enlist(sid, "outbound-api", form["To"], form["From"], form["Body"])
        return response(201, {"sid": sid, "status": "queued"})

    def enlist(
        self, sid: str, direction: str, to: str, sender: str, body: str, **more: str
    ) -> None:
        """A message is in Twilio's books."""
        at = format_datetime(self.clock())
        row: dict[str, Any] = {
            "sid": sid,
            "direction": direction,
            "to": to,
            "from": sender,
            "body": body,
            "status": "received" if direction == "inbound" else "queued",
            "date_created": at,
            "date_updated": at,
            "num_segments": "1",
            "num_media": "0",
            **more,
        }
        self.listed.append(row)

    def _found(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = {"to": query.get("To"), "from": query.get("From")}
        return [
            row
            for row in reversed(self.listed)
            if all(row[name] == value for name, value in wanted.items() if value)
        ]


def at_hand(patch: pytest.MonkeyPatch, providers: Providers, injector: Injector) -> None:
    """Every request of the functions to a provider comes here, by way of the injector."""

    def ask(method: str, url: str, **asked: Any) -> requests.Response:
        return injector.http(
            providers.name(method, url), lambda: providers.answer(method, url, asked)
        )

    class Pool:
        """A connection to where files are, as far as it is used."""

        def request(self, method: str, url: str, **asked: Any) -> HTTPResponse:
            try:
                answer = ask(method, url, **asked)
            except requests.exceptions.ReadTimeout as error:
                raise HTTPError from error
            body = BytesIO(answer.content)
            return HTTPResponse(body, status=answer.status_code, preload_content=False)

    def pool(_: object, url: str) -> tuple[Pool, str, str]:
        return Pool(), "api.twilio.com", urlsplit(url).path

    patch.setattr(requests, "request", ask)
    patch.setattr(TwilioMedia, "_pool", pool)

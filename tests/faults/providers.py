"""Twilio and a site with a chat, which remember what they took."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import requests

from tests.faults.injector import response


@dataclass
class Providers:
    """What the providers took, and what Twilio's list shows beside that."""

    clock: Callable[[], datetime]
    sent: list[tuple[str, ...]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)

    def name(self, method: str, url: str) -> str:
        """The call's name: `twilio.POST`."""
        return f"{'twilio' if '/2010-04-01/' in url else 'chat'}.{method}"

    def answer(self, method: str, url: str, asked: Any) -> requests.Response:
        """Do what is asked."""
        if "/2010-04-01/" not in url:
            self.sent.append(("chat", asked["headers"]["webhook-id"]))
            return response(200, {})
        if method == "POST":
            return self._take(dict(asked["data"]))
        if url.endswith("Messages.json"):
            return response(200, {"messages": self._found(asked["params"] or {})})
        if "/Usage/" in url:
            fee = {"price": "0.70", "price_unit": "usd"}
            return response(200, {"usage_records": [fee]})
        sid = url.rsplit("/", 1)[1].removesuffix(".json")
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

"""A stand-in for a site's own chat back end: it takes our messages and says they were delivered."""

import json
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from infrastructure.local.standins.outbox import Outbox
from infrastructure.local.standins.server import Reply, Request, Route

PATH = "/site/messages"
HUB_READY_WITHIN = 60.0  # seconds


class Site:
    """One site; `hub_url` comes true once the hub is deployed."""

    def __init__(self, secret: str, outbox: Outbox, hub_url: "Future[str]") -> None:
        self._secret = secret
        self._outbox = outbox
        self._hub_url = hub_url
        self._seen: set[str] = set()

    def routes(self) -> list[Route]:
        return [Route("POST", PATH, self._receive)]

    def _receive(self, request: Request) -> Reply:
        try:
            message = Webhook(self._secret).verify(request.body, dict(request.headers))
        except WebhookVerificationError as error:
            return Reply.of({"message": str(error)}, 401)
        data = message["data"]
        self._outbox.add(
            "chat",
            to=data["session"],
            sender=None,
            text=data["text"],
            raw={"headers": dict(request.headers), "body": message},
        )
        delivery = request.headers["webhook-id"]
        if delivery not in self._seen:
            self._seen.add(delivery)
            threading.Thread(target=self._report, args=[data["entry"]], daemon=True).start()
        return Reply.of({})

    def _report(self, entry: str) -> None:
        now = datetime.now(UTC)
        receipt = {"type": "message.delivered", "timestamp": now.isoformat()}
        post_signed(
            f"{self._hub_url.result(HUB_READY_WITHIN)}/webhooks/chat",
            f"delivered-{entry}",
            {**receipt, "data": {"entry": entry}},
            self._secret,
        )


def post_signed(url: str, delivery: str, content: dict[str, Any], secret: str) -> requests.Response:
    """Post as Standard Webhooks prescribes (https://www.standardwebhooks.com)."""
    now = datetime.now(UTC)
    body = json.dumps(content)
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery, now, body),
    }
    return requests.post(url, data=body.encode(), headers=headers, timeout=30)

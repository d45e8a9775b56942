"""The hub's public entrances as programs use them: providers' signed webhooks, mail, the API.

It needs nothing but what `hub.json` offers, so end-to-end tests come in this way too.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

import requests

from infrastructure.local.aws import LocalAws
from infrastructure.local.standins.site import post_signed
from infrastructure.local.standins.twilio import signature

TIMEOUT = 30  # seconds


class Entrances:
    """A running hub, seen from outside."""

    def __init__(self, hub: Mapping[str, Any]) -> None:
        self.hub = hub
        self.api_url: str = hub["api_url"]
        self.aws = LocalAws(hub["aws"]["endpoint_url"])
        self._mail_store = self.aws.client("s3")

    def api(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> requests.Response:
        """One call of the timeline API, with the token of every scope unless another is given."""
        bearer = {"Authorization": f"Bearer {token or self.hub['token']}"}
        return requests.request(
            method,
            self.api_url + path,
            headers={**bearer, **(headers or {})},
            params=params,
            json=body,
            timeout=TIMEOUT,
        )

    def text_message(
        self, sender: str, text: str, *, sid: str | None = None, **fields: str
    ) -> requests.Response:
        """An SMS reaches the hub's number: Twilio's signed webhook."""
        sid = sid or f"SM{secrets.token_hex(16)}"
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self.hub["twilio"]["account_sid"],
            "From": sender,
            "To": self.hub["twilio"]["number"],
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
            **fields,
        }
        url = f"{self.api_url}/webhooks/twilio/messages"
        headers = {"X-Twilio-Signature": signature(self.hub["twilio"]["auth_token"], url, form)}
        return requests.post(url, data=form, headers=headers, timeout=TIMEOUT)

    def chat_message(
        self, session: str, visitor: Mapping[str, Any], text: str, *, delivery: str | None = None
    ) -> requests.Response:
        """A visitor writes in the site's chat: the site's signed webhook."""
        now = datetime.now(UTC).isoformat()
        data = {"session": session, "text": text, "sent_at": now, "visitor": dict(visitor)}
        return post_signed(
            f"{self.api_url}/webhooks/chat",
            delivery or f"msg_{secrets.token_hex(8)}",
            {"type": "message.created", "timestamp": now, "data": data},
            self.hub["chat"]["secret"],
        )

    def mail(self, source: bytes, *, name: str | None = None) -> None:
        """A mail arrives: SES puts it, raw, into the bucket."""
        self._mail_store.put_object(
            Bucket=self.hub["mail"]["bucket"],
            Key=self.hub["mail"]["prefix"] + (name or secrets.token_hex(20)),
            Body=source,
        )

    def outbox(self, provider: str | None = None) -> list[dict[str, Any]]:
        """What the providers received so far, oldest first."""
        rows = requests.get(self.hub["outbox_url"], timeout=TIMEOUT).json()
        return [row for row in rows if provider in (None, row["provider"])]


def received_mail(
    sender: str, recipient: str, subject: str, text: str, *, in_reply_to: str | None = None
) -> bytes:
    """A plain mail as SES stores it after receiving it from a domain that passes DMARC."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    now = datetime.now(UTC)
    mail = EmailMessage()
    mail["Return-Path"] = f"<{parseaddr(sender)[1]}>"
    mail["Received"] = (
        f"from mail.{domain} (mail.{domain} [192.0.2.25]) by inbound-smtp.us-east-1.amazonaws.com"
        f" with SMTP id {secrets.token_hex(20)} for {recipient}; {format_datetime(now)}"
    )
    mail["X-SES-Spam-Verdict"] = "PASS"
    mail["X-SES-Virus-Verdict"] = "PASS"
    mail["Received-SPF"] = (
        f"pass (spfCheck: domain of {domain} designates 192.0.2.25 as permitted sender)"
        f" client-ip=192.0.2.25; envelope-from={parseaddr(sender)[1]}; helo=mail.{domain};"
    )
    mail["Authentication-Results"] = (
        f"amazonses.com; spf=pass (spfCheck: domain of {domain} designates 192.0.2.25 as permitted"
        f" sender) client-ip=192.0.2.25; envelope-from={parseaddr(sender)[1]}; helo=mail.{domain};"
        f" dkim=pass header.i=@{domain}; dmarc=pass header.from={domain};"
    )
    mail["X-SES-RECEIPT"] = "AEFBQUFBQUFB"
    mail["Date"] = format_datetime(now)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Message-ID"] = make_msgid(domain=domain)
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = in_reply_to
    mail.set_content(text)
    return mail.as_bytes()

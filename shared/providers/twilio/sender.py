"""Texts and WhatsApp messages out, through Twilio's REST API.

https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21). It knows no
idempotency key, so a request is made once and never again by itself. Plain HTTP instead of
Twilio's client, which has no setting for the API's URL and waits without limit.
"""

import json
from typing import TYPE_CHECKING, Any

from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, Unknown
from shared.providers.http import NoAnswerError, NotReachedError, post
from shared.providers.refusals import Verdict, refused
from shared.providers.twilio.account import SERVICE, address_on, credentials, messages_path
from shared.providers.twilio.messages import MOST_MEDIA
from shared.providers.twilio.refusals import TABLE
from shared.providers.twilio.statuses import OPTED_OUT
from shared.runtime.secrets import TwilioAccount

if TYPE_CHECKING:
    from requests import Response

VALIDITY_SECONDS = 900  # a text that could not leave within 15 minutes is not sent at all

_BY_STATUS = {401: Verdict.ACCOUNT, 403: Verdict.ACCOUNT, 429: Verdict.LATER}


class TwilioSender:
    """Sends as one account; `api_url` has no trailing slash."""

    def __init__(self, account: TwilioAccount, api_url: str) -> None:
        self._url = f"{api_url}{messages_path(account)}.json"
        self._auth = credentials(account)

    def send(self, message: OutboundMessage) -> SendResult:
        """Send once. A refusal's reason is Twilio's error code, where it gave one."""
        try:
            response = post(self._url, _form(message), auth=self._auth)
        except NotReachedError as error:
            return Refused(str(error), final=False)
        except NoAnswerError as error:
            return Unknown(str(error))
        return _result(response)


def _form(message: OutboundMessage) -> list[tuple[str, str]]:
    form = [
        ("To", address_on(message.channel, message.to.value)),
        (_sender_field(message.sender), address_on(message.channel, message.sender)),
        *_content_of(message),
        ("ValidityPeriod", str(VALIDITY_SECONDS)),
    ]
    form += (("MediaUrl", url) for url in message.media_urls[:MOST_MEDIA])
    if message.status_url:
        form.append(("StatusCallback", message.status_url))
    return form


def _content_of(message: OutboundMessage) -> list[tuple[str, str]]:
    """https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder"""
    if message.template is None:
        return [("Body", message.text)]
    filled = json.dumps(dict(message.template.variables), ensure_ascii=False)
    return [("ContentSid", message.template.id), ("ContentVariables", filled)]


def _sender_field(sender: str) -> str:
    """A Messaging Service chooses among its own numbers."""
    return "MessagingServiceSid" if sender.startswith(SERVICE) else "From"


def _result(response: "Response") -> SendResult:
    status, content = response.status_code, _content(response)
    if 200 <= status < 300 and content.get("sid"):
        return Accepted(str(content["sid"]))
    if not 400 <= status < 500:
        return Unknown(f"http-{status}")
    given = content.get("code")
    code = given if isinstance(given, int) else 0
    reason = str(code) if code else f"http-{status}"
    if code == OPTED_OUT:
        return Refused(reason, final=True, opted_out=True)
    return refused(TABLE, code, reason, otherwise=_BY_STATUS.get(status, Verdict.FINAL))


def _content(response: "Response") -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}

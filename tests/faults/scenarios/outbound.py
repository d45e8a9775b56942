"""What leaves, what becomes of it, and what customers are told by rules."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests

from shared.providers.ses.tags import to_tags
from shared.providers.twilio import status_url
from tests.faults.account import Account
from tests.faults.scenarios.scenario import Attempt, Scenario, by_queue, by_webhook, call
from tests.faults.scenarios.story import answered, delivered, event_of, last, notice, text, wrote
from tests.webhooks import BASE, EVENTS, form_body, twilio_event

_QUEUE = timedelta(minutes=6)
_FILE = {"name": "a.pdf", "media_type": "application/pdf", "content": "JVBERg=="}
_FILES = {"attachments": [_FILE]}


def _delivering(channel: str, **message: Any) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = answered(account, channel, **message)
        return by_queue(account, "deliver_message", notice(key))

    return prepare


def _stopped(account: Account) -> Attempt:
    """They say stop before their message has left."""
    key = answered(account, "sms")
    stop = text(7, Body="STOP", OptOutType="STOP")
    assert by_webhook(account, "inbound_sms", lambda: stop)(1)
    return by_queue(account, "deliver_message", notice(key))


def _looking(account: Account) -> Attempt:
    """A text whose answer got lost: half a minute later Twilio's list is asked."""
    key = answered(account, "sms")
    with account.providers.answering(_lost):
        assert by_queue(account, "deliver_message", notice(key))(1)
    account.wait(seconds=31)
    return by_queue(account, "deliver_message", notice(key))


def _lost(take: Callable[[], Any]) -> Any:
    take()
    raise requests.exceptions.ReadTimeout


# ---- what becomes of it


def _text_report(state: str, channel: str = "sms") -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        url = status_url(BASE, delivered(account, channel))
        home, at, entry = url.rsplit("/", 3)[1:]
        sid = account.providers.listed[-1]["sid"]
        known = "failed" if state == "failed" else "delivered"
        form = form_body(
            f"status_{known}", MessageSid=sid, SmsSid=sid, MessageStatus=state, SmsStatus=state
        )
        event = twilio_event(form, url=url, path=url.removeprefix(BASE))
        event["pathParameters"] = {"home": home, "at": at, "entry": entry}
        return by_webhook(account, "receipts_twilio", lambda: event)

    return prepare


def _mail_report(name: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = delivered(account, "email")
        told = json.loads((EVENTS / "ses" / f"{name}.json").read_text())
        told["mail"]["tags"] |= {tag: [value] for tag, value in to_tags(key).items()}
        told["mail"]["messageId"] = last(account, "receipt")["provider_id"]
        return by_queue(account, "receipts_email", json.dumps(told))

    return prepare


# ---- notifications


def _asked(account: Account, **constants: Any) -> str:
    """A rule asks for a notification of an agent's answer in the chat."""
    home = wrote(account, "chat")
    said = {"channel": "chat", "text": "It left today."}
    answer = call(account, "POST", f"/v1/contacts/{home}/messages", said)
    assert answer["statusCode"] == 202, answer
    return json.dumps(
        {
            "rule": "agent-answered",
            "template": "agent-answered",
            "purpose": "transactional",
            "ladder": ["email"],
            "wait_seconds": 600,
            "debounce_seconds": 0,
            "urgent": True,
            "event": event_of(account, "EntryRecorded", direction="outbound"),
            **constants,
        }
    )


def _telling(**constants: Any) -> Callable[[Account], Attempt]:
    return lambda account: by_queue(account, "notify_customer", _asked(account, **constants))


def _releasing(account: Account) -> Attempt:
    """What waited for more is due."""
    assert by_queue(account, "notify_customer", _asked(account, debounce_seconds=60))(1)
    due = last(account, "due", kind="debounce")
    account.wait(minutes=2)
    body = {"due": "debounce", "home": due["home"], "id": due["SK"].split("#", 2)[2]}
    return by_queue(account, "notify_customer", json.dumps(body))


def _next_rung(account: Account) -> Attempt:
    """The chat window was closed, and the mail of the next rung's is due."""
    assert by_queue(account, "notify_customer", _asked(account, ladder=["chat", "email"]))(1)
    due = last(account, "due", kind="ladder")
    account.wait(minutes=11)
    body = {"due": "ladder", "home": due["home"], "id": due["SK"].split("#", 2)[2]}
    return by_queue(account, "notify_customer", json.dumps(body))


SCENARIOS = (
    Scenario("deliver_message", "text", _delivering("sms"), _QUEUE),
    Scenario("deliver_message", "text with a file", _delivering("sms", **_FILES), _QUEUE),
    Scenario("deliver_message", "WhatsApp", _delivering("whatsapp"), _QUEUE),
    Scenario("deliver_message", "mail", _delivering("email"), _QUEUE),
    Scenario("deliver_message", "mail with a file", _delivering("email", **_FILES), _QUEUE),
    Scenario("deliver_message", "chat", _delivering("chat"), _QUEUE),
    Scenario("deliver_message", "they said stop", _stopped, _QUEUE),
    Scenario("deliver_message", "look at the list", _looking, _QUEUE),
    Scenario("receipts_twilio", "text delivered", _text_report("delivered")),
    Scenario("receipts_twilio", "text failed", _text_report("failed")),
    Scenario("receipts_twilio", "WhatsApp delivered", _text_report("delivered", "whatsapp")),
    Scenario("receipts_twilio", "WhatsApp read", _text_report("read", "whatsapp")),
    Scenario("receipts_email", "delivered", _mail_report("delivery"), _QUEUE),
    Scenario("receipts_email", "bounced", _mail_report("bounce_permanent"), _QUEUE),
    Scenario("receipts_email", "complaint", _mail_report("complaint"), _QUEUE),
    Scenario("notify_customer", "at once", _telling(), _QUEUE),
    Scenario("notify_customer", "wait for more", _telling(debounce_seconds=60), _QUEUE),
    Scenario("notify_customer", "release", _releasing, _QUEUE),
    Scenario("notify_customer", "next rung", _next_rung, _QUEUE),
)

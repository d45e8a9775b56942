"""What has gone before: who wrote, who answered, and the messages they bring."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.model.events import detail, rfc3339
from shared.model.receipt import ReceiptKey
from shared.runtime import clients
from shared.store.attributes import from_wire
from shared.store.stream import announced
from tests.faults.account import Account
from tests.faults.scenarios.scenario import by_queue, by_stream, by_webhook, call
from tests.mails import mail
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

PHONE, MAIL, NUMBER = "+14155550101", "ana@example.org", "+14155550000"


# ---- what customers bring


def text(number: int = 1, form: str = "sms", **changes: str) -> Any:
    """A text of Ana's, or an MMS."""
    sent = {"MessageSid": f"SM9{number:031d}", "From": PHONE, "To": NUMBER, **changes}
    return twilio_event(form_body(form, **sent))


def whatsapp(number: int = 1, **changes: str) -> Any:
    """A WhatsApp message of Ana's."""
    sender, us = f"whatsapp:{PHONE}", "whatsapp:+14155550009"
    return text(number, "whatsapp_number", From=sender, To=us, WaId=PHONE[1:], **changes)


def chat(number: int = 1, visitor: Mapping[str, Any] | None = None, **data: Any) -> Any:
    """A message in the shop's chat, of somebody it knows by Ana's mailbox."""
    known = {"verified": True, "email": MAIL, "phone": "", "id": "v-12"}
    return chat_event(chat_message({**known, **(visitor or {})}, **data), delivery=f"msg_{number}")


def mailed(
    number: int = 1,
    *headers: str,
    key: int | None = None,
    subject: str = "My order",
    body: str = "Where is it?",
    sender: str = MAIL,
) -> str:
    """Put a mail where SES would; the word of it in the queue."""
    told = (f"Message-ID: <{number}@example.org>", f"Subject: {subject}", *headers)
    raw = mail(*told, body=body, sender=f"From: {sender}")
    return stored(f"inbound/{key or number}", raw)


def stored(key: str, raw: bytes) -> str:
    """Put a raw mail where SES would; the word of it in the queue."""
    clients.s3().put_object(Bucket="mail", Key=key, Body=raw)
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": key}}}]})


def long_words() -> str:
    """More than the table takes, however it is packed."""
    return "".join(f"{number:x} " for number in range(40_000))


# ---- what has happened


def wrote(account: Account, channel: str) -> str:
    """A customer has written; the contact."""
    match channel:
        case "sms":
            assert by_webhook(account, "inbound_sms", text)(1)
        case "whatsapp":
            assert by_webhook(account, "inbound_sms", whatsapp)(1)
        case "chat":
            assert by_webhook(account, "inbound_chat", chat)(1)
        case _:
            assert by_queue(account, "inbound_email", mailed())(1)
    account.wait(minutes=5)
    home: str = last(account, "entry")["home"]
    return home


def two_contacts(account: Account) -> tuple[str, str]:
    """One has texted, one has mailed."""
    one = wrote(account, "sms")
    return one, wrote(account, "email")


def answered(account: Account, channel: str, **message: Any) -> ReceiptKey:
    """An agent has answered; where the receipt lies."""
    home = wrote(account, channel)
    body = {"channel": "auto", "text": "It left today.", **message}
    answer = call(account, "POST", f"/v1/contacts/{home}/messages", body)
    assert answer["statusCode"] == 202, answer
    told = json.loads(answer["body"])
    account.wait(seconds=1)
    at = datetime.fromisoformat(told["occurred_at"])
    return ReceiptKey(home=told["home_contact_id"], at=at, entry_id=told["id"])


def delivered(account: Account, channel: str, **message: Any) -> ReceiptKey:
    """The answer has left."""
    key = answered(account, channel, **message)
    assert by_queue(account, "deliver_message", notice(key))(1)
    return key


def merged(account: Account) -> tuple[str, str, str]:
    """Two contacts are one: the survivor, the other, the merge."""
    one, other = two_contacts(account)
    body = {"other": other, "reason": "the same person"}
    answer = call(account, "POST", f"/v1/contacts/{one}/merge", body)
    return one, other, json.loads(answer["body"])["merge"]["id"]


def metered(account: Account) -> None:
    """The stream has been read to here."""
    new = [record for record in account.records if record["eventName"] != "REMOVE"]
    assert by_stream(account, "meter_costs", new)(1)


# ---- looking it up


def notice(key: ReceiptKey) -> str:
    """What says that a message's turn has come."""
    return json.dumps({"home": key.home, "at": rfc3339(key.at), "entry": key.entry_id})


def last(account: Account, kind: str, /, **having: Any) -> Any:
    """The newest item of a type."""
    images = [each["dynamodb"].get("NewImage") for each in reversed(account.records)]
    items = [from_wire(image) for image in images if image]
    return next(
        item
        for item in items
        if item["type"] == kind and all(item.get(name) == it for name, it in having.items())
    )


def event_of(account: Account, kind: str, /, **having: Any) -> dict[str, Any]:
    """The newest event of a kind, as the bus hands it over."""
    for record in reversed(account.records):
        for event in announced(record):
            if event.metadata.type == kind:
                told = detail(event)
                if all(told.get(name) == value for name, value in having.items()):
                    return {"detail-type": kind, "source": "throughline", "detail": told}
    raise LookupError(kind)

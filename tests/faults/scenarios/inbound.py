"""What customers bring: texts, WhatsApp messages, chats, mails, and a click to unsubscribe."""

from collections.abc import Callable
from datetime import timedelta

from shared.model.consent import Purpose
from shared.model.events import rfc3339
from shared.rules import unsubscribe
from shared.runtime import secrets
from tests.faults.account import Account
from tests.faults.scenarios.scenario import Attempt, Scenario, by_app, by_queue, by_webhook, call
from tests.faults.scenarios.story import (
    MAIL,
    PHONE,
    chat,
    delivered,
    last,
    long_words,
    mailed,
    merged,
    stored,
    text,
    two_contacts,
    whatsapp,
    wrote,
)
from tests.mails import captured
from tests.webhooks import BASE, chat_event
from tests.webhooks import http_event as webhook

_QUEUE = timedelta(minutes=6)


def _text(*before: str, **changes: str) -> Callable[[Account], Attempt]:
    """A text of somebody who has written by these channels before."""

    def prepare(account: Account) -> Attempt:
        for channel in before:
            wrote(account, channel)
        return by_webhook(account, "inbound_sms", lambda: text(2, **changes))

    return prepare


def _whatsapp(account: Account) -> Attempt:
    wrote(account, "sms")
    return by_webhook(account, "inbound_sms", lambda: whatsapp(2))


def _after_resolving(account: Account) -> Attempt:
    wrote(account, "sms")
    _resolve(account)
    return by_webhook(account, "inbound_sms", lambda: text(2))


def _after_a_week(account: Account) -> Attempt:
    wrote(account, "sms")
    _resolve(account)
    account.wait(days=8)
    return by_webhook(account, "inbound_sms", lambda: text(2))


def _resolve(account: Account) -> None:
    conversation = last(account, "conversation")["id"]
    answer = call(account, "PATCH", f"/v1/conversations/{conversation}", {"state": "resolved"})
    assert answer["statusCode"] == 200, answer


def _after_a_merge(account: Account) -> Attempt:
    merged(account)
    return by_webhook(account, "inbound_sms", lambda: text(2))


def _start_again(account: Account) -> Attempt:
    wrote(account, "sms")
    stop = text(2, Body="STOP", OptOutType="STOP")
    assert by_webhook(account, "inbound_sms", lambda: stop)(1)
    return by_webhook(account, "inbound_sms", lambda: text(3, Body="START", OptOutType="START"))


def _erased_before(account: Account) -> Attempt:
    home = wrote(account, "sms")
    assert by_app(account, "DELETE", f"/v1/contacts/{home}")(1)
    account.invoke("sweep", {})
    account.wait(days=1)
    return by_webhook(account, "inbound_sms", lambda: text(2))


# ---- chat


def _chat(*before: str, phone: str = PHONE, verified: bool = True) -> Callable[[Account], Attempt]:
    """A chat whose site knows, or is told, a number and a mailbox."""

    def prepare(account: Account) -> Attempt:
        for channel in before:
            wrote(account, channel)
        visitor = {"phone": phone, "verified": verified}
        return by_webhook(account, "inbound_chat", lambda: chat(2, visitor))

    return prepare


def _long_chat(account: Account) -> Attempt:
    return by_webhook(account, "inbound_chat", lambda: chat(2, text=long_words()))


def _chat_report(state: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = delivered(account, "chat")
        told = {"type": state, "timestamp": rfc3339(account.now), "data": {"entry": key.entry_id}}
        return by_webhook(account, "inbound_chat", lambda: chat_event(told, delivery="msg_r"))

    return prepare


# ---- mail


def _mail(*before: str, body: str = "Where is it?") -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        for channel in before:
            wrote(account, channel)
        return by_queue(
            account, "inbound_email", mailed(2, "References: <1@example.org>", body=body)
        )

    return prepare


def _mail_with_files(account: Account) -> Attempt:
    parts = "\r\n".join(
        f'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="{n}.csv"'
        f"\r\n\r\n{n},{n}\r\n"
        for n in (1, 2)
    )
    body = f"--b\r\nContent-Type: text/plain\r\n\r\nAs attached.\r\n{parts}--b--\r\n"
    kind = 'Content-Type: multipart/mixed; boundary="b"'
    return by_queue(account, "inbound_email", mailed(2, "MIME-Version: 1.0", kind, body=body))


def _two_mails(account: Account) -> Attempt:
    """A batch of which one may fail and the other not."""
    return by_queue(account, "inbound_email", mailed(2), mailed(3, sender="bob@example.org"))


def _to_two(account: Account) -> Attempt:
    """One long mail, delivered to two of our addresses."""
    words = long_words()
    assert by_queue(account, "inbound_email", mailed(1, body=words))(1)
    account.wait(minutes=1)
    return by_queue(account, "inbound_email", mailed(1, key=2, body=words))


def _forged(account: Account) -> Attempt:
    """A mail that does not prove who it is from."""
    wrote(account, "email")
    return by_queue(account, "inbound_email", stored("inbound/2", captured("spoofed")))


def _unsubscribing(account: Account) -> Attempt:
    home = wrote(account, "email")
    identity = last(account, "identity", home=home)
    keys = secrets.signing_keys("keys").keys
    url = unsubscribe.url(BASE, keys, identity["PK"].removeprefix("IDENTITY#"), Purpose.MARKETING)
    event = webhook("List-Unsubscribe=One-Click", path=url.removeprefix(BASE))
    event["pathParameters"] = {"token": url.rsplit("/", 1)[1]}
    return by_webhook(account, "unsubscribe", lambda: event)


def _both(account: Account) -> Attempt:
    """Two people turn out to be one: a number and a mailbox that a site vouches for."""
    two_contacts(account)
    return by_webhook(account, "inbound_chat", lambda: chat(2, {"phone": PHONE, "email": MAIL}))


SCENARIOS = (
    Scenario("inbound_sms", "first contact", _text(Body="Hello")),
    Scenario("inbound_sms", "known number", _text("sms", Body="Where is my order?")),
    Scenario("inbound_sms", "a photo", _text("sms", form="mms")),
    Scenario("inbound_sms", "stop", _text("sms", Body="STOP", OptOutType="STOP")),
    Scenario("inbound_sms", "start again", _start_again),
    Scenario("inbound_sms", "WhatsApp on a known number", _whatsapp),
    Scenario("inbound_sms", "after resolving", _after_resolving),
    Scenario("inbound_sms", "a week after resolving", _after_a_week),
    Scenario("inbound_sms", "after a merge", _after_a_merge),
    Scenario("inbound_sms", "after an erasure", _erased_before),
    Scenario("inbound_chat", "first contact", _chat(phone="")),
    Scenario("inbound_chat", "from text to chat", _chat("sms")),
    Scenario("inbound_chat", "two contacts are one", _both),
    Scenario("inbound_chat", "a claimed number", _chat("sms", verified=False)),
    Scenario("inbound_chat", "a long message", _long_chat),
    Scenario("inbound_chat", "delivered", _chat_report("message.delivered")),
    Scenario("inbound_chat", "read", _chat_report("message.read")),
    Scenario("inbound_email", "first contact", _mail(), _QUEUE),
    Scenario("inbound_email", "on a thread", _mail("email"), _QUEUE),
    Scenario("inbound_email", "a wish", _mail("email", body="Please stop texting me."), _QUEUE),
    Scenario("inbound_email", "two files", _mail_with_files, _QUEUE),
    Scenario("inbound_email", "a long mail", _mail(body=long_words()), _QUEUE),
    Scenario("inbound_email", "batch of two", _two_mails, _QUEUE),
    Scenario("inbound_email", "a long mail to two of us", _to_two, _QUEUE),
    Scenario("inbound_email", "unproven", _forged, _QUEUE),
    Scenario("unsubscribe", "one click", _unsubscribing),
)

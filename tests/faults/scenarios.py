"""What each function is brought, by whom, and how often they try when it goes wrong."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests

from shared.model.consent import Purpose
from shared.model.events import detail, rfc3339
from shared.model.receipt import ReceiptKey
from shared.providers.ses.tags import to_tags
from shared.providers.twilio import status_url
from shared.rules import unsubscribe
from shared.runtime import clients, secrets
from shared.store.attributes import from_wire
from shared.store.stream import announced
from tests.faults.account import Account
from tests.faults.injector import response
from tests.http_events import AGENT, http_event
from tests.mails import mail
from tests.webhooks import BASE, EVENTS, chat_event, chat_message, form_body, twilio_event
from tests.webhooks import http_event as webhook

PHONE, MAIL, NUMBER = "+14155550101", "ana@example.org", "+14155550000"
_CONTENT = (200, 201, 202, 204)

Attempt = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` sets the stage and gives one try, which says whether its maker is content.

    `between` is how long they wait before the next.
    """

    function: str
    name: str
    prepare: Callable[[Account], Attempt]
    between: timedelta = timedelta(minutes=1)


# ---- who brings something, and when they are content


def webhook_of(account: Account, function: str, make: Callable[[], Any]) -> Attempt:
    """A provider's request, which it repeats until it is answered well."""
    return lambda: account.invoke(function, make())["statusCode"] in _CONTENT


def from_queue(account: Account, function: str, *bodies: str) -> Attempt:
    """A queue's batch, whose failed messages come again."""
    left = list(enumerate(bodies))

    def attempt() -> bool:
        event = {"Records": [_message(number, body) for number, body in left]}
        failed = account.invoke(function, event)["batchItemFailures"]
        again = {each["itemIdentifier"] for each in failed}
        return not again

    return attempt


def _message(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "handle",
        "body": body,
        "eventSource": "aws:sqs",
    }


def from_stream(account: Account, function: str, records: Sequence[Any]) -> Attempt:
    """The stream's batch, which comes again from the record on that the answer names."""

    def attempt() -> bool:
        event = {"shardId": "shard-1", "Records": list(records)}
        return not account.invoke(function, event)["batchItemFailures"]

    return attempt


def by_schedule(account: Account, function: str, event: Any) -> Attempt:
    """A schedule, whose next turn comes anyhow."""

    def attempt() -> bool:
        account.invoke(function, event)
        return True

    return attempt


def call(account: Account, method: str, path: str, body: Any = None) -> Any:
    """One request of an agent's app, which repeats it under the same key."""
    scopes = (
        "timeline:read timeline:write messages:send contacts:write contacts:merge contacts:erase "
        "conversations:write consent:write costs:read messages:override"
    )
    event = http_event(
        method,
        path,
        body=body,
        headers={"idempotency-key": f"{method}-{path[-20:]}"},
        claims={**AGENT, "scope": scopes},
    )
    return account.invoke("timeline_api", event)


def _asked(account: Account, method: str, path: str, body: Any = None, done: int = 0) -> Attempt:
    """`done` is how a request is refused once it has been done, where it takes no key."""
    return lambda: call(account, method, path, body)["statusCode"] in {*_CONTENT, done}


# ---- what they bring


def text(number: int = 1, **changes: str) -> Any:
    form = form_body("sms", MessageSid=f"SM9{number:031d}", From=PHONE, To=NUMBER, **changes)
    return twilio_event(form)


def chat(number: int = 1, visitor: Mapping[str, Any] | None = None, **data: Any) -> Any:
    known = {"verified": True, "email": MAIL, "phone": "", "id": "v-12"}
    return chat_event(chat_message({**known, **(visitor or {})}, **data), delivery=f"msg_{number}")


def mailed(number: int = 1, *headers: str, body: str = "Where is it?", sender: str = MAIL) -> str:
    """Put a mail where SES would; the word of it in the queue."""
    key = f"inbound/{number}"
    told = (f"Message-ID: <{number}@example.org>", "Subject: My order", *headers)
    raw = mail(*told, body=body, sender=f"From: {sender}")
    clients.s3().put_object(Bucket="mail", Key=key, Body=raw)
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "mail"}, "object": {"key": key}}}]})


def _wrote(account: Account, channel: str) -> str:
    """A customer has written; the contact."""
    match channel:
        case "sms":
            assert webhook_of(account, "inbound_sms", text)()
        case "chat":
            assert webhook_of(account, "inbound_chat", chat)()
        case _:
            assert from_queue(account, "inbound_email", mailed())()
    account.wait(minutes=5)
    home: str = _last(account, "entry")["home"]
    return home


def _last(account: Account, kind: str, /, **having: Any) -> Any:
    """The newest item of a type."""
    images = [each["dynamodb"].get("NewImage") for each in reversed(account.records)]
    items = [from_wire(image) for image in images if image]
    return next(
        item
        for item in items
        if item["type"] == kind and all(item.get(name) == it for name, it in having.items())
    )


def _answered(account: Account, channel: str) -> ReceiptKey:
    """An agent has answered; where the receipt lies."""
    home = _wrote(account, channel)
    body = {"channel": channel, "text": "It left today."}
    answer = call(account, "POST", f"/v1/contacts/{home}/messages", body)
    assert answer["statusCode"] == 202, answer
    told = json.loads(answer["body"])
    account.wait(seconds=1)
    at = datetime.fromisoformat(told["occurred_at"])
    return ReceiptKey(home=told["home_contact_id"], at=at, entry_id=told["id"])


def notice(key: ReceiptKey) -> str:
    return json.dumps({"home": key.home, "at": rfc3339(key.at), "entry": key.entry_id})


def event_of(account: Account, kind: str, /, **having: Any) -> dict[str, Any]:
    """The newest event of a kind, as the bus hands it over."""
    for record in reversed(account.records):
        for event in announced(record):
            if event.metadata.type == kind:
                told = detail(event)
                if all(told.get(name) == value for name, value in having.items()):
                    return {"detail-type": kind, "source": "throughline", "detail": told}
    raise LookupError(kind)


# ---- the functions' turns


def _text(known: bool) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        if known:
            _wrote(account, "sms")
        body = "Where is my order?" if known else "Hello"
        return webhook_of(account, "inbound_sms", lambda: text(2, Body=body))

    return prepare


def _stop(account: Account) -> Attempt:
    _wrote(account, "sms")
    return webhook_of(account, "inbound_sms", lambda: text(2, Body="STOP", OptOutType="STOP"))


def _after_resolving(account: Account) -> Attempt:
    _wrote(account, "sms")
    _resolve(account)()
    return webhook_of(account, "inbound_sms", lambda: text(2))


def _channel_switch(account: Account) -> Attempt:
    """A text, then a chat whose site vouches for that number and a new mailbox."""
    _wrote(account, "sms")
    visitor = {"phone": PHONE}
    return webhook_of(account, "inbound_chat", lambda: chat(2, visitor))


def _joining_chat(account: Account) -> Attempt:
    """Two people turn out to be one: a number and a mailbox that a site vouches for."""
    _wrote(account, "sms")
    _wrote(account, "email")
    return webhook_of(account, "inbound_chat", lambda: chat(2, {"phone": PHONE}))


def _claiming_chat(account: Account) -> Attempt:
    _wrote(account, "sms")
    visitor = {"phone": PHONE, "verified": False}
    return webhook_of(account, "inbound_chat", lambda: chat(2, visitor))


def _long_chat(account: Account) -> Attempt:
    words = "".join(f"{number:x} " for number in range(40_000))
    return webhook_of(account, "inbound_chat", lambda: chat(2, text=words))


def _chat_receipt(state: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = _answered(account, "chat")
        assert from_queue(account, "deliver_message", notice(key))()
        event = {"type": state, "timestamp": rfc3339(account.now), "data": {"entry": key.entry_id}}
        return webhook_of(account, "inbound_chat", lambda: chat_event(event, delivery="msg_r"))

    return prepare


def _mail(known: bool) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        if known:
            _wrote(account, "email")
        return from_queue(account, "inbound_email", mailed(2, "References: <1@example.org>"))

    return prepare


def _mail_with_files(account: Account) -> Attempt:
    parts = "\r\n".join(
        f'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="{n}.csv"'
        f"\r\n\r\n{n},{n}\r\n"
        for n in (1, 2)
    )
    body = f"--b\r\nContent-Type: text/plain\r\n\r\nAs attached.\r\n{parts}--b--\r\n"
    kind = 'Content-Type: multipart/mixed; boundary="b"'
    return from_queue(account, "inbound_email", mailed(2, "MIME-Version: 1.0", kind, body=body))


def _two_mails(account: Account) -> Attempt:
    """A batch of which one may fail and the other not."""
    return from_queue(account, "inbound_email", mailed(2), mailed(3, sender="bob@example.org"))


def _post(path: str, **body: Any) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        home = _wrote(account, body.pop("after", "sms"))
        given = {
            name: rfc3339(account.now) if value == "now" else value for name, value in body.items()
        }
        return _asked(account, "POST", f"/v1/contacts/{home}/{path}", given)

    return prepare


def _put_consent(account: Account) -> Attempt:
    home = _wrote(account, "sms")
    body = {
        "identity": {"kind": "phone", "value": PHONE},
        "medium": "text",
        "purpose": "marketing",
        "state": "granted",
        "source": "asked on the phone",
    }
    return _asked(account, "PUT", f"/v1/contacts/{home}/consent", body)


def _rename(account: Account) -> Attempt:
    home = _wrote(account, "sms")
    return _asked(account, "PATCH", f"/v1/contacts/{home}", {"name": "Ana Example"})


def _assert_identity(account: Account) -> Attempt:
    home = _wrote(account, "sms")
    body = {"kind": "email", "value": "ana@example.net"}
    return _asked(account, "POST", f"/v1/contacts/{home}/identities", body)


def _resolve(account: Account) -> Attempt:
    conversation = _last(account, "conversation")["id"]
    path = f"/v1/conversations/{conversation}"
    return _asked(account, "PATCH", path, {"state": "resolved"})


def _resolving(account: Account) -> Attempt:
    _wrote(account, "sms")
    return _resolve(account)


def _assigning(account: Account) -> Attempt:
    _wrote(account, "sms")
    conversation = _last(account, "conversation")["id"]
    return _asked(account, "PATCH", f"/v1/conversations/{conversation}", {"assignee": "agent-1"})


def _two_contacts(account: Account) -> tuple[str, str]:
    one = _wrote(account, "sms")
    return one, _wrote(account, "email")


def _merging(account: Account) -> Attempt:
    one, other = _two_contacts(account)
    body = {"other": other, "reason": "the same person"}
    return _asked(account, "POST", f"/v1/contacts/{one}/merge", body, done=409)


def _undoing(account: Account) -> Attempt:
    one, other = _two_contacts(account)
    body = {"other": other, "reason": "the same person"}
    answer = call(account, "POST", f"/v1/contacts/{one}/merge", body)
    merge = json.loads(answer["body"])["merge"]["id"]
    return _asked(account, "POST", f"/v1/merges/{merge}/undo", {"reason": "no"}, done=409)


def _splitting(account: Account) -> Attempt:
    home = _wrote(account, "chat")
    body = {"identity": {"kind": "email", "value": MAIL}, "reason": "her son's"}
    return _asked(account, "POST", f"/v1/contacts/{home}/split", body, done=409)


def _erasing(account: Account) -> Attempt:
    home = _wrote(account, "sms")
    return _asked(account, "DELETE", f"/v1/contacts/{home}", done=409)


def _is_available(account: Account) -> Attempt:
    until = {"available": True, "until": rfc3339(account.now + timedelta(hours=8))}
    return _asked(account, "PUT", "/v1/agents/agent-1/availability", until)


def _reading(path: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        home = _wrote(account, "sms")
        return _asked(account, "GET", f"/v1/contacts/{home}{path}")

    return prepare


def _delivering(channel: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        return from_queue(account, "deliver_message", notice(_answered(account, channel)))

    return prepare


def _looking(account: Account) -> Attempt:
    """A text whose answer got lost: half a minute later Twilio's list is asked."""
    key = _answered(account, "sms")
    taking = account.providers.answer
    account.providers.answer = lambda *asked: _lose(taking(*asked))  # type: ignore[method-assign]
    try:
        assert from_queue(account, "deliver_message", notice(key))()
    finally:
        del account.providers.answer
    account.wait(seconds=31)
    return from_queue(account, "deliver_message", notice(key))


def _lose(_: object) -> Any:
    raise requests.exceptions.ReadTimeout


def _text_report(state: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = _answered(account, "sms")
        assert from_queue(account, "deliver_message", notice(key))()
        url = status_url(BASE, key)
        home, at, entry = url.rsplit("/", 3)[1:]
        sid = account.providers.listed[-1]["sid"]
        form = form_body(f"status_{state}", MessageSid=sid, SmsSid=sid)
        event = twilio_event(form, url=url, path=url.removeprefix(BASE))
        event["pathParameters"] = {"home": home, "at": at, "entry": entry}
        return webhook_of(account, "receipts_twilio", lambda: event)

    return prepare


def _mail_report(name: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        key = _answered(account, "email")
        assert from_queue(account, "deliver_message", notice(key))()
        told = json.loads((EVENTS / "ses" / f"{name}.json").read_text())
        told["mail"]["tags"] |= {tag: [value] for tag, value in to_tags(key).items()}
        told["mail"]["messageId"] = _last(account, "receipt")["provider_id"]
        return from_queue(account, "receipts_email", json.dumps(told))

    return prepare


def _publishing(account: Account) -> Attempt:
    """More events than one request takes."""
    _two_contacts(account)
    home = _last(account, "entry")["home"]
    for number in range(8):
        note = {"text": f"note {number}", "promise": {"text": f"{number}"}}
        path = f"/v1/contacts/{home}/notes"
        event = http_event("POST", path, body=note, claims={**AGENT, "scope": "timeline:write"})
        assert account.invoke("timeline_api", event)["statusCode"] == 201
    return from_stream(account, "publish_events", tuple(account.records))


def _with_poison(account: Account) -> Attempt:
    """In the midst of good records one that nobody can read."""
    _two_contacts(account)
    records = [dict(record) for record in account.records]
    poison = next(r for r in records if r["dynamodb"]["NewImage"]["type"] == {"S": "entry"})
    image = {**poison["dynamodb"]["NewImage"], "channel": {"S": "smoke signals"}}
    poison["dynamodb"] = {**poison["dynamodb"], "NewImage": image}
    return from_stream(account, "publish_events", records)


def _metering(account: Account) -> Attempt:
    _answered(account, "sms")
    new = [it for it in account.records if it["eventName"] != "REMOVE"]
    return from_stream(account, "meter_costs", tuple(new))


def _telling(**constants: Any) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        _wrote(account, "chat")
        call_path = f"/v1/contacts/{_last(account, 'entry')['home']}/messages"
        answer = call(account, "POST", call_path, {"channel": "chat", "text": "It left today."})
        assert answer["statusCode"] == 202, answer
        asked = {
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
        return from_queue(account, "notify_customer", json.dumps(asked))

    return prepare


def _releasing(account: Account) -> Attempt:
    assert _telling(debounce_seconds=60)(account)()
    due = _last(account, "due", kind="debounce")
    account.wait(minutes=2)
    body = {"due": "debounce", "home": due["home"], "id": due["SK"].split("#", 2)[2]}
    return from_queue(account, "notify_customer", json.dumps(body))


def _assigned(account: Account) -> Attempt:
    """A conversation is opened by one whose last was an agent's who is there."""
    _is_available(account)()
    _wrote(account, "sms")
    conversation = _last(account, "conversation")["id"]
    call(account, "PATCH", f"/v1/conversations/{conversation}", {"assignee": "agent-1"})
    _resolve(account)()
    account.wait(days=8)
    _is_available(account)()
    assert webhook_of(account, "inbound_sms", lambda: text(5))()
    return from_queue(account, "assign_agent", json.dumps(event_of(account, "ConversationOpened")))


def _sweeping(account: Account) -> Attempt:
    """A message to be tried again."""
    key = _answered(account, "sms")
    account.injector.arm()
    answer = account.providers.answer
    busy = response(429, {"code": 20429})
    account.providers.answer = lambda *asked: busy  # type: ignore[method-assign]
    try:
        assert from_queue(account, "deliver_message", notice(key))()
    finally:
        account.providers.answer = answer  # type: ignore[method-assign]
    account.wait(minutes=12)
    return by_schedule(account, "sweep", {})


def _missed_text(account: Account) -> Attempt:
    _wrote(account, "sms")
    account.providers.enlist("SM" + "7" * 32, "inbound", NUMBER, PHONE, "Did you get this?")
    account.wait(minutes=20)
    return by_schedule(account, "reconcile", {"run": "inbound"})


def _real_prices(account: Account) -> Attempt:
    key = _answered(account, "sms")
    assert from_queue(account, "deliver_message", notice(key))()
    row = account.providers.listed[-1]
    row |= {"status": "delivered", "price": "-0.00900", "price_unit": "USD"}
    account.wait(hours=25)
    return by_schedule(account, "reconcile", {"run": "day"})


def _fees(account: Account) -> Attempt:
    _wrote(account, "sms")
    return by_schedule(account, "reconcile", {"run": "fees"})


def _unsubscribing(account: Account) -> Attempt:
    home = _wrote(account, "email")
    identity = _last(account, "identity", home=home)
    keys = secrets.signing_keys("keys").keys
    url = unsubscribe.url(BASE, keys, identity["PK"].removeprefix("IDENTITY#"), Purpose.MARKETING)
    event = webhook("List-Unsubscribe=One-Click", path=url.removeprefix(BASE))
    event["pathParameters"] = {"token": url.rsplit("/", 1)[1]}
    return webhook_of(account, "unsubscribe", lambda: event)


_QUEUE = timedelta(minutes=6)

SCENARIOS = (
    Scenario("inbound_sms", "first contact", _text(False)),
    Scenario("inbound_sms", "known number", _text(True)),
    Scenario("inbound_sms", "stop", _stop),
    Scenario("inbound_sms", "after resolving", _after_resolving),
    Scenario("inbound_chat", "first contact", lambda a: webhook_of(a, "inbound_chat", chat)),
    Scenario("inbound_chat", "from text to chat", _channel_switch),
    Scenario("inbound_chat", "two contacts are one", _joining_chat),
    Scenario("inbound_chat", "a claimed number", _claiming_chat),
    Scenario("inbound_chat", "a long message", _long_chat),
    Scenario("inbound_chat", "read", _chat_receipt("message.read")),
    Scenario("inbound_email", "first contact", _mail(False), _QUEUE),
    Scenario("inbound_email", "on a thread", _mail(True), _QUEUE),
    Scenario("inbound_email", "two files", _mail_with_files, _QUEUE),
    Scenario("inbound_email", "batch of two", _two_mails, _QUEUE),
    Scenario("timeline_api", "answer", _post("messages", channel="auto", text="It left.")),
    Scenario(
        "timeline_api",
        "answer by mail",
        _post("messages", after="email", text="Hi", channel="auto"),
    ),
    Scenario(
        "timeline_api", "note", _post("notes", text="Called back", promise={"text": "a call"})
    ),
    Scenario(
        "timeline_api",
        "event",
        _post("events", kind="order", source="shop", id="o-1", occurred_at="now"),
    ),
    Scenario("timeline_api", "consent", _put_consent),
    Scenario("timeline_api", "rename", _rename),
    Scenario("timeline_api", "another address", _assert_identity),
    Scenario("timeline_api", "resolve", _resolving),
    Scenario("timeline_api", "assign", _assigning),
    Scenario("timeline_api", "merge", _merging),
    Scenario("timeline_api", "undo", _undoing),
    Scenario("timeline_api", "split", _splitting),
    Scenario("timeline_api", "erase", _erasing),
    Scenario("timeline_api", "availability", _is_available),
    Scenario("timeline_api", "page", _reading("/timeline")),
    Scenario("timeline_api", "hand-over", _reading("/handover")),
    Scenario("timeline_api", "export", _reading("/export")),
    Scenario("deliver_message", "text", _delivering("sms"), _QUEUE),
    Scenario("deliver_message", "mail", _delivering("email"), _QUEUE),
    Scenario("deliver_message", "chat", _delivering("chat"), _QUEUE),
    Scenario("deliver_message", "look at the list", _looking, _QUEUE),
    Scenario("receipts_twilio", "delivered", _text_report("delivered")),
    Scenario("receipts_twilio", "failed", _text_report("failed")),
    Scenario("receipts_email", "delivered", _mail_report("delivery"), _QUEUE),
    Scenario("receipts_email", "bounced", _mail_report("bounce_permanent"), _QUEUE),
    Scenario("receipts_email", "complaint", _mail_report("complaint"), _QUEUE),
    Scenario("publish_events", "two requests", _publishing),
    Scenario("publish_events", "poison record", _with_poison),
    Scenario("meter_costs", "estimates", _metering),
    Scenario("notify_customer", "at once", _telling(), _QUEUE),
    Scenario("notify_customer", "wait for more", _telling(debounce_seconds=60), _QUEUE),
    Scenario("notify_customer", "release", _releasing, _QUEUE),
    Scenario("assign_agent", "sticky agent", _assigned, _QUEUE),
    Scenario("sweep", "a message to be tried again", _sweeping),
    Scenario("reconcile", "a missed text", _missed_text, timedelta(minutes=15)),
    Scenario("reconcile", "real prices", _real_prices, timedelta(minutes=15)),
    Scenario("reconcile", "carrier fees", _fees, timedelta(minutes=15)),
    Scenario("unsubscribe", "one click", _unsubscribing),
)

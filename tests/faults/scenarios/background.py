"""What goes on behind: the stream's readers, the queues of the bus, and the schedules."""

import json
from datetime import timedelta

from shared.model.events import rfc3339
from tests.faults.account import Account
from tests.faults.injector import response
from tests.faults.scenarios.scenario import (
    Attempt,
    Scenario,
    by_app,
    by_queue,
    by_schedule,
    by_stream,
    by_webhook,
    call,
)
from tests.faults.scenarios.story import (
    MAIL,
    NUMBER,
    PHONE,
    answered,
    chat,
    delivered,
    event_of,
    last,
    long_words,
    metered,
    notice,
    text,
    two_contacts,
    wrote,
)

_QUEUE = timedelta(minutes=6)
_QUARTER = timedelta(minutes=15)


# ---- the stream


def _publishing(account: Account) -> Attempt:
    """More events than one request takes."""
    _, home = two_contacts(account)
    for number in range(8):
        note = {"text": f"note {number}", "promise": {"text": f"{number}"}}
        assert call(account, "POST", f"/v1/contacts/{home}/notes", note)["statusCode"] == 201
    return by_stream(account, "publish_events", tuple(account.records))


def _with_poison(account: Account) -> Attempt:
    """In the midst of good records one that nobody can read."""
    two_contacts(account)
    records = [dict(record) for record in account.records]
    poison = next(r for r in records if r["dynamodb"]["NewImage"]["type"] == {"S": "entry"})
    image = {**poison["dynamodb"]["NewImage"], "channel": {"S": "smoke signals"}}
    poison["dynamodb"] = {**poison["dynamodb"], "NewImage": image}
    return by_stream(account, "publish_events", records)


def _metering(account: Account) -> Attempt:
    answered(account, "sms")
    new = [it for it in account.records if it["eventName"] != "REMOVE"]
    return by_stream(account, "meter_costs", tuple(new))


def _waiting(account: Account) -> Attempt:
    """An answer is promised, and does not come."""
    wrote(account, "sms")
    return by_stream(account, "meter_costs", tuple(account.records))


# ---- the bus


def _fetching(account: Account) -> Attempt:
    assert by_webhook(account, "inbound_sms", lambda: text(1, "mms"))(1)
    return by_queue(account, "fetch_media", json.dumps(event_of(account, "EntryRecorded")))


def _giving_up(account: Account) -> Attempt:
    """One of two files is not at Twilio any more, and this is the queue's last try."""
    account.providers.missing.add("ME33333333333333333333333333333333")
    assert by_webhook(account, "inbound_sms", lambda: text(1, "mms"))(1)
    body = json.dumps(event_of(account, "EntryRecorded"))
    assert not by_queue(account, "fetch_media", body)(1)
    return by_queue(account, "fetch_media", body, tried=4)


def _available(account: Account) -> None:
    until = {"available": True, "until": rfc3339(account.now + timedelta(hours=8))}
    assert by_app(account, "PUT", "/v1/agents/agent-1/availability", until)(1)


def _opened_again(account: Account) -> str:
    """A conversation is opened by one whose last was an agent's who is there; the event."""
    _available(account)
    wrote(account, "sms")
    conversation = last(account, "conversation")["id"]
    for body in ({"assignee": "agent-1"}, {"state": "resolved"}):
        assert by_app(account, "PATCH", f"/v1/conversations/{conversation}", body)(1)
    account.wait(days=8)
    _available(account)
    assert by_webhook(account, "inbound_sms", lambda: text(5))(1)
    return json.dumps(event_of(account, "ConversationOpened"))


def _assigning(account: Account) -> Attempt:
    return by_queue(account, "assign_agent", _opened_again(account))


# ---- each minute


def _retrying(account: Account) -> Attempt:
    """A message to be tried again."""
    key = answered(account, "sms")
    with account.providers.answering(lambda take: response(429, {"code": 20429})):
        assert by_queue(account, "deliver_message", notice(key))(1)
    account.wait(minutes=12)
    return by_schedule(account, "sweep", {})


def _releasing(account: Account) -> Attempt:
    """An agent who was given a conversation has not answered."""
    assert by_queue(account, "assign_agent", _opened_again(account))(1)
    account.wait(minutes=61)
    return by_schedule(account, "sweep", {})


def _breaching(account: Account) -> Attempt:
    """An answer has not come in time."""
    wrote(account, "sms")
    metered(account)
    account.wait(minutes=61)
    return by_schedule(account, "sweep", {})


def _moving(account: Account) -> Attempt:
    """A number's history follows it to its own contact."""
    home = wrote(account, "sms")
    assert by_webhook(account, "inbound_chat", lambda: chat(2, {"phone": PHONE}))(1)
    assert by_webhook(account, "inbound_sms", lambda: text(3))(1)
    account.wait(minutes=1)
    body = {"identity": {"kind": "phone", "value": PHONE}, "reason": "her son's"}
    assert by_app(account, "POST", f"/v1/contacts/{home}/split", body)(1)
    account.wait(minutes=1)
    return by_schedule(account, "sweep", {})


def _erasing(account: Account) -> Attempt:
    """Somebody with a mail, a long message, a photo and an answer is erased."""
    delivered(account, "email")
    visitor = {"phone": PHONE, "email": MAIL}
    assert by_webhook(account, "inbound_chat", lambda: chat(2, visitor, text=long_words()))(1)
    assert by_webhook(account, "inbound_sms", lambda: text(3, "mms"))(1)
    assert by_queue(account, "fetch_media", json.dumps(event_of(account, "EntryRecorded")))(1)
    home = last(account, "entry")["home"]
    account.wait(minutes=1)
    assert by_app(account, "DELETE", f"/v1/contacts/{home}")(1)
    account.wait(minutes=1)
    return by_schedule(account, "sweep", {})


# ---- Twilio's own list


def _missed_text(account: Account) -> Attempt:
    wrote(account, "sms")
    account.providers.enlist("SM" + "7" * 32, "inbound", NUMBER, PHONE, "Did you get this?")
    account.wait(minutes=20)
    return by_schedule(account, "reconcile", {"run": "inbound"})


def _real_prices(account: Account) -> Attempt:
    delivered(account, "sms")
    row = account.providers.listed[-1]
    row |= {"status": "delivered", "price": "-0.00900", "price_unit": "USD"}
    account.wait(hours=25)
    return by_schedule(account, "reconcile", {"run": "day"})


def _fees(account: Account) -> Attempt:
    wrote(account, "sms")
    return by_schedule(account, "reconcile", {"run": "fees"})


SCENARIOS = (
    Scenario("publish_events", "two requests", _publishing),
    Scenario("publish_events", "poison record", _with_poison),
    Scenario("meter_costs", "estimates", _metering),
    Scenario("meter_costs", "a wait begins", _waiting),
    Scenario("fetch_media", "two files", _fetching, _QUEUE),
    Scenario("fetch_media", "one file is gone", _giving_up, _QUEUE),
    Scenario("assign_agent", "sticky agent", _assigning, _QUEUE),
    Scenario("sweep", "a message to be tried again", _retrying),
    Scenario("sweep", "an assignment to be taken back", _releasing),
    Scenario("sweep", "an answer that is late", _breaching),
    Scenario("sweep", "a split's history", _moving),
    Scenario("sweep", "an erasure", _erasing),
    Scenario("reconcile", "a missed text", _missed_text, _QUARTER),
    Scenario("reconcile", "real prices", _real_prices, _QUARTER),
    Scenario("reconcile", "carrier fees", _fees, _QUARTER),
)

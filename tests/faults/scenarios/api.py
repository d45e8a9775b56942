"""What agents' apps ask for; each scenario's name begins with its route."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.model.events import rfc3339
from tests.faults.account import Account
from tests.faults.scenarios.scenario import Attempt, Scenario, by_app, by_queue, by_webhook, call
from tests.faults.scenarios.story import (
    MAIL,
    PHONE,
    chat,
    last,
    long_words,
    mailed,
    merged,
    two_contacts,
    wrote,
)

_CONTACT = "/v1/contacts/{id}"
_CONVERSATION = "/v1/conversations/{id}"
_OTHER = "ana@example.net"
_FILE = {
    "name": "receipt.pdf",
    "media_type": "application/pdf",
    "content": b64encode(b"%PDF").decode(),
}


def _of_contact(
    method: str, path: str, body: Any = None, *, after: str = "sms", done: int = 0
) -> Callable[[Account], Attempt]:
    """One request about somebody who has written by the channel `after`."""

    def prepare(account: Account) -> Attempt:
        home = wrote(account, after)
        given = body(account) if callable(body) else body
        return by_app(account, method, f"/v1/contacts/{home}{path}", given, done=done)

    return prepare


def _of_conversation(**body: Any) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        wrote(account, "sms")
        return by_app(account, "PATCH", _conversation(account), body)

    return prepare


def _conversation(account: Account) -> str:
    return f"/v1/conversations/{last(account, 'conversation')['id']}"


def _reopening(account: Account) -> Attempt:
    wrote(account, "sms")
    path = _conversation(account)
    assert by_app(account, "PATCH", path, {"state": "resolved"})(1)
    account.wait(minutes=1)
    return by_app(account, "PATCH", path, {"state": "open"})


def _keeping(account: Account) -> Attempt:
    """A note that tells of a promise that was kept."""
    home = wrote(account, "sms")
    path = f"/v1/contacts/{home}/notes"
    made = {"text": "Promised", "promise": {"text": "a call"}}
    assert call(account, "POST", path, made)["statusCode"] == 201
    kept = {"text": "Called", "keeps": [last(account, "promise")["id"]]}
    return by_app(account, "POST", path, kept)


def _order(account: Account) -> Any:
    return {"kind": "order", "source": "shop", "id": "o-1", "occurred_at": rfc3339(account.now)}


def _long(account: Account) -> Any:
    return {"channel": "auto", "text": "See below", "html": f"<p>{long_words()[:190_000]}</p>"}


_CONSENT = {
    "identity": {"kind": "phone", "value": PHONE},
    "medium": "text",
    "purpose": "marketing",
    "state": "granted",
    "source": "asked on the phone",
}


def _wished(account: Account) -> tuple[str, Any]:
    """A contact, and what they asked for in a mail."""
    home = wrote(account, "chat")
    wish = mailed(2, body="Please stop sending me e-mail.", sender=MAIL)
    assert by_queue(account, "inbound_email", wish)(1)
    account.wait(minutes=1)
    found = call(account, "GET", f"/v1/contacts/{home}/consent")
    (asked,) = json.loads(found["body"])["requests"]
    return home, asked


def _granting(account: Account) -> Attempt:
    home, asked = _wished(account)
    return by_app(account, "PUT", f"/v1/contacts/{home}/consent", asked["proposals"][0])


def _dismissing(account: Account) -> Attempt:
    _, asked = _wished(account)
    path = f"/v1/consent-requests/{asked['id']}/dismiss"
    return by_app(account, "POST", path, {"reason": "means the newsletter"})


def _sharing(account: Account) -> Attempt:
    home = wrote(account, "sms")
    path = f"/v1/contacts/{home}/identities/phone/{PHONE}"
    return by_app(account, "PATCH", path, {"shared": True})


def _withdrawing(account: Account) -> Attempt:
    home = wrote(account, "sms")
    path = f"/v1/contacts/{home}/identities"
    assert by_app(account, "POST", path, {"kind": "email", "value": _OTHER})(1)
    account.wait(minutes=1)
    return by_app(account, "DELETE", f"{path}/email/{_OTHER}", done=404)


def _merging(account: Account) -> Attempt:
    one, other = two_contacts(account)
    body = {"other": other, "reason": "the same person"}
    return by_app(account, "POST", f"/v1/contacts/{one}/merge", body, done=409)


def _undoing(account: Account) -> Attempt:
    *_, merge = merged(account)
    return by_app(account, "POST", f"/v1/merges/{merge}/undo", {"reason": "no"}, done=409)


def _splitting(account: Account) -> Attempt:
    home = wrote(account, "chat")
    body = {"identity": {"kind": "email", "value": MAIL}, "reason": "her son's"}
    return by_app(account, "POST", f"/v1/contacts/{home}/split", body, done=404)


def _splitting_texts(account: Account) -> Attempt:
    """The number that was joined in a chat has a history of its own."""
    home = wrote(account, "sms")
    assert by_webhook(account, "inbound_chat", lambda: chat(2, {"phone": PHONE}))(1)
    account.wait(minutes=1)
    body = {"identity": {"kind": "phone", "value": PHONE}, "reason": "her son's"}
    return by_app(account, "POST", f"/v1/contacts/{home}/split", body, done=404)


def _joining(account: Account) -> Attempt:
    """Two mails on two matters were one matter."""
    wrote(account, "email")
    one = last(account, "conversation")["id"]
    assert by_queue(account, "inbound_email", mailed(2, subject="An invoice"))(1)
    account.wait(minutes=1)
    body = {"other": one, "reason": "the same order"}
    return by_app(account, "POST", f"{_conversation(account)}/join", body)


def _suggested(account: Account) -> str:
    wrote(account, "sms")
    visitor = {"phone": PHONE, "verified": False, "email": ""}
    assert by_webhook(account, "inbound_chat", lambda: chat(2, visitor))(1)
    account.wait(minutes=1)
    (asked,) = json.loads(call(account, "GET", "/v1/suggestions")["body"])["items"]
    return f"/v1/suggestions/{asked['id']}"


def _deciding(how: str) -> Callable[[Account], Attempt]:
    def prepare(account: Account) -> Attempt:
        path = f"{_suggested(account)}/{how}"
        return by_app(account, "POST", path, {"reason": "asked them"}, done=409)

    return prepare


def _is_available(account: Account) -> Attempt:
    until = {"available": True, "until": rfc3339(account.now + timedelta(hours=8))}
    return by_app(account, "PUT", "/v1/agents/agent-1/availability", until)


def _erasing(account: Account) -> Attempt:
    home = wrote(account, "sms")
    return by_app(account, "DELETE", f"/v1/contacts/{home}", done=410)


def _erasing_merged(account: Account) -> Attempt:
    one, other, _ = merged(account)
    return by_app(account, "DELETE", f"/v1/contacts/{one}?members={one},{other}", done=410)


def _api(name: str, prepare: Callable[[Account], Attempt]) -> Scenario:
    return Scenario("timeline_api", name, prepare)


_SHORT = {"channel": "auto", "text": "It left today."}
_BY_MAIL = {"channel": "email", "text": "Here.", "attachments": [_FILE]}
_NOTE = {"text": "Called back", "promise": {"text": "a call"}}
_ADDRESS = {"kind": "email", "value": _OTHER}

SCENARIOS = (
    _api(f"POST {_CONTACT}/messages: text", _of_contact("POST", "/messages", _SHORT)),
    _api(
        f"POST {_CONTACT}/messages: mail with a file",
        _of_contact("POST", "/messages", _BY_MAIL, after="email"),
    ),
    _api(
        f"POST {_CONTACT}/messages: long mail",
        _of_contact("POST", "/messages", _long, after="email"),
    ),
    _api(
        f"POST {_CONTACT}/messages: WhatsApp",
        _of_contact("POST", "/messages", _SHORT, after="whatsapp"),
    ),
    _api(
        f"POST {_CONTACT}/messages: chat",
        _of_contact("POST", "/messages", _SHORT, after="chat"),
    ),
    _api(f"POST {_CONTACT}/notes: promise", _of_contact("POST", "/notes", _NOTE)),
    _api(f"POST {_CONTACT}/notes: kept", _keeping),
    _api(f"POST {_CONTACT}/events: order", _of_contact("POST", "/events", _order)),
    _api(f"PUT {_CONTACT}/consent: granted", _of_contact("PUT", "/consent", _CONSENT)),
    _api(f"PUT {_CONTACT}/consent: as asked", _granting),
    _api("POST /v1/consent-requests/{id}/dismiss: a wish", _dismissing),
    _api(f"PATCH {_CONTACT}: name", _of_contact("PATCH", "", {"name": "Ana Example"})),
    _api(f"POST {_CONTACT}/identities: attach", _of_contact("POST", "/identities", _ADDRESS)),
    _api(f"PATCH {_CONTACT}/identities/{{kind}}/{{value}}: share", _sharing),
    _api(f"DELETE {_CONTACT}/identities/{{kind}}/{{value}}: withdraw", _withdrawing),
    _api(f"PATCH {_CONVERSATION}: resolve", _of_conversation(state="resolved")),
    _api(f"PATCH {_CONVERSATION}: assign", _of_conversation(assignee="agent-1")),
    _api(f"PATCH {_CONVERSATION}: reopen", _reopening),
    _api(f"POST {_CONVERSATION}/join: two mails", _joining),
    _api(f"POST {_CONTACT}/merge: two", _merging),
    _api("POST /v1/merges/{id}/undo: one", _undoing),
    _api(f"POST {_CONTACT}/split: a mailbox", _splitting),
    _api(f"POST {_CONTACT}/split: a number with texts", _splitting_texts),
    _api("POST /v1/suggestions/{id}/accept: a claim", _deciding("accept")),
    _api("POST /v1/suggestions/{id}/reject: a claim", _deciding("reject")),
    _api(f"DELETE {_CONTACT}: erase", _erasing),
    _api(f"DELETE {_CONTACT}: erase two", _erasing_merged),
    _api("PUT /v1/agents/{id}/availability: there", _is_available),
    _api(f"GET {_CONTACT}/timeline", _of_contact("GET", "/timeline")),
    _api(f"GET {_CONTACT}/handover", _of_contact("GET", "/handover")),
    _api(f"GET {_CONTACT}/export", _of_contact("GET", "/export")),
)

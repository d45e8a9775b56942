"""What agents see of somebody's consent, and put down; and that their own messages obey it."""

from typing import Any

import pytest

from tests.api import Answer, Api
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, mail, sms
from tests.http_events import AGENT
from tests.hub import Hub

PHONE = {"kind": "phone", "value": ANA_PHONE.value}
LAWYER = {**AGENT, "scope": "messages:send messages:override"}


def word(**fields: Any) -> dict[str, Any]:
    """An agent's word that Ana wants no texts, unless told otherwise."""
    return {
        "identity": PHONE,
        "medium": "text",
        "state": "denied",
        "source": "asked on the phone",
        **fields,
    }


def send(api: Api, contact_id: str, **fields: Any) -> Answer:
    claims = fields.pop("claims", None)
    body = {"text": "It left today.", **fields}
    return api.call("POST", f"/v1/contacts/{contact_id}/messages", body=body, claims=claims)


def told(api: Api, contact_id: str) -> Any:
    return api.get(f"/v1/contacts/{contact_id}/consent")


def test_a_stop_is_shown_with_the_message_that_says_it(api: Api, hub: Hub) -> None:
    recorded = hub.receive(sms("STOP"))
    found = told(api, recorded.contact_id)
    (item,) = found["items"]
    assert item == {
        "identity": PHONE,
        "medium": "text",
        "purpose": "*",
        "state": "denied",
        "own": True,
        "source": "STOP",
        "words": "STOP",
        "by": {"type": "customer", "id": None, "name": ""},
        "at": "2026-11-20T12:00:00.000Z",
        "message_id": recorded.entry_id,
    }
    assert found["history"] == [item]
    assert found["requests"] == []


def test_an_agent_puts_down_what_somebody_asked_for(api: Api, hub: Hub) -> None:
    contact = hub.receive(sms()).contact_id
    path = f"/v1/contacts/{contact}/consent"
    (item,) = api.put(path, word())["items"]
    assert (item["state"], item["own"], item["by"]["id"]) == ("denied", False, "agent-1")
    found = api.put(path, word(state="granted", purpose="marketing", words="I want news"))
    assert {each["purpose"]: each["state"] for each in found["items"]} == {
        "*": "denied",
        "marketing": "granted",
    }
    entries = api.get(f"/v1/contacts/{contact}/timeline")["items"]
    assert [entry["text"] for entry in entries if entry["kind"] == "event"] == [
        "May be sent marketing texts (asked on the phone)",
        "May not be sent texts any more (asked on the phone)",
    ]


def test_what_they_stopped_themselves_no_agent_starts_again(api: Api, hub: Hub) -> None:
    contact = hub.receive(sms("STOP")).contact_id
    path = f"/v1/contacts/{contact}/consent"
    for purpose in ("*", "marketing"):
        body = word(state="granted", purpose=purpose)
        assert api.call("PUT", path, body=body).status == 409
    hub.receive(sms("START"))
    assert told(api, contact)["items"][0]["state"] == "granted"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"identity": {"kind": "phone", "value": "+14155559999"}}, "identity"),
        ({"medium": "email"}, "medium"),
        ({"request_id": "ent_1"}, "request_id"),
        ({"state": "maybe"}, "state"),
        ({"purpose": "legal"}, "purpose"),
        ({"source": " "}, "source"),
    ],
)
def test_a_word_that_cannot_be_kept_is_refused(
    api: Api, hub: Hub, change: dict[str, Any], field: str
) -> None:
    contact = hub.receive(sms()).contact_id
    refused = api.call("PUT", f"/v1/contacts/{contact}/consent", body=word(**change))
    assert (refused.status, refused.fields) == (422, [field])


# ---- wishes


def test_a_wish_by_mail_is_granted_by_sending_what_it_proposes(api: Api, hub: Hub) -> None:
    contact = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    written = hub.receive(mail("Please stop texting me and stop calling me."))
    (request,) = told(api, contact)["requests"]
    assert (request["id"], request["contact_id"]) == (written.entry_id, contact)
    assert request["identity"] == {"kind": "email", "value": "ana@example.com"}
    assert request["words"] == "Please stop texting me and stop calling me."
    by_text, by_voice = request["proposals"]
    assert by_text["identity"] == PHONE
    found = api.put(f"/v1/contacts/{contact}/consent", by_text)
    assert found["items"][0]["message_id"] == written.entry_id
    assert found["requests"][0]["media"] == ["voice"]
    assert send(api, contact, channel="sms").status == 409
    found = api.put(f"/v1/contacts/{contact}/consent", by_voice)
    assert found["requests"] == []
    again = api.call("PUT", f"/v1/contacts/{contact}/consent", body={**by_voice, "words": "hm"})
    assert (again.status, again.fields) == (422, ["request_id"])


def test_a_word_whose_answer_got_lost_is_kept_once_however_often_the_app_asks(
    api: Api, hub: Hub
) -> None:
    contact = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    hub.receive(mail("Please stop texting me."))
    (granted,) = told(api, contact)["requests"][0]["proposals"]
    path = f"/v1/contacts/{contact}/consent"
    for body in (word(purpose="marketing"), granted):
        first = api.put(path, body)
        assert api.put(path, body) == first
    assert len(told(api, contact)["history"]) == 2


def test_another_agents_word_is_kept_though_it_changes_nothing(api: Api, hub: Hub) -> None:
    contact = hub.receive(sms()).contact_id
    path = f"/v1/contacts/{contact}/consent"
    api.put(path, word())
    for again in ({"claims": {**AGENT, "sub": "agent-2", "scope": "consent:write"}}, {}):
        api.put(path, word(), **again)
    by = [each["by"]["id"] for each in told(api, contact)["history"]]
    assert by == ["agent-1", "agent-2", "agent-1"]


def test_a_wish_about_what_they_have_no_address_for_is_shown_all_the_same(
    api: Api, hub: Hub
) -> None:
    contact = hub.receive(mail("please stop texting me")).contact_id
    (request,) = told(api, contact)["requests"]
    assert (request["media"], request["proposals"]) == (["text"], [])


# ---- agents' own messages


def test_an_agents_text_to_somebody_who_said_stop_is_refused_with_the_reason(
    api: Api, hub: Hub
) -> None:
    contact = hub.receive(sms("STOP")).contact_id
    refused = send(api, contact)
    assert (refused.status, refused.json["reason"]) == (409, "no_consent")
    hub.receive(sms("START"))
    assert send(api, contact).status == 202


def test_they_may_still_be_written_to_by_mail(api: Api, hub: Hub) -> None:
    contact = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    hub.receive(sms("STOP"))
    assert send(api, contact, channel="email").status == 202
    assert send(api, contact, channel="sms").status == 409


def test_what_was_sent_before_the_stop_is_answered_as_it_was(api: Api, hub: Hub) -> None:
    contact = hub.receive(sms()).contact_id
    path, once = f"/v1/contacts/{contact}/messages", {"Idempotency-Key": "k"}
    sent = api.post(path, {"text": "hi"}, headers=once)
    hub.receive(sms("STOP"))
    assert api.post(path, {"text": "hi"}, headers=once)["id"] == sent["id"]


def test_what_the_law_wants_sent_takes_a_scope_and_is_shown(api: Api, hub: Hub) -> None:
    contact = hub.receive(sms("STOP")).contact_id
    assert send(api, contact, purpose="legal").status == 403
    sent = send(api, contact, purpose="legal", claims=LAWYER)
    assert (sent.status, sent.json["purpose"]) == (202, "legal")
    listed = {**AGENT, "scp": "[messages:send messages:override]", "scope": ""}
    assert send(api, contact, purpose="legal", claims=listed).status == 202
    assert send(api, contact, claims=LAWYER).status == 409

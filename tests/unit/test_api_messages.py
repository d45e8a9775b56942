"""The API's writing: messages that leave on the right channel, notes, and doing each once."""

from dataclasses import replace
from typing import Any

import pytest

from shared.model.entry import Channel
from shared.store.table import Table
from tests.api import Api
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, later, mail, sms
from tests.hub import Hub
from tests.timelines import lay, profile

KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
def ana(hub: Hub) -> str:
    """The path of a contact known by chat, mail and phone who last wrote by SMS."""
    contact_id = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    hub.receive(mail(), now=later(minutes=1))
    hub.receive(sms(), now=later(minutes=2))
    return f"/v1/contacts/{contact_id}"


def timeline(api: Api, contact: str) -> Any:
    return api.get(f"{contact}/timeline")["items"]


# ---- messages


def test_a_message_is_on_the_timeline_at_once_and_queued(api: Api, ana: str) -> None:
    answer = api.call("POST", f"{ana}/messages", body={"text": "On its way."})
    assert answer.status == 202
    sent = answer.json
    assert (sent["channel"], sent["direction"], sent["text"]) == ("sms", "outbound", "On its way.")
    assert sent["author"] == {"type": "agent", "id": "agent-1", "name": "Ada Agent"}
    assert sent["receipt"]["state"] == "queued"
    assert sent["cost_micro_usd"] > 0
    assert sent in timeline(api, ana)


@pytest.mark.parametrize("channel", ["email", "sms", "chat"])
def test_a_message_leaves_on_the_channel_it_names(api: Api, ana: str, channel: str) -> None:
    sent = api.post(f"{ana}/messages", {"channel": channel, "text": "Hello"})
    assert sent["channel"] == channel
    assert sent["identity"]["kind"] == ("phone" if channel == "sms" else channel)


def test_whatsapp_may_be_named_with_a_template_or_within_a_day_of_what_they_wrote_there(
    api: Api, ana: str, hub: Hub
) -> None:
    body = {"channel": "whatsapp", "text": "Hello"}
    refused = api.call("POST", f"{ana}/messages", body=body)
    assert (refused.status, refused.fields) == (422, ["channel"])
    template = {"id": "HX" + "0" * 32, "variables": {"1": "Ana"}}
    approved = api.post(f"{ana}/messages", {**body, "template": template})
    assert (approved["text"], approved["template"]) == ("Hello", template)
    hub.receive(replace(sms(), channel=Channel.WHATSAPP))
    sent = api.post(f"{ana}/messages", body)
    assert (sent["channel"], sent["template"]) == ("whatsapp", None)


def test_a_message_may_name_its_address_and_its_conversation_by_reference(
    api: Api, ana: str
) -> None:
    mails = next(e for e in timeline(api, ana) if e["channel"] == "email")
    conversation = api.get(f"/v1/conversations/{mails['conversation_id']}")
    body = {
        "text": "Hello",
        "to": {"kind": "phone", "value": "(415) 555-0101"},
        "conversation_id": conversation["reference"],
    }
    sent = api.post(f"{ana}/messages", body)
    assert sent["conversation_id"] == conversation["id"]
    assert sent["identity"] == {"kind": "phone", "value": ANA_PHONE.value}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 50_001}, "text"),
        ({"text": 7}, "text"),
        ({"text": "a", "channel": "pigeon"}, "channel"),
        ({"text": "a", "subject": "a\r\nBcc: b@example.com"}, "subject"),
        ({"text": "a", "to": {"kind": "fax", "value": "1"}}, "to.kind"),
        ({"text": "a", "to": {"kind": "phone", "value": "me"}}, "to.value"),
        ({"text": "a", "to": {"kind": "phone", "value": "+14155550199"}}, "to"),
        ({"text": "a", "priority": 1}, "priority"),
    ],
)
def test_a_message_that_breaks_a_rule_is_422_names_the_field_and_leaves_no_trace(
    api: Api, ana: str, body: dict[str, Any], field: str
) -> None:
    before = timeline(api, ana)
    answer = api.call("POST", f"{ana}/messages", body=body)
    assert (answer.status, answer.fields) == (422, [field])
    assert timeline(api, ana) == before


def test_a_channel_the_contact_has_no_address_for_is_422(api: Api, hub: Hub) -> None:
    contact = f"/v1/contacts/{hub.receive(sms()).contact_id}"
    answer = api.call("POST", f"{contact}/messages", body={"text": "a", "channel": "email"})
    assert (answer.status, answer.fields) == (422, ["channel"])


def test_a_message_to_nobody_or_on_no_conversation_is_404(api: Api, ana: str) -> None:
    assert api.call("POST", "/v1/contacts/ctc_x/messages", body={"text": "a"}).status == 404
    body = {"text": "a", "conversation_id": "cnv_x"}
    assert api.call("POST", f"{ana}/messages", body=body).status == 404


def test_a_message_on_another_contacts_conversation_is_a_conflict(
    api: Api, hub: Hub, ana: str
) -> None:
    from shared.model.identity import Address, IdentityKind

    other = hub.receive(sms(sender=Address(IdentityKind.PHONE, "+14155550102")))
    body = {"text": "a", "conversation_id": other.conversation_id}
    assert api.call("POST", f"{ana}/messages", body=body).status == 409


# ---- notes


def test_a_note_is_on_the_timeline_as_the_agents_own(api: Api, ana: str) -> None:
    answer = api.call("POST", f"{ana}/notes", body={"text": "Called back, no answer."})
    assert answer.status == 201
    note = answer.json
    assert (note["kind"], note["channel"], note["direction"]) == ("note", "internal", "internal")
    assert note["author"] == {"type": "agent", "id": "agent-1", "name": "Ada Agent"}
    assert (note["identity"], note["receipt"], note["cost_micro_usd"]) == (None, None, 0)
    assert note in timeline(api, ana)


def test_a_note_stays_at_the_id_it_names_and_shows_on_the_contact_it_belongs_to(
    api: Api, table: Table
) -> None:
    lay(table, profile("ctc_ana", members=("ctc_bob",)), profile("ctc_bob", root="ctc_ana"))
    note = api.post("/v1/contacts/ctc_bob/notes", {"text": "his"})
    assert (note["contact_id"], note["home_contact_id"]) == ("ctc_ana", "ctc_bob")
    assert timeline(api, "/v1/contacts/ctc_ana") == [note]


def test_a_note_of_fifty_thousand_characters_is_kept_whole(api: Api, ana: str) -> None:
    import random

    text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789äöü", k=50_000))
    assert api.post(f"{ana}/notes", {"text": text})["text"] == text
    assert text in [e["text"] for e in timeline(api, ana)]


def test_a_note_on_nobody_is_404_and_without_text_422(api: Api, ana: str) -> None:
    assert api.call("POST", "/v1/contacts/ctc_x/notes", body={"text": "a"}).status == 404
    assert api.call("POST", f"{ana}/notes", body={"text": "a", "promise": "x"}).status == 422
    assert api.call("POST", f"{ana}/notes", body={}).fields == ["text"]


def test_a_note_survives_transactions_that_conflict(
    api: Api, ana: str, refuse_transactions: Any
) -> None:
    refuse_transactions(3)
    assert api.call("POST", f"{ana}/notes", body={"text": "a"}).status == 201
    refuse_transactions(100)
    answer = api.call("POST", f"{ana}/notes", body={"text": "a"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


# ---- once


@pytest.mark.parametrize("kind", ["messages", "notes"])
def test_the_same_request_under_the_same_key_is_done_once_and_answered_alike(
    api: Api, ana: str, kind: str
) -> None:
    first, second = (
        api.call("POST", f"{ana}/{kind}", body={"text": "Hello"}, headers=KEY) for _ in range(2)
    )
    assert (first.status, first.text) == (second.status, second.text)
    assert [e["text"] for e in timeline(api, ana)].count("Hello") == 1


@pytest.mark.parametrize("kind", ["messages", "notes"])
def test_another_request_under_the_same_key_is_refused(api: Api, ana: str, kind: str) -> None:
    api.post(f"{ana}/{kind}", {"text": "Hello"}, headers=KEY)
    answer = api.call("POST", f"{ana}/{kind}", body={"text": "Bye"}, headers=KEY)
    assert (answer.status, answer.fields) == (422, ["Idempotency-Key"])


def test_a_key_belongs_to_its_client(api: Api, ana: str) -> None:
    for sub in ("agent-1", "agent-2"):
        api.post(f"{ana}/notes", {"text": sub}, headers=KEY, claims={"sub": sub})
    assert {e["text"] for e in timeline(api, ana)} >= {"agent-1", "agent-2"}


def test_spaces_in_the_json_make_no_other_request(api: Api, ana: str) -> None:
    headers = {**KEY, "content-type": "application/json"}
    for raw_body in ('{"text":"Hello"}', '{ "text" : "Hello" }'):
        answer = api.call("POST", f"{ana}/notes", raw_body=raw_body, headers=headers)
        assert answer.status == 201


@pytest.mark.parametrize("kind", ["messages", "notes"])
def test_without_a_key_each_request_counts(api: Api, ana: str, kind: str) -> None:
    for _ in range(2):
        api.post(f"{ana}/{kind}", {"text": "Hello"})
    assert [e["text"] for e in timeline(api, ana)].count("Hello") == 2


@pytest.mark.parametrize("key", ["", "a b", "a#b", "ä", "x" * 256, "a\n"])
def test_a_key_that_cannot_be_kept_is_400(api: Api, ana: str, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = api.call("POST", f"{ana}/notes", body={"text": "a"}, headers=headers)
    assert (answer.status, answer.fields) == (400, ["Idempotency-Key"])

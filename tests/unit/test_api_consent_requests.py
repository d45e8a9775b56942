"""What may be a wish to be left alone, over all contacts: the list, and how things leave it."""

from typing import Any

import pytest

from shared import erase
from shared.merge import Decision, merge
from shared.model.identity import Address, IdentityKind
from shared.store import contacts
from tests.api import Api
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail
from tests.hub import Hub

BOB = Address(IdentityKind.EMAIL, "bob@example.com")
WHY = {"reason": "it is about a parcel"}


def listed(api: Api, query: str = "") -> Any:
    return api.get("/v1/consent-requests", query=query)["items"]


def wish(hub: Hub, sender: Address = ANA_EMAIL, minutes: int = 0) -> str:
    """Somebody asks by mail for no more texts; returns the request's id."""
    written = mail("please stop texting me", sender=sender, subject=f"wish {minutes}")
    return hub.receive(written, now=later(minutes=minutes)).entry_id


def dismissed(api: Api, request_id: str, body: Any = WHY) -> Any:
    return api.call("POST", f"/v1/consent-requests/{request_id}/dismiss", body=body)


def test_the_list_shows_everybodys_whole_and_goes_on_where_it_stopped(api: Api, hub: Hub) -> None:
    asked = [wish(hub, BOB if minutes == 1 else ANA_EMAIL, minutes) for minutes in range(3)]
    first = api.get("/v1/consent-requests", query="limit=2")
    rest = api.get("/v1/consent-requests", query=f"limit=2&cursor={first['next_cursor']}")
    assert [it["id"] for it in first["items"] + rest["items"]] == asked[::-1]
    assert rest["next_cursor"] is None
    contact = hub.contact(BOB).root.id
    (of_bob,) = api.get(f"/v1/contacts/{contact}/consent")["requests"]
    assert first["items"][1] == of_bob


def test_what_is_granted_leaves_the_list_once_all_of_it_is(api: Api, hub: Hub) -> None:
    contact = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    hub.receive(mail("Please stop texting me and stop calling me."))
    (request,) = listed(api)
    by_text, by_voice = request["proposals"]
    api.put(f"/v1/contacts/{contact}/consent", by_text)
    assert [it["media"] for it in listed(api)] == [["voice"]]
    api.put(f"/v1/contacts/{contact}/consent", by_voice)
    assert listed(api) == []


def test_what_is_none_is_dismissed_and_the_timeline_says_by_whom_and_why(
    api: Api, hub: Hub
) -> None:
    request_id = wish(hub)
    found = dismissed(api, request_id).json
    assert (found["items"], found["requests"]) == ([], [])
    assert listed(api) == []
    entries = api.get(f"/v1/contacts/{hub.contact(ANA_EMAIL).root.id}/timeline")["items"]
    (told,) = [entry for entry in entries if entry["kind"] == "event"]
    assert told["text"] == "Is no wish to be left alone: it is about a parcel"
    assert told["author"]["id"] == "agent-1"
    assert dismissed(api, request_id).json == found
    assert len(api.get(f"/v1/contacts/{hub.contact(ANA_EMAIL).root.id}/timeline")["items"]) == 2


@pytest.mark.parametrize("body", [{}, {"reason": " "}])
def test_dismissing_takes_a_reason(api: Api, hub: Hub, body: Any) -> None:
    refused = dismissed(api, wish(hub), body)
    assert (refused.status, refused.fields) == (422, ["reason"])


@pytest.mark.parametrize("unknown", ["ent_1", "\N{SNOWMAN}" * 900])
def test_an_unknown_request_is_none(api: Api, unknown: str) -> None:
    assert dismissed(api, unknown).status == 404


def test_a_request_follows_its_address_through_a_merge(api: Api, hub: Hub) -> None:
    survivor = hub.receive(chat()).contact_id
    other = hub.contact(ANA_EMAIL).root.id if wish(hub) else ""
    merge(hub.table, survivor, other, Decision(by="agent", reason="one person"), now=NOW)
    assert [it["contact_id"] for it in listed(api)] == [survivor]


def test_of_whoever_is_being_erased_nothing_is_asked(api: Api, hub: Hub) -> None:
    wish(hub)
    contact = contacts.get_contact(hub.table, hub.contact(ANA_EMAIL).root.id)
    erase.begin(hub.table, contact.root.id, contact.root.members, by="agent", now=NOW)
    assert listed(api) == []


def test_the_list_takes_four_calls_and_two_a_contact(
    api: Api, hub: Hub, aws_calls: list[str]
) -> None:
    wish(hub)
    wish(hub, minutes=1)
    aws_calls.clear()
    assert len(listed(api)) == 2
    assert aws_calls == ["Query", *["BatchGetItem"] * 3, "GetItem", "BatchGetItem"]


def test_dismissing_takes_four_calls(api: Api, hub: Hub, aws_calls: list[str]) -> None:
    request_id = wish(hub)
    aws_calls.clear()
    dismissed(api, request_id)
    assert aws_calls[:4] == ["Query", "GetItem", "GetItem", "TransactWriteItems"]

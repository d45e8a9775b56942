"""The API's conversations: the inbox, and assigning, resolving and reopening."""

from typing import Any

import pytest

from shared.model.conversation import State
from shared.model.errors import ConflictError
from shared.model.identity import Address, IdentityKind
from shared.store import conversations
from tests.api import Api
from tests.builders import ANA_EMAIL, NOW, later, mail, sms
from tests.hub import Hub
from tests.timelines import lay, profile
from tests.world import World


def write_in(hub: Hub, count: int) -> list[str]:
    """So many customers write, a minute apart; returns their conversations."""
    return [
        hub.receive(
            sms(sender=Address(IdentityKind.PHONE, f"+1415555{number:04d}")),
            now=later(minutes=number),
        ).conversation_id
        for number in range(count)
    ]


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.fixture
def path(hub: Hub) -> str:
    """The path of a conversation that a mail has opened."""
    return f"/v1/conversations/{hub.receive(mail(subject='Where is it?')).conversation_id}"


# ---- reading


def test_a_conversation_is_read_by_its_id_and_by_its_reference_however_it_is_written(
    api: Api, hub: Hub
) -> None:
    recorded = hub.receive(mail(subject="Where is it?"))
    conversation = api.get(f"/v1/conversations/{recorded.conversation_id}")
    reference = conversation["reference"]
    assert conversation == {
        "id": recorded.conversation_id,
        "reference": reference,
        "contact_id": recorded.contact_id,
        "subject": "Where is it?",
        "state": "open",
        "assignee": None,
        "channels": ["email"],
        "opened_at": "2026-11-20T12:00:00.000Z",
        "last_activity_at": "2026-11-20T12:00:00.000Z",
        "resolved_at": None,
        "first_response_at": None,
        "waiting_on": "agent",
    }
    bare = reference.lstrip("#")
    for written in (f"%23{bare}", bare, bare.lower(), bare.replace("-", "")):
        assert api.get(f"/v1/conversations/{written}") == conversation


@pytest.mark.parametrize("unknown", ["cnv_x", "%23AAAA-AA", "nonsense", "a%2Fb", "caf%C3%A9"])
def test_a_conversation_that_is_none_is_404(api: Api, unknown: str) -> None:
    assert api.call("GET", f"/v1/conversations/{unknown}").status == 404
    assert api.call("PATCH", f"/v1/conversations/{unknown}", body={"state": "open"}).status == 404


def test_a_conversation_names_the_contact_its_home_belongs_to_now(api: Api, hub: Hub) -> None:
    recorded = hub.receive(sms())
    lay(hub.table, profile(recorded.contact_id, root="ctc_root"))
    lay(hub.table, profile("ctc_root", members=(recorded.contact_id,)))
    found = api.get(f"/v1/conversations/{recorded.conversation_id}")
    assert found["contact_id"] == "ctc_root"
    assert api.get("/v1/conversations")["items"] == [found]


def test_the_inbox_pages_through_the_open_ones_newest_first(api: Api, hub: Hub) -> None:
    opened = write_in(hub, 7)
    shown: list[str] = []
    page = api.get("/v1/conversations", "limit=3")
    shown += ids(page)
    while page["next_cursor"]:
        page = api.get("/v1/conversations", f"limit=3&cursor={page['next_cursor']}")
        assert len(page["items"]) <= 3
        shown += ids(page)
    assert shown == list(reversed(opened))


def test_the_inbox_is_chosen_by_state_and_assignee(api: Api, hub: Hub) -> None:
    first, second, third = write_in(hub, 3)
    api.patch(f"/v1/conversations/{first}", {"state": "resolved"})
    api.patch(f"/v1/conversations/{second}", {"assignee": "agent+2"})
    api.patch(f"/v1/conversations/{third}", {"state": "pending"})
    assert ids(api.get("/v1/conversations")) == [second]
    assert ids(api.get("/v1/conversations", "state=resolved")) == [first]
    assert ids(api.get("/v1/conversations", "state=pending")) == [third]
    assert ids(api.get("/v1/conversations", "assignee=agent%2B2")) == [second]
    assert ids(api.get("/v1/conversations", "assignee=agent-1")) == []


@pytest.mark.parametrize("query", ["state=closed", "limit=0", "cursor=x", "order=asc"])
def test_an_inbox_query_that_cannot_be_read_is_400(api: Api, query: str) -> None:
    assert api.call("GET", "/v1/conversations", query=query).status == 400


# ---- changing


def test_a_conversation_is_assigned_and_taken_back(api: Api, path: str) -> None:
    assert api.patch(path, {"assignee": "agent-2"})["assignee"] == "agent-2"
    assert api.patch(path, {"state": "pending"})["assignee"] == "agent-2"
    assert api.patch(path, {"assignee": None})["assignee"] is None


def test_a_conversation_is_resolved_and_opened_again(api: Api, path: str) -> None:
    resolved = api.patch(path, {"state": "resolved"})
    assert (resolved["state"], resolved["waiting_on"]) == ("resolved", None)
    assert resolved["resolved_at"] == "2026-11-20T12:00:00.000Z"
    assert api.patch(path, {"state": "resolved"}) == resolved
    opened = api.patch(path, {"state": "open"})
    assert (opened["state"], opened["resolved_at"]) == ("open", None)


def test_one_patch_may_assign_and_resolve_or_reopen_and_assign(api: Api, path: str) -> None:
    done = api.patch(path, {"assignee": "agent-2", "state": "resolved"})
    assert (done["assignee"], done["state"]) == ("agent-2", "resolved")
    again = api.patch(path, {"assignee": "agent-3", "state": "pending"})
    assert (again["assignee"], again["state"]) == ("agent-3", "pending")


def test_one_patch_is_one_write_that_tells_all_of_it(
    api: Api, hub: Hub, path: str, aws_calls: list[str]
) -> None:
    aws_calls.clear()
    api.patch(path, {"assignee": "agent-2", "state": "pending"})
    assert [call for call in aws_calls if "Get" not in call] == ["TransactWriteItems"]
    (item,) = [it for it in World.of(hub.table).items if it["type"] == "conversation"]
    assert item["change"]["events"] == ["ConversationAssigned", "ConversationAmended"]


def test_whoever_was_assigned_last_is_whom_the_contact_is_used_to(
    api: Api, hub: Hub, path: str
) -> None:
    contact = f"/v1/contacts/{hub.contact(ANA_EMAIL).root.id}"
    assert api.get(contact)["assignee"] is None
    api.patch(path, {"assignee": "agent-2"})
    api.patch(path, {"assignee": None})
    assert api.get(contact)["assignee"] == "agent-2"


def test_a_message_keeps_an_agent_from_marking_what_they_have_not_seen_pending(hub: Hub) -> None:
    seen = hub.conversation(hub.receive(sms()).conversation_id)
    hub.receive(sms("one more thing"), now=later(minutes=1))
    with pytest.raises(ConflictError):
        conversations.change(hub.table, seen, now=NOW, by="agent-1", state=State.PENDING)


def test_resolving_over_a_message_the_agent_has_not_seen_is_a_conflict(api: Api, hub: Hub) -> None:
    path = f"/v1/conversations/{hub.receive(sms()).conversation_id}"
    seen = api.get(path)["last_activity_at"]
    hub.receive(sms("one more thing"), now=later(minutes=1))
    body = {"state": "resolved", "last_activity_at": seen}
    assert api.call("PATCH", path, body=body).status == 409
    seen = api.get(path)["last_activity_at"]
    assert api.patch(path, {**body, "last_activity_at": seen})["state"] == "resolved"


def test_a_resolved_conversation_is_not_assigned(api: Api, path: str) -> None:
    api.patch(path, {"state": "resolved"})
    assert api.call("PATCH", path, body={"assignee": "agent-2"}).status == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "closed"}, "state"),
        ({"assignee": 7}, "assignee"),
        ({"last_activity_at": "yesterday"}, "last_activity_at"),
        ({"last_activity_at": "2026-11-20T12:00:00"}, "last_activity_at"),
        ({"subject": "Another"}, "subject"),
    ],
)
def test_a_change_that_breaks_a_rule_is_422_and_names_the_field(
    api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    answer = api.call("PATCH", path, body=body)
    assert (answer.status, answer.fields) == (422, [field])


# ---- joining


def matters(hub: Hub) -> tuple[str, str]:
    """Two conversations that one customer's mails have opened, the second an hour later."""
    first = hub.receive(mail(subject="Where is it?")).conversation_id
    second = hub.receive(mail(subject="My parcel"), now=later(hours=1)).conversation_id
    return first, second


def test_a_conversation_that_was_joined_answers_with_the_one_it_is_part_of(
    api: Api, hub: Hub
) -> None:
    first, second = matters(hub)
    reference = api.get(f"/v1/conversations/{second}")["reference"]
    body = {"other": reference, "reason": "the same parcel"}
    joined = api.post(f"/v1/conversations/{first}/join", body)
    assert joined["id"] == first
    assert api.post(f"/v1/conversations/{first}/join", body) == joined
    assert api.get(f"/v1/conversations/{second}") == joined
    assert api.get(f"/v1/conversations/{reference.lstrip('#')}") == joined
    assert ids(api.get("/v1/conversations")) == [first]
    contact = joined["contact_id"]
    page = api.get(f"/v1/contacts/{contact}/timeline", f"conversation={first}")
    assert sorted(each["kind"] for each in page["items"]) == ["join", "message", "message"]
    (told,) = [each["text"] for each in page["items"] if each["kind"] == "join"]
    assert told.endswith("the same parcel")
    assert api.get(f"/v1/contacts/{contact}/timeline", f"conversation={second}") == page
    assert hub.receive(mail("well?", subject="My parcel")).conversation_id == first
    World.of(hub.table).check()


def test_a_joined_conversation_is_answered_where_its_customer_wrote_last(
    api: Api, hub: Hub
) -> None:
    first, second = matters(hub)
    wrote = hub.conversation(second).last_in
    api.patch(f"/v1/conversations/{first}", {"state": "pending"})
    api.post(f"/v1/conversations/{first}/join", {"other": second, "reason": "one"})
    assert hub.conversation(first).last_in == wrote
    assert ids(api.get("/v1/conversations", "state=pending")) == [first]


def test_only_open_conversations_of_one_contact_are_joined(api: Api, hub: Hub) -> None:
    first, second = matters(hub)
    other = hub.receive(sms()).conversation_id
    path, reason = f"/v1/conversations/{first}/join", {"reason": "one"}
    assert api.call("POST", path, body={"other": other, **reason}).status == 409
    assert api.call("POST", path, body={"other": "cnv_nobody", **reason}).status == 404
    api.patch(f"/v1/conversations/{second}", {"state": "resolved"})
    assert api.call("POST", path, body={"other": second, **reason}).status == 409


# ---- guests


def test_a_guests_words_are_shown_on_the_conversation_they_answered_and_nowhere_else(
    api: Api, hub: Hub
) -> None:
    boss = Address(IdentityKind.EMAIL, "boss@example.org")
    first = hub.receive(mail(message_id="first@example.com"))
    for hour in (1, 2):
        wrote = mail(f"guest {hour}", sender=boss, references=("first@example.com",))
        guest = hub.receive(wrote, now=later(hours=hour))
    hub.receive(mail("mine", subject="Boss"), now=later(hours=3))
    path, only = (
        f"/v1/contacts/{first.contact_id}/timeline",
        f"conversation={first.conversation_id}",
    )
    for order, wanted in (
        ("desc", ["guest 2", "guest 1", "hello"]),
        ("asc", ["hello", "guest 1", "guest 2"]),
    ):
        shown = api.get(path, f"{only}&order={order}")["items"]
        assert [each["text"] for each in shown] == wanted
        assert {each["contact_id"] for each in shown if each["guest"]} == {guest.contact_id}
        paged: list[str] = []
        cursor = ""
        while cursor is not None:
            page = api.get(path, f"{only}&order={order}&limit=1{cursor}")
            paged += [each["text"] for each in page["items"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        assert paged == wanted
    assert not [each for each in api.get(path)["items"] if each["guest"]]
    stranger = hub.receive(sms()).contact_id
    assert api.get(f"/v1/contacts/{stranger}/timeline", only)["items"] == []
    theirs = api.get(f"/v1/contacts/{guest.contact_id}/timeline", only)["items"]
    assert [each["text"] for each in theirs] == ["guest 2", "guest 1"]


def test_a_conversations_page_takes_four_calls_with_its_guests(
    api: Api, hub: Hub, aws_calls: list[str]
) -> None:
    boss = Address(IdentityKind.EMAIL, "boss@example.org")
    first = hub.receive(mail(message_id="first@example.com"))
    path, only = (
        f"/v1/contacts/{first.contact_id}/timeline",
        f"conversation={first.conversation_id}",
    )
    aws_calls.clear()
    api.get(path, only)
    assert aws_calls == ["GetItem", "Query", "Query"]
    hub.receive(mail(sender=boss, references=("first@example.com",)), now=later(hours=1))
    aws_calls.clear()
    api.get(path, only)
    assert aws_calls == ["GetItem", "Query", "Query", "BatchGetItem"]

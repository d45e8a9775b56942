"""The API's suggestions: the list, and what agents say to it."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.model.identity import Address, IdentityKind
from shared.receive import receive
from shared.rules.matching import Policy
from tests.api import Api
from tests.builders import ANA_EMAIL, chat, later, mail, price
from tests.hub import Hub

WHY = {"reason": "she says so on the phone"}


def ask(hub: Hub, visitor: str = "shop:v-12", minutes: int = 0) -> None:
    """A visitor types the address of a known customer."""
    receive(
        chat(visitor=Address(IdentityKind.CHAT, visitor), verified=False, claims=(ANA_EMAIL,)),
        table=hub.table,
        bodies=hub.bodies,
        now=later(minutes=minutes),
        price=price,
        policy=Policy(),
    )


@pytest.fixture
def asked(api: Api, hub: Hub) -> Any:
    """The one suggestion there is."""
    hub.receive(mail())
    ask(hub)
    (suggestion,) = api.get("/v1/suggestions")["items"]
    return suggestion


def test_a_suggestion_shows_both_addresses_and_why_it_is_asked(asked: Any, hub: Hub) -> None:
    contact_id = hub.contact(ANA_EMAIL).root.id
    email = next(side for side in asked["sides"] if side["kind"] == "email")
    assert email == {
        "contact_id": contact_id,
        "kind": "email",
        "value": "ana@example.com",
        "trust": "verified",
    }
    assert {side["kind"] for side in asked["sides"]} == {"email", "chat"}
    assert (asked["state"], asked["evidence"]) == ("open", ["claimed_email"])
    assert asked["suggested_at"] == "2026-11-20T12:00:00.000Z"
    assert [asked[name] for name in ("decided_by", "decided_at", "merge_id")] == [None] * 3


def test_accepting_merges_and_answers_with_who_when_and_why(api: Api, hub: Hub, asked: Any) -> None:
    accepted = api.post(f"/v1/suggestions/{asked['id']}/accept", WHY)
    contact_id = hub.contact(ANA_EMAIL).root.id
    assert {side["contact_id"] for side in accepted["sides"]} == {contact_id}
    assert (accepted["state"], accepted["decided_by"]) == ("accepted", "agent-1")
    assert (accepted["reason"], accepted["merge_id"][:4]) == (WHY["reason"], "mrg_")
    assert api.get("/v1/suggestions")["items"] == []


def test_rejecting_merges_nothing(api: Api, asked: Any) -> None:
    rejected = api.post(f"/v1/suggestions/{asked['id']}/reject", WHY)
    assert (rejected["state"], rejected["merge_id"]) == ("rejected", None)
    assert len({side["contact_id"] for side in rejected["sides"]}) == 2
    assert api.get("/v1/suggestions")["items"] == []


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_a_second_decision_is_a_conflict_and_an_unknown_suggestion_is_none(
    api: Api, asked: Any, verb: str
) -> None:
    api.post(f"/v1/suggestions/{asked['id']}/reject", WHY)
    assert api.call("POST", f"/v1/suggestions/{asked['id']}/{verb}", body=WHY).status == 409
    assert api.call("POST", f"/v1/suggestions/sug_x/{verb}", body=WHY).status == 404


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 501}])
def test_a_decision_without_its_reason_is_refused(api: Api, asked: Any, body: Any) -> None:
    answer = api.call("POST", f"/v1/suggestions/{asked['id']}/accept", body=body)
    assert (answer.status, answer.fields) == (422, ["reason"])


def test_the_list_goes_on_where_it_stopped_and_with_its_own_cursor_only(api: Api, hub: Hub) -> None:
    hub.receive(mail())
    for number in range(3):
        ask(hub, f"shop:v-{number}", minutes=number)
    first = api.get("/v1/suggestions", query="limit=2")
    rest = api.get("/v1/suggestions", query=f"limit=2&cursor={first['next_cursor']}")
    times = [item["suggested_at"] for item in first["items"] + rest["items"]]
    assert times == sorted(times, reverse=True)
    assert (len(times), rest["next_cursor"]) == (3, None)
    assert (
        api.call("GET", "/v1/conversations", query=f"cursor={first['next_cursor']}").status == 400
    )


def test_a_rejection_waits_for_another_transaction(
    api: Api, asked: Any, refuse_transactions: Callable[[int], None]
) -> None:
    refuse_transactions(1)
    assert api.post(f"/v1/suggestions/{asked['id']}/reject", WHY)["state"] == "rejected"

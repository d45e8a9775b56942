"""The API's contacts: looked up by any address, changed, and given addresses by agents."""

from urllib.parse import quote

import pytest

from shared.model.errors import ConflictError
from shared.model.identity import Trust
from shared.store import contacts
from tests.api import Api
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, chat, later, mail, sms
from tests.hub import Hub
from tests.timelines import lay, profile
from tests.world import World


def test_a_contact_is_found_by_any_of_its_addresses(api: Api, hub: Hub) -> None:
    recorded = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE), author_name="Ana"))
    for address in (ANA_CHAT, ANA_EMAIL, ANA_PHONE):
        found = api.get("/v1/contacts", f"identity={address.kind}:{address.value}")
        assert [item["id"] for item in found["items"]] == [recorded.contact_id]
        assert found["next_cursor"] is None


@pytest.mark.parametrize(
    "written",
    [
        "phone:+14155550101",
        "phone:%2B14155550101",
        "phone:%2B1%20415%20555%200101",
        "phone:(415)%20555-0101",
        "phone:4155550101",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(api: Api, hub: Hub, written: str) -> None:
    hub.receive(sms())
    assert len(api.get("/v1/contacts", f"identity={written}")["items"]) == 1


def test_a_plus_in_an_e_mail_address_is_a_plus(api: Api, hub: Hub) -> None:
    from shared.model.identity import Address, IdentityKind

    hub.receive(mail(sender=Address(IdentityKind.EMAIL, "ana+shop@example.com")))
    for written in ("ana+shop@EXAMPLE.com", "ana%2Bshop%40example.com"):
        assert len(api.get("/v1/contacts", f"identity=email:{written}")["items"]) == 1


def test_an_address_that_is_nobodys_gives_an_empty_list(api: Api) -> None:
    assert api.get("/v1/contacts", "identity=email:nobody@example.com") == {
        "items": [],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    "query",
    [
        "identity=email:a@b.example&identity=email:c@d.example",
        "identity=email:a@b.example&limit=2",
    ],
)
def test_a_look_up_that_cannot_be_read_is_400(api: Api, query: str) -> None:
    assert api.call("GET", "/v1/contacts", query=query).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        "identity=",
        "identity=ana@example.com",
        "identity=fax:123",
        "identity=phone:abc",
        "identity=email:nobody",
        "identity=chat:%00",
    ],
)
def test_a_malformed_identity_is_422_and_names_the_field(api: Api, query: str) -> None:
    answered = api.call("GET", "/v1/contacts", query=query)
    assert answered.status == 422
    assert answered.fields == ["identity"]


def test_a_contact_shows_who_they_are_what_is_open_and_what_they_cost(api: Api, hub: Hub) -> None:
    first = hub.receive(mail(author_name="Ana Ng", subject="Where is it?"))
    hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)), now=later(minutes=1))
    hub.receive(sms(), now=later(minutes=2))
    contact = api.get(f"/v1/contacts/{first.contact_id}")
    assert (contact["id"], contact["name"]) == (first.contact_id, "Ana Ng")
    assert {i["kind"]: i["trust"] for i in contact["identities"]} == {
        "chat": "verified",
        "email": "verified",
        "phone": "verified",
    }
    assert [c["id"] for c in contact["open_conversations"]] == [first.conversation_id]
    assert contact["open_conversations"][0]["contact_id"] == first.contact_id
    assert contact["cost"] == {
        "currency": "USD",
        "total_micro_usd": 3 * 8_310,
        "by_channel": {"chat": 8_310, "email": 8_310, "sms": 8_310},
    }
    assert contact["first_seen_at"] == "2026-11-20T12:00:00.000Z"
    assert contact["last_seen_at"] == "2026-11-20T12:02:00.000Z"
    assert (contact["merged_from"], contact["assignee"], contact["locale"]) == ([], None, None)


def test_an_id_that_was_merged_away_answers_with_the_contact_it_belongs_to(
    api: Api, hub: Hub
) -> None:
    ana = profile("ctc_ana", members=("ctc_bob",))
    lay(hub.table, ana, profile("ctc_bob", root="ctc_ana"))
    contact = api.get("/v1/contacts/ctc_bob")
    assert (contact["id"], contact["merged_from"]) == ("ctc_ana", ["ctc_bob"])
    assert contact["merged_into"] == "ctc_ana"
    assert api.get("/v1/contacts/ctc_ana")["merged_into"] is None


@pytest.mark.parametrize(
    "unknown",
    [
        "ctc_nobody",
        "whatsapp:%2B1555",
        "%2B1555",
        "a%2Fb",
        "..%2F..",
        "%23",
        "%",
        "%FF",
        "caf%C3%A9",
        "café",
        "😀" * 600,
        "%00",
        "x" * 5_000,
    ],
)
def test_an_id_that_is_nobodys_is_404(api: Api, unknown: str) -> None:
    for path in (
        f"/v1/contacts/{unknown}",
        f"/v1/contacts/{unknown}/timeline",
        f"/v1/contacts/{unknown}/handover",
        f"/v1/contacts/{unknown}/export",
        f"/v1/conversations/{unknown}",
        f"/v1/attachments/{unknown}",
    ):
        assert api.call("GET", path).status == 404, path
    reason = {"reason": "it is asked for"}
    for path in (f"/v1/merges/{unknown}/undo", f"/v1/suggestions/{unknown}/accept"):
        assert api.call("POST", path, body=reason).status == 404, path


def test_an_address_in_a_path_is_the_one_that_was_encoded(api: Api, hub: Hub) -> None:
    contact_id = hub.receive(mail()).contact_id
    for value in ("crm/4711", "crm:+1 555", "größe", "50%", "a#b"):
        body = {"kind": "external", "value": value}
        api.post(f"/v1/contacts/{contact_id}/identities", body)
        path = f"/v1/contacts/{contact_id}/identities/external/{quote(value, safe='')}"
        assert api.call("DELETE", path).status == 200, value


# ---- changing


def test_a_patch_changes_what_it_names_and_null_takes_away(api: Api, hub: Hub) -> None:
    path = f"/v1/contacts/{hub.receive(sms()).contact_id}"
    given = {
        "name": "Ana",
        "locale": "de-AT",
        "time_zone": "Europe/Vienna",
        "preferred_channel": "sms",
    }
    contact = api.patch(path, given)
    assert {name: contact[name] for name in given} == given
    contact = api.patch(path, {"name": None, "time_zone": None})
    assert (contact["name"], contact["time_zone"], contact["locale"]) == ("", None, "de-AT")
    assert api.patch(path, {}) == contact


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"locale": "German"}, "locale"),
        ({"preferred_channel": "pigeon"}, "preferred_channel"),
        ({"name": "x" * 201}, "name"),
        ({"name": 7}, "name"),
        ({"id": "ctc_other"}, "id"),
    ],
)
def test_a_patch_that_breaks_a_rule_is_422_and_names_the_field(
    api: Api, hub: Hub, body: dict[str, object], field: str
) -> None:
    path = f"/v1/contacts/{hub.receive(sms()).contact_id}"
    answer = api.call("PATCH", path, body=body)
    assert (answer.status, answer.fields) == (422, [field])


def test_a_patch_of_nobody_is_404(api: Api) -> None:
    assert api.call("PATCH", "/v1/contacts/ctc_nobody", body={"name": "A"}).status == 404


# ---- addresses on an agent's word


def test_an_agent_asserts_an_address_once_however_often_it_is_sent(api: Api, hub: Hub) -> None:
    contact_id = hub.receive(mail()).contact_id
    path = f"/v1/contacts/{contact_id}/identities"
    contact = api.post(path, {"kind": "phone", "value": "(415) 555-0101"})
    phone = next(i for i in contact["identities"] if i["kind"] == "phone")
    assert phone == {
        "kind": "phone",
        "value": "+14155550101",
        "trust": "asserted",
        "evidence": "agent:agent-1",
        "since": "2026-11-20T12:00:00.000Z",
        "shared": False,
        "candidates": [],
    }
    assert api.post(path, {"kind": "phone", "value": "+14155550101"}) == contact
    assert hub.receive(sms()).contact_id == contact_id


def test_an_assertion_raises_what_was_only_claimed_and_never_lowers_what_is_proven(
    api: Api, hub: Hub
) -> None:
    claimed = hub.receive(mail(trust=Trust.CLAIMED)).contact_id
    body = {"kind": "email", "value": ANA_EMAIL.value}
    contact = api.post(f"/v1/contacts/{claimed}/identities", body)
    assert contact["identities"][0]["trust"] == "asserted"
    proven = hub.receive(sms()).contact_id
    body = {"kind": "phone", "value": ANA_PHONE.value}
    contact = api.post(f"/v1/contacts/{proven}/identities", body)
    assert contact["identities"][0]["trust"] == "verified"


def test_an_address_of_another_contact_is_a_conflict_and_stays_theirs(api: Api, hub: Hub) -> None:
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    body = {"kind": "phone", "value": ANA_PHONE.value}
    answer = api.call("POST", f"/v1/contacts/{by_mail.contact_id}/identities", body=body)
    assert answer.status == 409
    assert hub.contact(ANA_PHONE).root.id == by_phone.contact_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "fax", "value": "1"}, "kind"),
        ({"kind": "phone"}, "value"),
        ({"kind": "phone", "value": "call me"}, "value"),
        ({"kind": "email", "value": "null"}, "value"),
        ({"kind": "email", "value": "a@b.example", "trust": "verified"}, "trust"),
    ],
)
def test_an_address_that_is_none_is_422_and_names_the_field(
    api: Api, hub: Hub, body: dict[str, object], field: str
) -> None:
    contact_id = hub.receive(mail()).contact_id
    answer = api.call("POST", f"/v1/contacts/{contact_id}/identities", body=body)
    assert (answer.status, answer.fields) == (422, [field])


# ---- what else agents say of addresses


def test_an_agent_says_that_several_people_use_an_address_and_takes_it_back(
    api: Api, hub: Hub
) -> None:
    contact_id = hub.receive(sms()).contact_id
    path = f"/v1/contacts/{contact_id}/identities/phone/%2B14155550101"
    for shared in (True, True, False):
        (identity,) = api.patch(path, {"shared": shared})["identities"]
        assert identity["shared"] is shared
    assert hub.receive(sms()).contact_id == contact_id


def test_an_asserted_address_is_withdrawn_and_is_nobodys_again(api: Api, hub: Hub) -> None:
    contact_id = hub.receive(mail()).contact_id
    body = {"kind": "phone", "value": ANA_PHONE.value}
    api.post(f"/v1/contacts/{contact_id}/identities", body)
    path = f"/v1/contacts/{contact_id}/identities/phone/{ANA_PHONE.value}"
    contact = api.call("DELETE", path).json
    assert [identity["kind"] for identity in contact["identities"]] == ["email"]
    assert api.call("DELETE", path).status == 404
    assert hub.receive(sms()).contact_id != contact_id
    World.of(hub.table).check()


def test_an_address_with_a_history_is_split_off_instead_of_withdrawn(api: Api, hub: Hub) -> None:
    recorded = hub.receive(sms())
    path = f"/v1/contacts/{recorded.contact_id}/identities/phone/{ANA_PHONE.value}"
    assert api.call("DELETE", path).status == 409
    identity = contacts.get_identity(hub.table, ANA_PHONE)
    assert identity
    with pytest.raises(ConflictError):
        contacts.withdraw(hub.table, identity)
    assert hub.contact(ANA_PHONE).root.id == recorded.contact_id


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("phone/%2B14155550199", 404),
        ("email/ana@example.com", 404),
        ("fax/1", 422),
        ("phone/call%20me", 422),
    ],
)
def test_only_an_address_of_this_contact_is_changed(
    api: Api, hub: Hub, path: str, status: int
) -> None:
    whole = f"/v1/contacts/{hub.receive(sms()).contact_id}/identities/{path}"
    assert api.call("PATCH", whole, body={"shared": True}).status == status
    assert api.call("DELETE", whole).status == status

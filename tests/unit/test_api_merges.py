"""The API's merges: what they would join, that they do, and that they can be taken back."""

from typing import Any

import pytest

from shared.split import move
from tests.api import Api
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, mail, sms
from tests.hub import Hub

WHY = "she says so on the phone"


def merge(api: Api, survivor: str, joined: str, query: str = "", **body: Any) -> Any:
    return api.call(
        "POST",
        f"/v1/contacts/{survivor}/merge",
        query=query,
        body={"other": joined, "reason": WHY} | body,
    )


def values(contact: Any) -> set[str]:
    return {identity["value"] for identity in contact["identities"]}


def test_a_preview_changes_nothing_and_names_what_both_have(api: Api, hub: Hub) -> None:
    ana = hub.receive(mail(author_name="Ana")).contact_id
    other = hub.receive(sms(author_name="A. Lopez")).contact_id
    seen = api.post(f"/v1/contacts/{ana}/merge", {"other": other}, query="preview=true")
    assert seen["merge"] is None
    assert (seen["contact"]["id"], seen["other"]["id"]) == (ana, other)
    assert seen["conflicts"] == [{"field": "name", "survivor": "Ana", "other": "A. Lopez"}]
    assert api.get(f"/v1/contacts/{other}")["id"] == other


def test_a_merge_joins_and_its_undo_gives_everything_back(api: Api, hub: Hub) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    before = [api.get(f"/v1/contacts/{each}") for each in (ana, other)]
    made = merge(api, ana, other).json
    assert values(made["contact"]) == {ANA_EMAIL.value, ANA_PHONE.value}
    assert made["other"] is None
    assert (made["merge"]["survivor"], made["merge"]["merged"]) == (ana, other)
    assert (made["merge"]["by"], made["merge"]["reason"]) == ("agent-1", WHY)
    answered = api.get(f"/v1/contacts/{other}")
    assert answered == made["contact"] | {"merged_into": ana}, "the old id answers"
    undone = api.post(f"/v1/merges/{made['merge']['id']}/undo", {"reason": "it was her sister"})
    assert [undone["contact"], undone["other"]] == before
    assert undone["merge"]["state"] == "undone"
    assert undone["merge"]["undone_reason"] == "it was her sister"


def test_the_timeline_names_the_merge_that_can_be_undone(api: Api, hub: Hub) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    made = merge(api, ana, other).json
    (told,) = api.get(f"/v1/contacts/{ana}/timeline", "kind=merge")["items"]
    assert told["provider"] == {"name": "throughline", "id": made["merge"]["id"]}


def test_an_address_is_split_off_with_its_history(api: Api, hub: Hub) -> None:
    ana = hub.receive(chat(vouched=(ANA_PHONE,))).contact_id
    hub.receive(sms("from her son"))
    body = {"identity": {"kind": "phone", "value": "(415) 555-0101"}, "reason": WHY}
    made = api.post(f"/v1/contacts/{ana}/split", body)
    assert values(made["contact"]) == {ANA_CHAT.value}
    assert values(made["other"]) == {ANA_PHONE.value}
    target = made["split"]["target"]
    assert target == made["other"]["id"]
    for _ in range(2):
        items = api.get(f"/v1/contacts/{target}/timeline", "kind=message")["items"]
        assert [item["text"] for item in items] == ["from her son"]
        assert move(hub.table, made["split"]["id"], now=NOW)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": None}, "reason"),
        ({"other": ""}, "other"),
        ({"why": "x"}, "why"),
    ],
)
def test_a_merge_that_says_too_little_is_refused(
    api: Api, hub: Hub, body: dict[str, Any], field: str
) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    answer = merge(api, ana, other, **body)
    assert (answer.status, answer.fields) == (422, [field])


def test_what_makes_no_sense_is_refused_with_its_reason(api: Api, hub: Hub) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    assert merge(api, ana, "ctc_nobody").status == 404
    assert merge(api, ana, ana).status == 409
    assert merge(api, ana, other, query="preview=perhaps").status == 400
    assert merge(api, ana, other, query="preview=").status == 400
    assert api.call("POST", "/v1/merges/mrg_none/undo", body={"reason": WHY}).status == 404
    made = merge(api, ana, other).json["merge"]["id"]
    answer = merge(api, other, ana)
    assert (answer.status, answer.json["detail"]) == (409, "these are one contact already")
    for status in (200, 409):
        answer = api.call("POST", f"/v1/merges/{made}/undo", body={"reason": WHY})
        assert answer.status == status
    body = {"identity": {"kind": "phone", "value": "+14155550199"}, "reason": WHY}
    assert api.call("POST", f"/v1/contacts/{ana}/split", body=body).status == 404
    body = {"identity": {"kind": "email", "value": ANA_EMAIL.value}, "reason": WHY}
    answer = api.call("POST", f"/v1/contacts/{ana}/split", body=body)
    assert (answer.status, "nothing would be left" in answer.json["detail"]) == (409, True)
    body = {"identity": {"kind": "phone", "value": "no number"}, "reason": WHY}
    answer = api.call("POST", f"/v1/contacts/{ana}/split", body=body)
    assert (answer.status, answer.fields) == (422, ["identity.value"])

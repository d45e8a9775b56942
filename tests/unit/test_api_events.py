"""The API's events: what happened at sites and in apps, on the timeline once."""

import json
from typing import Any

import pytest

from shared.model.identity import Address, IdentityKind
from tests.api import Api
from tests.builders import later, sms
from tests.hub import Hub
from tests.world import World

ORDER: dict[str, Any] = {
    "kind": "order",
    "source": "shop",
    "id": "A-1001",
    "occurred_at": "2024-02-29T10:00:00+01:00",
    "data": {"state": "shipped", "total": 12.5, "items": [{"sku": "1", "n": 2}]},
}


@pytest.fixture
def path(hub: Hub) -> str:
    """Where a customer's events go."""
    return f"/v1/contacts/{hub.receive(sms()).contact_id}/events"


def test_an_order_keeps_its_date_and_its_data_and_opens_no_conversation(
    api: Api, hub: Hub, path: str
) -> None:
    entry = api.post(path, ORDER)
    assert (entry["kind"], entry["channel"], entry["direction"]) == ("order", "order", "inbound")
    assert entry["occurred_at"] == "2024-02-29T09:00:00.000Z"
    assert entry["data"] == ORDER["data"]
    assert entry["provider"] == {"name": "app:shop", "id": "A-1001"}
    assert entry["conversation_id"] is None
    shown = api.get(path.replace("events", "timeline"))["items"]
    assert [each["kind"] for each in shown] == ["message", "order"]
    assert shown[1] == entry
    assert len(World.of(hub.table).conversations) == 1


def test_an_event_is_there_once_however_often_and_under_whichever_id_it_is_told(
    api: Api, hub: Hub, path: str
) -> None:
    entry = api.post(path, ORDER)
    assert api.post(path, {**ORDER, "data": {"state": "changed"}}) == entry
    other = api.post(path, {**ORDER, "source": "other-shop"})
    assert other["id"] != entry["id"]
    bo = hub.receive(sms(sender=Address(IdentityKind.PHONE, "+14155550102"))).contact_id
    assert api.call("POST", f"/v1/contacts/{bo}/events", body=ORDER).status == 409


def test_an_event_of_the_future_is_of_now(api: Api, path: str) -> None:
    entry = api.post(path, {**ORDER, "kind": "page_view", "occurred_at": "9999-12-31T00:00:00Z"})
    assert entry["occurred_at"] == later(minutes=5).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    first = api.post(path, {**ORDER, "id": "0", "occurred_at": "0001-01-01T00:00:00Z"})
    assert first["occurred_at"] == "1970-01-01T00:00:00.000Z"


def test_an_event_takes_two_calls(api: Api, path: str, aws_calls: list[str]) -> None:
    aws_calls.clear()
    api.post(path, ORDER)
    assert aws_calls == ["GetItem", "TransactWriteItems"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "message"}, "kind"),
        ({"source": "Twilio#1"}, "source"),
        ({"id": "a#b"}, "id"),
        ({"occurred_at": "2024-02-29T10:00:00"}, "occurred_at"),
        ({"occurred_at": 1_700_000_000}, "occurred_at"),
        ({"data": {"x": "y" * 20_000}}, "data"),
    ],
)
def test_an_event_that_breaks_a_rule_is_422_and_names_the_field(
    api: Api, path: str, fields: dict[str, Any], field: str
) -> None:
    answer = api.call("POST", path, body={**ORDER, **fields})
    assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize("data", ['{"a": NaN}', '{"a": 1' + "0" * 5_000 + "}", '{"a": "\\ud800"}'])
def test_data_that_no_json_reader_would_take_is_refused(api: Api, path: str, data: str) -> None:
    raw = json.dumps(ORDER | {"data": 0}).replace('"data": 0', f'"data": {data}')
    answer = api.call("POST", path, raw_body=raw)
    assert answer.status in (400, 422)


def test_an_event_of_nobody_is_404(api: Api) -> None:
    assert api.call("POST", "/v1/contacts/ctc_nobody/events", body=ORDER).status == 404

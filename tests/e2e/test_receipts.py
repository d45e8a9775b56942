"""Status callbacks from outside: whatever order they come in, the receipt only moves forward."""

import secrets
from typing import Any

import pytest
import requests

from infrastructure.local.entrances import TIMEOUT, Entrances
from infrastructure.local.standins.twilio import signature
from tests.e2e.test_entrances import contact_of, entry_with, phone, soon, timeline


def habits(hub: Entrances, **changed: Any) -> None:
    base = hub.hub["outbox_url"].removesuffix("/outbox")
    requests.post(f"{base}/twilio/habits", json=changed, timeout=TIMEOUT).raise_for_status()


@pytest.fixture
def silent(entrances: Entrances) -> Any:
    """Twilio takes messages and never reports on them by itself."""
    habits(entrances, loses_callbacks=True)
    yield
    habits(entrances)


def sent(hub: Entrances) -> tuple[dict[str, Any], dict[str, Any]]:
    """A text to somebody new: its entry, and the row of the outbox."""
    number = phone()
    assert hub.text_message(number, "hello").ok
    contact = soon("the contact", lambda: contact_of(hub, f"phone:{number}"))
    text = f"answer {secrets.token_hex(4)}"
    path = f"/v1/contacts/{contact['id']}/messages"
    entry = hub.api("POST", path, body={"channel": "sms", "text": text}).json()

    def row() -> dict[str, Any] | None:
        rows = (it for it in hub.outbox("twilio") if it["text"] == text)
        return next((it for it in rows if "message" in it["raw"]), None)

    return entry, soon("the text", row, within=15)


def call_back(hub: Entrances, row: dict[str, Any], status: str, **fields: str) -> int:
    """One status callback, signed as Twilio signs it unless a `signature` is given."""
    given = fields.pop("signature", None)
    sid = row["raw"]["message"]["sid"]
    form = {"MessageSid": sid, "MessageStatus": status, "To": row["to"], **fields}
    url = row["status_callback"]
    proof = signature(hub.hub["twilio"]["auth_token"], url, form) if given is None else given
    headers = {"X-Twilio-Signature": proof} if proof else {}
    return requests.post(url, data=form, headers=headers, timeout=TIMEOUT).status_code


def receipt(hub: Entrances, entry: dict[str, Any]) -> dict[str, Any]:
    entries = timeline(hub, entry["contact_id"])
    found: dict[str, Any] = next(it["receipt"] for it in entries if it["id"] == entry["id"])
    return found


@pytest.mark.usefixtures("silent")
def test_a_callback_that_nobody_signed_changes_nothing(entrances: Entrances) -> None:
    entry, row = sent(entrances)
    soon("it is taken", lambda: receipt(entrances, entry)["state"] == "accepted")
    for forged in ("", "AAAA", "Zm9yZ2Vk"):
        assert call_back(entrances, row, "delivered", signature=forged) == 403
    assert receipt(entrances, entry)["state"] == "accepted"


@pytest.mark.usefixtures("silent")
def test_callbacks_in_any_order_and_any_number_leave_the_furthest_state(
    entrances: Entrances,
) -> None:
    entry, row = sent(entrances)
    for status in ("delivered", "sent", "queued", "delivered", "sent"):
        assert call_back(entrances, row, status) == 204
    assert receipt(entrances, entry)["state"] == "delivered"


@pytest.mark.usefixtures("silent")
def test_a_later_duplicate_without_the_reason_keeps_the_reason(entrances: Entrances) -> None:
    entry, row = sent(entrances)
    assert call_back(entrances, row, "undelivered", ErrorCode="30007") == 204
    assert call_back(entrances, row, "undelivered") == 204
    found = receipt(entrances, entry)
    assert (found["state"], found["error"]) == ("undelivered", "30007")


@pytest.mark.usefixtures("silent")
def test_a_callback_that_comes_after_the_last_changes_nothing(entrances: Entrances) -> None:
    entry, row = sent(entrances)
    assert call_back(entrances, row, "delivered") == 204
    for late in ("failed", "undelivered", "sent"):
        assert call_back(entrances, row, late, ErrorCode="30008") == 204
    assert receipt(entrances, entry)["state"] == "delivered"


@pytest.mark.usefixtures("silent")
def test_a_callback_finds_its_message_wherever_a_merge_and_a_split_have_brought_it(
    entrances: Entrances,
) -> None:
    entry, row = sent(entrances)
    other, theirs = sent(entrances)
    path = f"/v1/contacts/{entry['contact_id']}"
    merged = entrances.api(
        "POST", f"{path}/merge", body={"other": other["contact_id"], "reason": "one person"}
    )
    assert merged.ok, merged.text
    assert call_back(entrances, row, "sent") == 204
    assert call_back(entrances, theirs, "sent") == 204
    number = {"kind": "phone", "value": row["to"]}
    split = entrances.api(
        "POST", f"{path}/split", body={"identity": number, "reason": "two, after all"}
    )
    assert split.ok, split.text

    def moved() -> dict[str, Any] | None:
        contact = contact_of(entrances, f"phone:{row['to']}")
        is_new = contact and contact["id"] not in (entry["contact_id"], other["contact_id"])
        found = timeline(entrances, contact["id"]) if contact and is_new else []
        return next((it for it in found if it["id"] == entry["id"]), None)

    assert soon("it has moved", moved, within=15)["receipt"]["state"] == "sent"
    assert call_back(entrances, row, "delivered") == 204
    assert call_back(entrances, theirs, "delivered") == 204
    assert soon("it is here", moved)["receipt"]["state"] == "delivered"
    assert receipt(entrances, other)["state"] == "delivered"


def test_a_callback_for_a_message_that_is_not_there_is_not_found(entrances: Entrances) -> None:
    _, row = sent(entrances)
    unknown = row["status_callback"].rpartition("/")[0] + "/ent_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    nobodys = {"message": {"sid": f"SM{secrets.token_hex(16)}"}}
    assert call_back(entrances, {**row, "raw": nobodys, "status_callback": unknown}, "sent") == 404


def test_a_text_whose_webhook_was_lost_is_on_the_timeline_after_the_next_reconciling(
    entrances: Entrances,
) -> None:
    number, base = phone(), entrances.hub["outbox_url"].removesuffix("/outbox")
    told = {"from": number, "to": entrances.hub["twilio"]["number"], "body": "did you get this?"}
    requests.post(f"{base}/twilio/received", json={**told, "seconds_ago": 300}, timeout=TIMEOUT)
    assert contact_of(entrances, f"phone:{number}") is None

    functions = entrances.aws.client("lambda")
    (name,) = (
        it["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for it in page["Functions"]
        if "Reconcile" in it["FunctionName"]
    )
    for _ in range(2):
        answer = functions.invoke(FunctionName=name, Payload=b'{"run": "inbound"}')
        assert "FunctionError" not in answer, answer["Payload"].read()

    entry = soon("the text", lambda: entry_with(entrances, f"phone:{number}", "did you get this?"))
    assert [it["id"] for it in timeline(entrances, entry["contact_id"])] == [entry["id"]]

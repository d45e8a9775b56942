"""On the deployed hub: what cannot be processed is listed, looked at and replayed."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode

import pytest

from infrastructure.local.entrances import Entrances, received_mail
from infrastructure.parked.__main__ import kept, where
from infrastructure.parked.item import Hub
from shared.store.parking import Parking
from tests.e2e.machine import ROOT, Machine
from tests.e2e.test_entrances import contact_of, entry_with, phone, soon, timeline
from tests.e2e.test_receipts import call_back, habits, receipt, sent


@pytest.fixture
def stack(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr("infrastructure.parked.queues.WAIT_SECONDS", 0)  # it is one server
    return where("", machine.directory)


def make(machine: Machine) -> tuple[int, str]:
    """Run the command that lists; its exit code and what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "infrastructure.parked", "--directory", str(machine.directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def parked_ids(stack: Hub) -> set[str]:
    with kept(stack) as found:
        return {item.id for item in found}


def replay(stack: Hub, item_id: str) -> str:
    with kept(stack) as found:
        return next(item for item in found if item.id == item_id).replay()


def mend(stack: Hub, item_id: str, **parts: Any) -> None:
    """Make what was parked readable, where one would mend the code that reads it."""
    place = {"Bucket": stack.outputs["ContentBucketName"], "Key": f"parked/{item_id}.json"}
    s3 = stack.client("s3")
    stored: dict[str, Any] = json.load(s3.get_object(**place)["Body"])
    stored["content"] |= parts
    s3.put_object(**place, Body=json.dumps(stored).encode())


def test_a_poisoned_text_is_listed_looked_at_and_replayed(
    entrances: Entrances, machine: Machine, stack: Hub
) -> None:
    before, number = parked_ids(stack), phone()
    answered = entrances.text_message(number, "I was parked", MessageSid="")
    assert (answered.status_code, answered.text) == (200, "<Response/>")
    (item_id,) = parked_ids(stack) - before
    code, listed = make(machine)
    assert (code, item_id in listed, "the message has no id" in listed) == (0, True, True)
    with kept(stack) as found:
        item = next(it for it in found if it.id == item_id)
    assert "I+was+parked" in item.look()
    assert item.replay() == "the message has no id"
    form = {"MessageSid": "SMparked", "From": number, "To": "+15005550006", "Body": "I was parked"}
    mend(stack, item_id, body=urlencode(form))
    assert replay(stack, item_id) == ""
    assert entry_with(entrances, f"phone:{number}", "I was parked")
    assert parked_ids(stack) == before


def test_a_poisoned_chat_message_is_replayed(entrances: Entrances, stack: Hub) -> None:
    before, visitor = parked_ids(stack), {"id": "v-parked"}
    answered = entrances.chat_message("s-1", visitor, "hi\0", delivery="msg_" + "x" * 200)
    assert answered.status_code == 202
    (item_id,) = parked_ids(stack) - before
    assert replay(stack, item_id) != ""
    mend(stack, item_id, headers={"webhook-id": "msg_parked"})
    assert replay(stack, item_id) == ""
    assert entry_with(entrances, "chat:v-parked", "hi")
    assert parked_ids(stack) == before


def test_a_mail_is_replayed_from_its_dead_letters_and_counted_once(
    entrances: Entrances, stack: Hub
) -> None:
    before = parked_ids(stack)
    source = received_mail("pam@example.net", entrances.hub["mail"]["address"], "Hi", "parked mail")
    entrances.mail(source, name="parked")
    soon("the mail", lambda: entry_with(entrances, "email:pam@example.net", "parked mail"))
    key = entrances.hub["mail"]["prefix"] + "parked"
    stored = {"bucket": {"name": entrances.hub["mail"]["bucket"]}, "object": {"key": key}}
    sqs = stack.client("sqs")
    dead = stack.outputs["MailDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"Records": [{"s3": stored}]}))
    (item_id,) = parked_ids(stack) - before
    with kept(stack) as found:
        assert "parked mail" in next(it for it in found if it.id == item_id).look()
    assert replay(stack, item_id) == ""
    assert parked_ids(stack) == before
    contact = contact_of(entrances, "email:pam@example.net")
    assert contact
    assert len(timeline(entrances, contact["id"], kind="message")) == 1


def put_parked(stack: Hub, item_id: str, content: Any) -> None:
    """Park it as a function does that meets a defect."""
    bucket = stack.outputs["ContentBucketName"]
    Parking(lambda: stack.client("s3"), bucket).park(item_id, content, "KeyError in nobody, line 1")


def test_a_click_that_was_parked_takes_effect_when_it_is_replayed(
    entrances: Entrances, stack: Hub
) -> None:
    before, visitor = parked_ids(stack), {"id": "v-click", "email": "cli@example.net"}
    assert entrances.chat_message("s-1", {**visitor, "verified": True}, "hello").ok
    contact = soon("her", lambda: contact_of(entrances, "email:cli@example.net"))
    pages = stack.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=stack.outputs["TableName"]).search("Items[]")
    (address,) = (it["PK"]["S"] for it in found if it.get("value") == {"S": "cli@example.net"})
    click = {
        "sender": f"{address.removeprefix('IDENTITY#')}/marketing",
        "received_at": "2026-11-20T12:00:00+00:00",
        "path": "/webhooks/unsubscribe/token",
        "query": "",
        "path_parameters": {"token": "token"},
        "headers": {},
        "body": "List-Unsubscribe=One-Click",
    }
    for _ in range(2):
        put_parked(stack, "unsubscribe/click", click)
        assert replay(stack, "unsubscribe/click") == ""
    told = entrances.api("GET", f"/v1/contacts/{contact['id']}/consent").json()["items"]
    assert [(it["purpose"], it["state"]) for it in told] == [("marketing", "denied")]
    assert parked_ids(stack) == before


def test_a_poisoned_callback_is_parked_and_moves_its_receipt_when_it_is_replayed(
    entrances: Entrances, stack: Hub
) -> None:
    habits(entrances, loses_callbacks=True)
    before = parked_ids(stack)
    entry, row = sent(entrances)
    assert call_back(entrances, row, "delivered", MessageSid="") == 204
    (item_id,) = parked_ids(stack) - before
    assert replay(stack, item_id) != ""
    form = {"MessageSid": row["raw"]["message"]["sid"], "MessageStatus": "delivered"}
    mend(stack, item_id, body=urlencode(form))
    assert replay(stack, item_id) == ""
    assert receipt(entrances, entry)["state"] == "delivered"
    habits(entrances)


def test_a_record_of_the_stream_that_nobody_can_read_is_parked_by_both_readers(
    entrances: Entrances, stack: Hub
) -> None:
    before, table = parked_ids(stack), {"TableName": stack.outputs["TableName"]}
    at = {"PK": {"S": "CONVERSATION#poison"}, "SK": {"S": "CONVERSATION"}}
    change = {"depth": {"N": "0"}, "events": {"L": [{"S": "ConversationOpened"}]}}
    poison = {**at, "type": {"S": "conversation"}, "change": {"M": change}}
    client = stack.client("dynamodb")
    client.put_item(**table, Item=poison)
    try:
        new = soon(
            "both park it",
            lambda: found if len(found := parked_ids(stack) - before) == 2 else None,
            within=30,
        )
    finally:
        client.delete_item(**table, Key=at)
    assert sorted(it.partition("/")[0] for it in new) == ["amounts", "events"]
    for item_id in new:
        assert replay(stack, item_id) != ""
        mend(stack, item_id, dynamodb={"SequenceNumber": "1", "NewImage": {"type": {"S": "x"}}})
        assert replay(stack, item_id) == ""
    assert parked_ids(stack) == before


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        ("Notify", {"due": "debounce", "home": "ctc_nobody", "id": "agent-answered"}),
        (
            "FetchMedia",
            {
                "detail": {
                    "home_contact_id": "c",
                    "occurred_at": "2026-11-20T12:00:00Z",
                    "entry_id": "e",
                }
            },
        ),
    ],
    ids=["notification", "media"],
)
def test_a_dead_letter_goes_back_to_its_queue_and_is_taken(
    stack: Hub, machine: Machine, queue: str, body: Any
) -> None:
    before, sqs = parked_ids(stack), stack.client("sqs")
    sqs.send_message(
        QueueUrl=stack.outputs[f"{queue}DeadLetterQueueUrl"], MessageBody=json.dumps(body)
    )
    (item_id,) = parked_ids(stack) - before
    assert item_id in make(machine)[1]
    waiting = left_in(stack, queue)  # what other tests want tried again later
    assert replay(stack, item_id) == ""
    assert parked_ids(stack) == before
    assert soon("it is taken", lambda: left_in(stack, queue) <= waiting, within=30)


def left_in(stack: Hub, queue: str) -> int:
    """How many messages a queue holds, seen or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = stack.outputs[f"{queue}QueueUrl"]
    left = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(map(int, left["Attributes"].values()))

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
from tests.e2e.machine import ROOT, Machine
from tests.e2e.test_entrances import contact_of, entry_with, phone, soon, timeline


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

"""Bodies in the bucket: of a message brought twice one, of one that is not kept none."""

import random
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from shared.model.errors import UnavailableError
from shared.record import Outcome
from shared.store import contacts, erasing
from shared.store.table import Table
from tests.api import Api
from tests.builders import NOW, chat, mail, sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub

LONG = "".join(random.Random(3).choices([chr(code) for code in range(5_000, 50_000)], k=50_000))


def kept() -> int:
    """How many objects there are."""
    return boto3.client("s3", region_name=REGION).list_objects_v2(Bucket=BUCKET)["KeyCount"]


def test_a_message_brought_again_after_a_failure_leaves_one_body(
    hub: Hub, at_call: Callable[[int, str, BaseException], None]
) -> None:
    at_call(2, "before", UnavailableError("gone"))
    with pytest.raises(UnavailableError):
        hub.receive(chat(LONG, webhook_id="msg-1"))
    recorded = hub.receive(chat(LONG, webhook_id="msg-1"))
    assert kept() == 1
    assert recorded.entry
    assert hub.bodies.restore(recorded.entry).text == LONG


def test_a_note_whose_answer_got_lost_leaves_one_body(api: Api, hub: Hub) -> None:
    path = f"/v1/contacts/{hub.receive(sms()).contact_id}/notes"
    once = {"Idempotency-Key": "k"}
    first, again = (api.post(path, {"text": LONG}, headers=once) for _ in range(2))
    assert first == again
    assert kept() == 1


def test_another_request_under_the_same_key_does_not_touch_the_firsts_body(
    api: Api, hub: Hub
) -> None:
    path = f"/v1/contacts/{hub.receive(mail()).contact_id}/messages"
    assert (
        api.call("POST", path, body={"text": LONG}, headers={"Idempotency-Key": "k"}).status == 202
    )
    other = {"text": LONG[1:]}
    assert api.call("POST", path, body=other, headers={"Idempotency-Key": "k"}).status == 422
    assert kept() == 1


def test_of_what_nobody_may_be_sent_no_body_is_kept(api: Api, hub: Hub) -> None:
    path = f"/v1/contacts/{hub.receive(sms('STOP')).contact_id}/messages"
    assert api.call("POST", path, body={"text": LONG}).status == 409
    assert kept() == 0


def test_of_a_late_message_of_somebody_who_was_erased_no_body_is_kept(
    table: Table, hub: Hub
) -> None:
    contact = contacts.get_contact(table, hub.receive(chat()).contact_id)
    root = erasing_of(table, contact)
    for key in root.addresses:
        erasing.bury(table, root, key, NOW)
    assert hub.receive(chat(LONG)).outcome is Outcome.ERASED
    assert kept() == 0


def erasing_of(table: Table, contact: contacts.Contact) -> Any:
    """The contact once its erasure has begun."""
    erasing.flag(table, contact.root, contact.members, by="agent-1", at=NOW)
    return contacts.get_profile(table, contact.root.id)

"""The sweep wakes what is due, and forgets nothing."""

import json
from typing import Any

import boto3
import pytest

from functions.deliver_message.notices import read_notice
from shared.deliver import Outcome
from shared.model.due import Due
from shared.model.errors import UnavailableError
from shared.model.receipt import ReceiptKey
from shared.model.sending import Refused, Unknown
from shared.providers.sqs import Queue
from shared.store import due, keys
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.sweep import sweep
from tests.builders import NOW, later, sms
from tests.conftest import REGION
from tests.outbound import Office, key_of


@pytest.fixture
def queue_url(aws: None) -> str:
    return boto3.client("sqs", region_name=REGION).create_queue(QueueName="deliver")["QueueUrl"]


def queue(url: str) -> Queue:
    return Queue(boto3.client("sqs", region_name=REGION), url)


def received(url: str) -> list[str]:
    """The bodies of all messages on a queue."""
    client, bodies = boto3.client("sqs", region_name=REGION), []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    return bodies


def put(table: Table, number: int, **at: Any) -> ReceiptKey:
    key = ReceiptKey(home=f"ctc_{number}", at=NOW, entry_id=f"ent_{number}")
    table.write(due.put_leg(Due(key=key, at=later(**at), revision=1)))
    return key


def test_what_is_due_is_put_on_the_queue_and_nothing_else(table: Table, queue_url: str) -> None:
    key = put(table, 1, minutes=2)
    assert sweep(table, queue(queue_url), queue(queue_url), later(minutes=1)).messages == 0
    assert sweep(table, queue(queue_url), queue(queue_url), later(minutes=2)).messages == 1
    (body,) = received(queue_url)
    assert json.loads(body) == {"home": "ctc_1", "at": "2026-11-20T12:00:00.000Z", "entry": "ent_1"}
    assert read_notice(body) == key


def test_what_is_still_due_is_woken_again_each_minute(table: Table, queue_url: str) -> None:
    put(table, 1)
    swept = [sweep(table, queue(queue_url), queue(queue_url), later(minutes=n)) for n in range(3)]
    assert [each.messages for each in swept] == [1, 1, 1]


def test_however_many_are_due_all_are_woken(
    table: Table, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_PAGE", 7)
    due_keys = {put(table, number) for number in range(60)}
    assert sweep(table, queue(queue_url), queue(queue_url), NOW).messages == 60
    assert {read_notice(body) for body in received(queue_url)} == due_keys


def test_a_queue_that_does_not_take_all_of_it_is_an_error(table: Table) -> None:
    class Full:
        def send_message_batch(self, **request: Any) -> dict[str, Any]:
            return {"Successful": [], "Failed": [{"Id": "0", "Code": "Busy", "SenderFault": False}]}

    put(table, 1)
    full = Queue(Full(), "url")  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        sweep(table, full, full, NOW)


def test_a_queue_that_does_not_answer_is_an_error(table: Table, aws: None) -> None:
    put(table, 1)
    gone = queue("https://sqs.us-east-1.amazonaws.com/1/none")
    with pytest.raises(UnavailableError):
        sweep(table, gone, gone, NOW)


def test_due_items_sort_below_entries_so_that_no_page_meets_them() -> None:
    key = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
    assert due.due_key(key).sk < keys.ENTRY


@pytest.mark.parametrize("answer", [Refused("20429", final=False), Unknown("no-answer")])
def test_a_message_that_waits_is_woken_until_it_is_settled(
    table: Table, bodies: Bodies, queue_url: str, answer: Refused | Unknown
) -> None:
    office = Office(table, bodies)
    key = key_of(office.answer(office.hub.receive(sms()).contact_id))
    office.provider.answers = [answer]
    outcomes = [office.deliver(key)]
    for _ in range(20):
        office.wait(minutes=1)
        sweep(table, queue(queue_url), queue(queue_url), office.now)
        outcomes += [office.deliver(read_notice(body)) for body in received(queue_url)]
    end = Outcome.ACCEPTED if isinstance(answer, Refused) else Outcome.UNCONFIRMED
    assert outcomes[-1] is end
    assert office.due() == []

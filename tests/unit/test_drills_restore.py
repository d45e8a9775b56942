"""A drill: the table is lost and put back as it was an hour ago, while the world went on."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from functions.inbound_email.mail import mailbox
from infrastructure import restore as command
from infrastructure.parked.item import Hub
from shared.model.receipt import Receipt, ReceiptKey
from shared.restore import restore
from shared.runtime import clients
from shared.store import receipts
from shared.store.attributes import Item
from shared.store.keys import Key
from shared.store.restoring import read_all
from shared.store.table import Delete
from tests.faults.account import Snapshot
from tests.faults.injector import Call, DeadError, Fault, response
from tests.faults.scenarios.scenario import by_queue, by_webhook
from tests.faults.scenarios.story import NUMBER, chat, notice
from tests.faults.state import TABLE
from tests.http_events import AGENT, http_event
from tests.running import Running, running
from tests.table_schema import create_table
from tests.template import lets_through
from tests.world import World

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # where the numbers are
ANA, ANA_PHONE = "ana@example.org", "+14155550101"
QUEUED, CLAIMED, UNKNOWN, RETRY = (f"+1415555020{n}" for n in range(4))
NEVER_LEFT, SAID_STOP, NEW = "+14155550208", "+14155550209", "+14155550210"
_numbers = count(100)


@pytest.fixture
def run() -> Iterator[Running]:
    with running(NOON) as made:
        yield made


def away(entry: dict[str, Any]) -> str:
    raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "PutEvents")


def agent(run: Running, method: str, path: str, **body: Any) -> Any:
    claims = {**AGENT, "scope": "messages:send contacts:erase"}
    headers = {"idempotency-key": f"key-{next(_numbers)}"}
    event = http_event(method, path, body=body or None, claims=claims, headers=headers)
    told = run.account.invoke("timeline_api", event)
    assert told["statusCode"] < 300, told["body"]
    return json.loads(told["body"])


def write_to(run: Running, contact: str, channel: str) -> ReceiptKey:
    """An agent writes; where the receipt lies."""
    path = f"/v1/contacts/{contact}/messages"
    told = agent(run, "POST", path, channel=channel, text=f"words {next(_numbers)}")
    at = datetime.fromisoformat(told["occurred_at"])
    return ReceiptKey(home=told["home_contact_id"], at=at, entry_id=told["id"])


def writes(run: Running, phone: str) -> str:
    """A customer has texted; the contact."""
    assert run.text(next(_numbers), phone) == 200
    images = [it["dynamodb"].get("NewImage", {}) for it in reversed(run.account.records)]
    return str(next(it["home"]["S"] for it in images if it.get("type") == {"S": "entry"}))


def deliver(run: Running, key: ReceiptKey, becomes: Callable[[Any], Any]) -> None:
    """A message's turn, in which this becomes of the provider's answer."""
    taking = run.account.providers.answer
    run.account.providers.answer = lambda *asked: becomes(lambda: taking(*asked))  # type: ignore[method-assign]
    with suppress(DeadError):
        by_queue(run.account, "deliver_message", notice(key))(1)
    del run.account.providers.answer


def lost(take: Any) -> Any:
    take()
    raise requests.exceptions.ReadTimeout


def busy(take: Any) -> Any:
    return response(429, {"code": 20429})


def until_then(run: Running) -> dict[str, ReceiptKey]:
    """Up to the backup: messages in every state on their way, and a notification that waits."""
    visitor = {"id": "v-1", "email": ANA, "phone": ANA_PHONE}
    assert by_webhook(run.account, "inbound_chat", lambda: chat(1, visitor))(1)
    run.mail(1, ANA)
    run.turn()
    (ana,) = World.of(run.account.table).profiles
    sent = {"told": write_to(run, ana, "email")}
    run.turn()
    run.refuses = away
    for phone in (QUEUED, CLAIMED, UNKNOWN, RETRY, NEVER_LEFT, SAID_STOP):
        sent[phone] = write_to(run, writes(run, phone), "sms")
    sent["mail"] = write_to(run, ana, "email")
    sent["mail claimed"] = write_to(run, ana, "email")
    run.account.wait(seconds=1)
    for phone in (RETRY, NEVER_LEFT, SAID_STOP):
        deliver(run, sent[phone], busy)
    deliver(run, sent[UNKNOWN], lost)
    run.account.injector.arm(Call("twilio.POST", 1), Fault.DEATH_AFTER)
    with pytest.raises(DeadError):
        by_queue(run.account, "deliver_message", notice(sent[CLAIMED]))(1)
    run.account.injector.arm(Call("sesv2.SendEmail", 1), Fault.DEATH_AFTER)
    with pytest.raises(DeadError):
        by_queue(run.account, "deliver_message", notice(sent["mail claimed"]))(1)
    run.account.injector.arm()
    return sent


def the_lost_hour(run: Running) -> None:
    """All of it leaves but for two, customers write, and one says STOP."""
    run.refuses = lambda entry: ""
    taking = run.account.providers.answer

    def some(method: str, url: str, asked: Any) -> Any:
        stuck = method == "POST" and dict(asked["data"])["To"] in (NEVER_LEFT, SAID_STOP)
        return busy(None) if stuck else taking(method, url, asked)

    run.account.providers.answer = some  # type: ignore[method-assign]
    run.minutes(3)
    for number, sender, words in (
        (1, NEW, "Hello?"),
        (2, QUEUED, "Thanks!"),
        (3, SAID_STOP, "STOP"),
    ):
        sid = f"SM9{number:031d}"
        assert run.text(number, sender, Body=words, NumMedia="0") == 200
        run.account.providers.enlist(sid, "inbound", NUMBER, sender, words)
    run.account.wait(minutes=20)
    run.minutes(2)
    del run.account.providers.answer
    run.account.wait(minutes=35)


def read_backup(run: Running, then: Snapshot) -> Iterator[Item]:
    """What was restored into a table of its own."""
    client = clients.dynamodb()
    create_table(client, "backup")
    backup = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables["backup"]
    for partition, rows in then.held.rows.items():
        backup.items[partition].update(rows)
    return read_all(client, "backup")


def put_back(run: Running, then: Snapshot) -> None:
    """The table is lost, and a new one filled from the backup."""
    now = run.account.keep()
    run.account.restore(replace(now, held=replace(now.held, rows={})))
    restore(run.account.table, read_backup(run, then), now=run.account.now)


def state(run: Running, key: ReceiptKey) -> Receipt:
    found = receipts.get_receipt(run.account.table, key)
    assert found
    return found


def test_nobody_is_texted_twice_and_what_cannot_be_known_is_unconfirmed(run: Running) -> None:
    sent = until_then(run)
    then = run.account.keep()
    the_lost_hour(run)
    had = Counter(run.account.providers.sent)
    put_back(run, then)
    World.of(run.account.table).check()

    run.replay("the last day")  # and the stream brings what it brought
    run.minutes(2)
    run.account.wait(minutes=3)
    run.account.invoke("reconcile", {"run": "inbound"})
    run.minutes(1)
    run.account.wait(minutes=13)
    run.minutes(3)

    (only,) = (Counter(run.account.providers.sent) - had).elements()
    assert only[:2] == ("twilio", NEVER_LEFT)
    states = {name: str(state(run, key).state) for name, key in sent.items()}
    assert states == {
        **dict.fromkeys((QUEUED, CLAIMED, UNKNOWN, RETRY, NEVER_LEFT, "told"), "accepted"),
        SAID_STOP: "stopped",
        "mail": "unconfirmed",
        "mail claimed": "unconfirmed",
    }
    world = World.of(run.account.table)
    world.check_open_maps()
    world.check_entries()
    words = Counter(entry.text for entry in world.messages)
    assert [words[said] for said in ("Hello?", "Thanks!", "STOP")] == [1, 1, 1]
    stops = [line for line in run.account.printed.getvalue().splitlines() if '"restored"' in line]
    assert stops


def test_what_is_there_or_was_erased_since_stays_as_it_is_and_going_on_changes_nothing(
    run: Running,
) -> None:
    gone, stays = writes(run, "+14155550211"), writes(run, "+14155550212")
    then = run.account.keep()
    assert run.text(next(_numbers), "+14155550212", Body="since then") == 200
    agent(run, "DELETE", f"/v1/contacts/{gone}")
    run.minutes(2)
    before = {(it["PK"], it["SK"]): it for it in World.of(run.account.table).items}
    table, backup = run.account.table, list(read_backup(run, then))
    lost = [it for it in backup if it["PK"] == f"CONTACT#{stays}" and it["type"] == "entry"]
    (missing,) = lost
    table.write(Delete(Key(missing["PK"], missing["SK"]), ""))
    records = len(run.account.records)

    first, again = (restore(table, backup, now=run.account.now) for _ in range(2))

    assert (first.put_back, again.put_back) == (1, 0)
    after = {(it["PK"], it["SK"]): it for it in World.of(table).items}
    assert after.keys() - before.keys() == {("RESTORED", "RESTORED")}
    assert World.of(table).erased == {gone}
    made = run.account.records[records:]
    assert not any(lets_through("PublishEventsMapping", it) for it in made)


def test_the_command_puts_a_restored_table_back_and_announces_the_mail_since(
    run: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writes(run, "+14155550213")
    client, queue = clients.dynamodb(), clients.sqs().create_queue(QueueName="mail")["QueueUrl"]
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName="restored")
    clients.s3().put_object(Bucket="mail", Key="inbound/ses 1", Body=b"raw")
    outputs = {"TableName": TABLE, "MailBucketName": "mail", "MailQueueUrl": queue}
    hub = Hub(outputs=outputs, client=boto3.client)  # type: ignore[arg-type]  # any service
    monkeypatch.setattr(command, "where", lambda *_: hub)

    def make(name: str) -> int:
        monkeypatch.setattr("sys.argv", ["restore", name])
        return command.main()

    assert (make("restored"), make(TABLE)) == (0, 1)
    said = capsys.readouterr()
    assert said.out == "0 items put back, 6 left as they are.\n1 mails announced again.\n"
    assert "no table that was restored" in said.err
    (told,) = clients.sqs().receive_message(QueueUrl=queue)["Messages"]
    assert list(mailbox().announced(told["Body"])) == ["inbound/ses 1"]

"""An account whose functions run by themselves: with its stream, bus, rules, queues and schedule.

What the template wires is read off the template; what AWS promises of it is done here: a stream's
reader goes on where it failed, a queue hides what failed and gives it up after five times.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from functions.publish_events import handler as publish_events
from shared.providers.eventbridge import Bus
from tests.faults.account import Account, account
from tests.faults.scenarios.story import NUMBER, mailed
from tests.faults.state import TABLE
from tests.template import (
    MAPPINGS,
    QUEUES,
    RULES,
    STREAM_MAPPINGS,
    called_by,
    lets_through,
    package,
    passes,
)
from tests.webhooks import form_body, twilio_event

TRIES = 5
_HIDDEN = timedelta(minutes=1)
_DEBOUNCE = "60"
# The functions name a queue by its URL, of which the account knows these.
_BY_URL = {"deliver": "DeliverQueue", "notify": "NotifyQueue"}


@dataclass
class Message:
    """One message of a queue, which shows it from `at` on."""

    body: str
    at: datetime
    received: int = 0


@dataclass(repr=False)
class Running:
    """The account; `refuses` says why the bus does not take an entry now, or nothing.

    `archive` are the events that the bus took, in order, `dead` what queues gave up.
    """

    account: Account
    refuses: Callable[[dict[str, Any]], str] = lambda entry: ""
    archive: list[dict[str, Any]] = field(default_factory=list)
    queues: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    dead: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _read: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _stuck: set[str] = field(default_factory=set)
    _effects: int = 0

    # ---- the bus

    def put_events(self, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """EventBridge's PutEvents, as far as the functions use it."""
        codes = [self.refuses(entry) for entry in Entries]
        taken = [entry for entry, code in zip(Entries, codes, strict=True) if not code]
        events = [self._event(entry) for entry in taken]
        for event in events:
            self.archive.append(event)
            self._route(event)
        return {
            "FailedEntryCount": sum(map(bool, codes)),
            "Entries": [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes],
        }

    def replay(self, name: str) -> None:
        """EventBridge plays its whole archive to the rules again."""
        for event in list(self.archive):
            self._route({**event, "replay-name": name})

    def _event(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": "0",
            "id": f"{len(self.archive)}",
            "time": self.account.now.isoformat(timespec="seconds"),
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
        }

    def _route(self, event: dict[str, Any]) -> None:
        for rule in RULES.values():
            if passes(rule["EventPattern"], event):
                (target,) = rule["Targets"]
                body = json.dumps(event)
                if "InputTransformer" in target:
                    words = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
                    words = words.replace("${DebounceSeconds}", _DEBOUNCE)
                    body = words.replace("<aws.events.event.json>", body)
                self.put(target["Arn"]["Fn::GetAtt"][0], body)

    def put(self, queue: str, body: str, delay: float = 0) -> None:
        """A message for a queue."""
        at = self.account.now + timedelta(seconds=delay)
        self.queues[queue].append(Message(body, at))

    # ---- what customers do

    def mail(self, number: int, sender: str, *headers: str) -> None:
        """SES has stored a mail just now."""
        body = mailed(number, *headers, sender=sender)
        stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["mail"].keys
        stored[f"inbound/{number}"].last_modified = self.account.now.replace(tzinfo=None)
        self.put("MailQueue", body)

    def text(self, number: int, sender: str, **changes: str) -> Any:
        """Twilio posts a text; its status."""
        told = {"MessageSid": f"SM9{number:031d}", "From": sender, "To": NUMBER}
        event = twilio_event(form_body("sms", **{**told, **changes}))
        return self.account.invoke("inbound_sms", event)["statusCode"]

    # ---- time

    def minutes(self, number: int) -> None:
        """Time passes, minute by minute: the sweep comes, and all that can move does."""
        for _ in range(number):
            self.account.wait(minutes=1)
            self.account.invoke("sweep", {})
            self.turn()

    def expire(self) -> None:
        """DynamoDB drops what has expired."""
        rows = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables[TABLE].items
        for partition in list(rows):
            for sort, item in list(rows[partition].items()):
                expires = item.attrs.get("expires_at")
                if expires and int(expires.value) < self.account.now.timestamp():
                    del rows[partition][sort]

    def turn(self) -> None:
        """Whatever can move now does, until nothing more can."""
        self._stuck.clear()
        while any([self._bring_records(), self._take_from_queues(), self._bring_messages()]):
            pass

    def _bring_records(self) -> bool:
        return any([self._bring_batch(name) for name in STREAM_MAPPINGS - self._stuck])

    def _bring_batch(self, mapping: str) -> bool:
        """A stream's reader gets what it has not read; True when it came on."""
        start, mapped = self._read[mapping], MAPPINGS[mapping]
        new = self.account.records[start : start + mapped["BatchSize"]]
        wanted = [record for record in new if lets_through(mapping, record)]
        if wanted:
            event = {"shardId": "shard-1", "Records": wanted}
            try:
                answer = self.account.invoke(package(called_by(mapping)), event)
            except Exception:  # noqa: BLE001  the whole batch comes again
                self._stuck.add(mapping)
                return False
            for failed in answer["batchItemFailures"]:
                numbers = [each["dynamodb"]["SequenceNumber"] for each in new]
                self._read[mapping] += numbers.index(failed["itemIdentifier"])
                self._stuck.add(mapping)
                return True
        self._read[mapping] += len(new)
        return bool(new)

    def _take_from_queues(self) -> bool:
        """What functions have put on queues themselves."""
        new = self.account.effects[self._effects :]
        self._effects = len(self.account.effects)
        puts = [each.asked for each in new if each.name == "sqs.SendMessageBatch"]
        for put in puts:
            queue = _BY_URL[put["QueueUrl"].rsplit("/", 1)[1]]
            for entry in put["Entries"]:
                self.put(queue, entry["MessageBody"], float(entry.get("DelaySeconds", 0)))
        return bool(puts)

    def _bring_messages(self) -> bool:
        mapped = {
            it["EventSourceArn"]["Fn::GetAtt"][0]: package(called_by(name))
            for name, it in MAPPINGS.items()
            if it["EventSourceArn"]["Fn::GetAtt"][0] in QUEUES
        }
        return any([self._bring_queue(queue, mapped[queue]) for queue in list(self.queues)])

    def _bring_queue(self, queue: str, function: str) -> bool:
        waiting = self.queues[queue]
        batch = [it for it in waiting if it.at <= self.account.now][:5]
        for message in batch:
            message.received += 1
            message.at = self.account.now + _HIDDEN
        if not batch:
            return False
        event = {"Records": [_record(number, it) for number, it in enumerate(batch)]}
        answer = self.account.invoke(function, event)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for number, message in enumerate(batch):
            if f"m-{number}" in failed and message.received < TRIES:
                continue
            waiting.remove(message)
            if f"m-{number}" in failed:
                self.dead[queue].append(message.body)
        return True


def _record(number: int, message: Message) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "handle",
        "body": message.body,
        "eventSource": "aws:sqs",
        "attributes": {"ApproximateReceiveCount": str(message.received)},
    }


@contextmanager
def running(now: datetime) -> Iterator[Running]:
    """An empty account, its clock moved by hand."""
    with account(now) as made, pytest.MonkeyPatch.context() as patch:
        run = Running(made)
        patch.setattr(publish_events, "bus", lambda: Bus(run, "throughline"))  # type: ignore[arg-type]
        yield run

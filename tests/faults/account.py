"""One AWS account in this process with all functions, whose state can be put back as it was."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.runtime import clients, clock, secrets
from shared.store.table import Table
from tests.cheap_moto import cheap_moto
from tests.deployment import deploy
from tests.faults import state
from tests.faults.injector import Effect, Injector
from tests.faults.providers import Providers, at_hand
from tests.faults.state import Held, Rows
from tests.table_schema import create_table
from tests.template import FUNCTIONS, package, told_by_default

_MORE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": state.REGION,
    "AWS_REGION": state.REGION,
    "MAIL_BUCKET": "mail",
    "SES_CONFIGURATION_SET": "throughline",
    "TWILIO_API_URL": "https://api.twilio.com",
    "BUS_NAME": "throughline",
    "BUSINESS_HOURS": "mon-sun 00:00-24:00",
    "CLOSED_DAYS": "",
    "FIRST_RESPONSE_MINUTES": "60",
    "NEXT_RESPONSE_MINUTES": "60",
    "TIME_ZONE": "UTC",
    "COUNTRIES": "",
    "NOTIFICATIONS_PER_HOUR": "5",
    "TEXTS_PER_BLOCK": "100",
}
WATCHED = ("dynamodb", "s3", "sqs", "events", "sesv2", "secretsmanager", "ssm")
_WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")


@dataclass
class Context:
    """What Lambda tells of an invocation: each time it is asked, a second has passed."""

    _left: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 1_000
        return self._left


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a case may change."""

    held: Held
    records: tuple[Any, ...]
    effects: tuple[Effect, ...]
    sent: tuple[Any, ...]
    listed: tuple[Any, ...]
    missing: frozenset[str]
    now: datetime


@dataclass
class Account:
    """The functions on their table. `records` is the table's stream, `effects` what AWS was asked.

    `printed` is what the functions said on standard output.
    """

    now: datetime
    injector: Injector = field(init=False)
    providers: Providers = field(init=False)
    records: list[dict[str, Any]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    printed: StringIO = field(default_factory=StringIO)
    _rows: Rows = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.injector = Injector(lambda: self.now, self._wait, self._took_effect)
        self.providers = Providers(lambda: self.now)

    @property
    def table(self) -> Table:
        """The functions' table."""
        key = secrets.signing_keys("keys").identity_key
        return Table(clients.dynamodb(), state.TABLE, key)

    def invoke(self, function: str, event: Any) -> Any:
        """A function's answer in a container that has served nobody yet; may raise DeadError."""
        for reader in (secrets.signing_keys, secrets.twilio_account, secrets.chat_sites):
            reader.forget()
        secrets.public_urls.forget()
        handler = import_module(f"functions.{function}.handler").lambda_handler
        with redirect_stdout(self.printed):
            return handler(event, Context())

    def wait(self, **by: float) -> None:
        """Time passes."""
        self._wait(timedelta(**by))

    def put_on(self, queue: str, since: int = 0) -> list[str]:
        """What was put on a queue, of the effects from `since` on."""
        puts = [each.asked for each in self.effects[since:] if each.name == "sqs.SendMessageBatch"]
        bodies = [entry for put in puts if queue in put["QueueUrl"] for entry in put["Entries"]]
        return [entry["MessageBody"] for entry in bodies]

    def published(self) -> list[dict[str, Any]]:
        """The events the bus took, as often as it did."""
        puts = [each.asked for each in self.effects if each.name == "events.PutEvents"]
        return [json.loads(entry["Detail"]) for put in puts for entry in put["Entries"]]

    def keep(self) -> Snapshot:
        """What to come back to."""
        return Snapshot(
            held=state.hold(),
            records=tuple(self.records),
            effects=tuple(self.effects),
            sent=tuple(self.providers.sent),
            listed=tuple(dict(row) for row in self.providers.listed),
            missing=frozenset(self.providers.missing),
            now=self.now,
        )

    def restore(self, kept: Snapshot) -> None:
        """All is as it was, and nothing goes wrong."""
        self.injector.arm()
        state.put_back(kept.held)
        self._rows = kept.held.rows
        self.records[:] = kept.records
        self.effects[:] = kept.effects
        self.providers.sent[:] = kept.sent
        self.providers.listed[:] = [dict(row) for row in kept.listed]
        self.providers.missing = set(kept.missing)
        self.now = kept.now
        self.printed.seek(0)
        self.printed.truncate()
        self.injector.arm()

    def _wait(self, by: timedelta) -> None:
        self.now += by

    def _took_effect(self, effect: Effect) -> None:
        service, _, operation = effect.name.partition(".")
        if service == "dynamodb":
            if operation in _WRITES:
                self._stream()
        elif service in ("sqs", "events"):
            self.effects.append(effect)
        elif service == "sesv2":
            tags = {tag["Name"]: tag["Value"] for tag in effect.asked["EmailTags"]}
            to = effect.asked["Destination"]["ToAddresses"]
            self.providers.sent.append(("ses", *to, tags["entry"]))

    def _stream(self) -> None:
        """Add what the last write changed."""
        rows = state.rows()
        for partition in {**self._rows, **rows}:
            before, after = self._rows.get(partition, {}), rows.get(partition, {})
            for sort in {**before, **after}:
                old, new = before.get(sort), after.get(sort)
                if old is not new:
                    self.records.append(self._record(old, new))
        self._rows = rows

    def _record(self, old: Any, new: Any) -> dict[str, Any]:
        images = {"OldImage": old, "NewImage": new}
        shown = {name: state.image(item) for name, item in images.items() if item is not None}
        return {
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "dynamodb": {
                "ApproximateCreationDateTime": self.now.timestamp(),
                "SequenceNumber": f"{len(self.records) + 1:021}",
                **shown,
            },
        }


@contextmanager
def account(now: datetime | None = None) -> Iterator[Account]:
    """An empty account, its clock at the present and moved by hand."""
    made = Account(now or datetime.now(UTC))
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**told_by_default(), **_MORE}.items():
            patch.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
            patch.delenv(name, raising=False)
        stack.enter_context(mock_aws())
        stack.enter_context(cheap_moto())
        for function in FUNCTIONS:
            import_module(f"functions.{package(function)}.handler")
        _forget()
        stack.callback(_forget)
        deploy(patch)
        create_table(clients.dynamodb(), state.TABLE)
        for bucket in state.BUCKETS:
            clients.s3().create_bucket(Bucket=bucket)
        clients.events().create_event_bus(Name="throughline")
        for queue in ("deliver", "notify"):
            url = clients.sqs().create_queue(QueueName=queue)["QueueUrl"]
            patch.setenv(f"{queue.upper()}_QUEUE_URL", url)
        boto3.client("sesv2").create_email_identity(EmailIdentity="in.example.com")
        _virtual(patch, made)
        made.injector.watch(*(getattr(clients, name)() for name in WATCHED))
        yield made


def _virtual(patch: pytest.MonkeyPatch, made: Account) -> None:
    """The functions go by the account's clock, wait no time, and reach its providers alone."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return made.now

    patch.setattr(clock, "datetime", Clock)
    at_hand(patch, made.providers, made.injector)
    for name, module in list(sys.modules.items()):
        if name.startswith("shared.") and "sleep" in vars(module):
            patch.setattr(module, "sleep", lambda seconds: None)


def _forget() -> None:
    """Empty every cache that a function keeps from one invocation to the next."""
    for name in [it for it in sys.modules if it.startswith(("functions.", "shared.runtime."))]:
        for member in vars(sys.modules[name]).values():
            if hasattr(member, "cache_clear") and getattr(member, "__module__", "") == name:
                member.cache_clear()
    for reader in vars(secrets).values():
        if isinstance(reader, secrets.Kept):
            reader.forget()

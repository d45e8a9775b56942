"""Fail, delay, throttle or kill at any single call of AWS or a provider, by its name and number."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import requests
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.faults import straight


class DeadError(BaseException):
    """The process ended here. No `except Exception` may survive it."""


class Fault(StrEnum):
    """What becomes of one call. `before`: it takes no effect; `after`: it does."""

    ERROR = "error before"
    THROTTLE = "throttled before"
    DEATH_BEFORE = "death before"
    DEATH_AFTER = "death after"
    TIMEOUT = "timeout after"
    DELAY = "ten minutes late"
    AHEAD = "clock an hour ahead"
    BACK = "clock an hour back"
    MINUTE = "all throttled for a minute"
    CONFLICT = "conflict before"
    GUSTS = "conflict at each first try"
    STORM = "conflicts without end"
    PARTIAL = "taken in part"


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """The nth call of this name in one invocation: `dynamodb.TransactWriteItems`, 1."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A call that took effect: what was asked."""

    name: str
    asked: Any


_CLOCK = {
    Fault.DELAY: timedelta(minutes=10),
    Fault.AHEAD: timedelta(hours=1),
    Fault.BACK: -timedelta(hours=1),
}
_MINUTE = timedelta(minutes=1)
_ALWAYS = (
    Fault.ERROR,
    Fault.THROTTLE,
    Fault.DEATH_BEFORE,
    Fault.DEATH_AFTER,
    Fault.TIMEOUT,
    Fault.DELAY,
    Fault.AHEAD,
    Fault.BACK,
    Fault.MINUTE,
)
_WRITES = frozenset(
    f"dynamodb.{name}" for name in ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")
)
_IN_PARTS = frozenset({"events.PutEvents", "sqs.SendMessageBatch", "dynamodb.BatchGetItem"})
_THROTTLED = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "s3": ("SlowDown", 503),
    "sesv2": ("TooManyRequestsException", 429),
}


def faults_of(call: Call) -> Sequence[Fault]:
    """What may happen at a call."""
    conflicts = (Fault.CONFLICT, Fault.GUSTS, Fault.STORM) if call.name in _WRITES else ()
    parts = (Fault.PARTIAL,) if call.name in _IN_PARTS else ()
    return (*_ALWAYS, *conflicts, *parts)


@dataclass
class Injector:
    """Watches the calls of some clients and of the providers' HTTP.

    `clock` tells the time, `pass_time` changes it, `took_effect` is told of each call once it has.
    `made` are the calls since `arm`; `struck` is when the fault came to be.
    """

    clock: Callable[[], datetime]
    pass_time: Callable[[timedelta], None]
    took_effect: Callable[[Effect], None]
    made: list[Call] = field(default_factory=list)
    struck: datetime | None = None
    _at: Call | None = None
    _fault: Fault | None = None
    _numbers: Counter[str] = field(default_factory=Counter)
    _writes: int = 0
    _now: Fault | None = None
    _name: str = ""
    _asked: Any = None

    def watch(self, *clients: Any) -> None:
        """From here on, these clients' calls."""
        for client in clients:
            client.meta.events.register_first("before-call.*.*", self._before)
            client.meta.events.register_last("after-call.*.*", self._after)

    def arm(self, call: Call | None = None, fault: Fault | None = None) -> None:
        """Count calls anew; this one meets with this fault."""
        self._at, self._fault, self.struck, self._writes = call, fault, None, 0
        self._numbers.clear()
        self.made.clear()

    def end_turn(self) -> None:
        """Nothing goes wrong any more, but a minute lasts a minute; a clock is put right."""
        if self._fault is Fault.BACK and self.struck:
            self.pass_time(-_CLOCK[Fault.BACK])
        if self._fault is not Fault.MINUTE:
            self._fault = None

    def http(self, provider: str, request: Callable[[], requests.Response]) -> requests.Response:
        """A provider's answer to one request, or what stands in its way."""
        fault = self._begin(provider)
        if fault is Fault.ERROR:
            return response(500, {})
        if fault in (Fault.THROTTLE, Fault.MINUTE):
            return response(429, {})
        answer = request()
        if fault is Fault.DEATH_AFTER:
            raise DeadError
        if fault is Fault.TIMEOUT:
            raise requests.exceptions.ReadTimeout
        return answer

    def _begin(self, name: str) -> Fault | None:
        """What strikes this call."""
        self._numbers[name] += 1
        call = Call(name, self._numbers[name])
        self.made.append(call)
        if self._fault is None or not self._strikes(call):
            return None
        self.struck = self.struck or self.clock()
        if self._fault is Fault.DEATH_BEFORE:
            raise DeadError
        if self._fault in _CLOCK:
            self.pass_time(_CLOCK[self._fault])
        return self._fault

    def _strikes(self, call: Call) -> bool:
        if self.struck is None:
            return call == self._at
        match self._fault:
            case Fault.MINUTE:
                return self.clock() < self.struck + _MINUTE
            case Fault.STORM:
                return call.name in _WRITES
            case Fault.GUSTS if call.name in _WRITES:
                self._writes += 1
                return self._writes % 2 == 0
        return False

    def _before(self, model: Any, params: Mapping[str, Any], **_: Any) -> Any:
        service = model.service_model.service_name
        self._asked = params.get("body")
        self._name = f"{service}.{model.name}"
        self._now = self._begin(self._name)
        match self._now:
            case Fault.ERROR:
                return _refusal("InternalServerError", 500)
            case Fault.THROTTLE | Fault.MINUTE:
                return _refusal(*_THROTTLED.get(service, ("ThrottlingException", 400)))
            case Fault.CONFLICT | Fault.GUSTS | Fault.STORM:
                return _conflict(model.name, params)
        return straight.ask(model.name, params["body"]) if service == "dynamodb" else None

    def _after(self, http_response: Any, parsed: Any, **_: Any) -> None:
        fault, name, asked = self._now, self._name, self._asked
        if http_response.status_code >= 300:
            return
        asked = json.loads(asked) if asked and name.split(".")[0] != "s3" else None
        if fault is Fault.PARTIAL:
            _take_in_part(name, asked, parsed)
        self.took_effect(Effect(name, asked))
        if fault is Fault.DEATH_AFTER:
            raise DeadError
        if fault is Fault.TIMEOUT:
            raise ReadTimeoutError(endpoint_url=f"https://{name}")


def response(status: int, content: Any) -> requests.Response:
    """An answer of a provider's."""
    answered = requests.Response()
    answered.status_code = status
    answered._content = json.dumps(content).encode()
    return answered


def _refusal(code: str, status: int, **more: Any) -> Any:
    parsed = {
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        "Error": {"Code": code, "Message": "injected"},
        **more,
    }
    return AWSResponse("", status, {}, None), parsed  # type: ignore[arg-type]  # no body is read


def _conflict(operation: str, params: Mapping[str, Any]) -> Any:
    if operation != "TransactWriteItems":
        return _refusal("TransactionConflictException", 400)
    legs = json.loads(params["body"])["TransactItems"]
    reasons = [{"Code": "TransactionConflict"} for _ in legs]
    return _refusal("TransactionCanceledException", 400, CancellationReasons=reasons)


def _take_in_part(name: str, asked: Any, answer: Any) -> None:
    """The first of what was asked for is not taken, as the answer says."""
    match name:
        case "events.PutEvents":
            answer["FailedEntryCount"] = 1
            answer["Entries"][0] = {"ErrorCode": "ThrottlingException"}
            del asked["Entries"][0]
        case "sqs.SendMessageBatch":
            first = asked["Entries"].pop(0)
            answer["Failed"] = [{"Id": first["Id"], "SenderFault": False, "Code": "Throttled"}]
        case "dynamodb.BatchGetItem":
            ((table, items),) = answer["Responses"].items()
            if items:
                first = items.pop(0)
                key = {part: first[part] for part in ("PK", "SK")}
                answer["UnprocessedKeys"] = {table: {"Keys": [key], "ConsistentRead": True}}

"""Run each scenario with each fault at each of its calls, until all is quiet again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from shared.runtime import clients
from shared.store.keys import read_timestamp
from tests.faults import state
from tests.faults.account import Account, Snapshot
from tests.faults.injector import Call, DeadError, Fault, faults_of
from tests.faults.outcome import Outcome, Verdict, judge, outcome
from tests.faults.scenarios.scenario import Attempt, RefusedError, Scenario, by_queue

_TRIES = 5  # after which template.yaml's queues give a message up
_LOOKS = 12
_HORIZON = timedelta(hours=2)  # what is due later belongs to another story
_REPLAYED = {
    "sms": "inbound_sms",
    "chat": "inbound_chat",
    "receipts": "receipts_twilio",
    "unsubscribe": "unsubscribe",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one call of one scenario."""

    scenario: Scenario
    call: Call
    fault: Fault

    def __str__(self) -> str:
        at = f"{self.call.name} {self.call.number}"
        return f"{self.scenario.function}, {self.scenario.name}: {at}, {self.fault}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended, and in what it differs from the undisturbed run."""

    case: Case
    verdict: Verdict
    different: list[str]


def run(
    account: Account, scenario: Scenario, wanted: Callable[[Case], bool] = lambda case: True
) -> Iterator[Result]:
    """Every wanted case of a scenario, on an account that is empty before and after."""
    empty = account.keep()
    attempt = scenario.prepare(account)
    stage = account.keep()
    undisturbed, calls = _undisturbed(account, scenario, attempt, stage)
    for call in calls:
        for fault in faults_of(call):
            case = Case(scenario, call, fault)
            if wanted(case):
                yield _tried(account, case, attempt, stage, undisturbed)
    account.restore(empty)


def one_in(number: int) -> Callable[[Case], bool]:
    """A choice of cases that is the same each time."""
    return lambda case: crc32(str(case).encode()) % number == 0


def _undisturbed(
    account: Account, scenario: Scenario, attempt: Attempt, stage: Snapshot
) -> tuple[Outcome, list[Call]]:
    """What there is in the end when nothing happens, and the calls on the way. It is so twice."""
    outcomes = []
    for _ in range(2):
        account.restore(stage)
        assert attempt(1), f"{scenario.name} is refused"
        calls = list(account.injector.made)
        _until_quiet(account, stage.now + _HORIZON)
        outcomes.append(outcome(account))
    _, different = judge(*outcomes)
    assert not different, f"{scenario.name} never ends alike: {different}"
    return outcomes[0], calls


def _tried(
    account: Account, case: Case, attempt: Attempt, stage: Snapshot, undisturbed: Outcome
) -> Result:
    account.restore(stage)
    account.injector.arm(case.call, case.fault)
    try:
        done = _brought(account, case.scenario, attempt)
    except RefusedError as error:
        return Result(case, Verdict.LOST, [str(error)])
    account.wait(minutes=1)
    account.injector.end_turn()
    account.injector.arm()
    replayed = _replay(account)
    _until_quiet(account, stage.now + _HORIZON)
    verdict, different = judge(undisturbed, outcome(account))
    if not done or not replayed:
        return Result(case, Verdict.LOST, ["given up", *different])
    return Result(case, verdict, different)


def _brought(account: Account, scenario: Scenario, attempt: Attempt) -> bool:
    """Whether whoever brings it is content in the end; the fault strikes in the first try."""
    for number in range(1, _TRIES + 1):
        if number > 1:
            account.wait(seconds=scenario.between.total_seconds())
        if _attempted(attempt, number):
            return True
        assert account.injector.struck, "it fails by itself"
        account.injector.end_turn()
    return False


def _attempted(attempt: Attempt, number: int) -> bool:
    """Whether whoever brought it is content; a function that raised or died has not answered."""
    try:
        return attempt(number)
    except RefusedError:
        raise
    except (DeadError, Exception):  # noqa: BLE001  Lambda makes no difference
        return False


def _replay(account: Account) -> bool:
    """`make replay ALL=1`: what webhooks parked is brought again; whether all of it is taken."""
    for bucket, key in state.objects():
        channel = key.removeprefix("parked/").partition("/")[0]
        if not key.startswith("parked/") or channel not in _REPLAYED:
            continue
        stored = clients.s3().get_object(Bucket=bucket, Key=key)
        parked = json.load(stored["Body"])["content"]
        if account.invoke(_REPLAYED[channel], {"replay": parked})["failed"]:
            return False
        clients.s3().delete_object(Bucket=bucket, Key=key)
    return True


def _until_quiet(account: Account, end: datetime) -> None:
    """The sweep wakes what is due, as long as something is before the end."""
    for _ in range(_LOOKS):
        following = _next_due()
        if following is None or following > end:
            return
        account.now = max(account.now, following)
        since = len(account.effects)
        account.invoke("sweep", {})
        for queue, function in (("deliver", "deliver_message"), ("notify", "notify_customer")):
            for body in account.put_on(queue, since):
                by_queue(account, function, body)(1)
        account.wait(minutes=1)


def _next_due() -> Any:
    due = [
        read_timestamp(item["GSI1SK"]["S"].split("#")[0])
        for item in state.items()
        if item.get("GSI1PK", {}).get("S", "").startswith("DUE#")
    ]
    return min(due, default=None)

"""Run each scenario with each fault at each of its calls, until all is quiet again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

from shared.store.keys import read_timestamp
from tests.faults.account import Account, Snapshot
from tests.faults.injector import Call, DeadError, Fault, faults_of
from tests.faults.outcome import Outcome, Verdict, judge, outcome
from tests.faults.scenarios import SCENARIOS, Attempt, Scenario, from_queue

_TRIES = 5  # after which template.yaml's queues give a message up
_LOOKS = 12
_HORIZON = timedelta(hours=1)


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
    account: Account,
    wanted: Callable[[Case], bool] = lambda case: True,
    scenarios: tuple[Scenario, ...] = SCENARIOS,
) -> Iterator[Result]:
    """Every wanted case, scenario by scenario."""
    empty = account.keep()
    known: set[tuple[str, Call]] = set()
    for scenario in scenarios:
        account.restore(empty)
        account.injector.arm()
        attempt = scenario.prepare(account)
        stage = account.keep()
        undisturbed, calls = _undisturbed(account, scenario, attempt, stage)
        for call in calls:
            if _is_of_settings(call) and (scenario.function, call) in known:
                continue
            known.add((scenario.function, call))
            for fault in faults_of(call):
                case = Case(scenario, call, fault)
                if wanted(case):
                    yield _tried(account, case, attempt, stage, undisturbed)
    account.restore(empty)


def _is_of_settings(call: Call) -> bool:
    """All scenarios of a function read its secrets alike."""
    return call.name.startswith(("secretsmanager.", "ssm."))


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
        account.injector.arm()
        assert attempt(), f"{scenario.name} is refused"
        calls = list(account.injector.made)
        _until_quiet(account)
        outcomes.append(outcome(account))
    _, different = judge(*outcomes)
    assert not different, f"{scenario.name} never ends alike: {different}"
    return outcomes[0], calls


def _tried(
    account: Account, case: Case, attempt: Attempt, stage: Snapshot, undisturbed: Outcome
) -> Result:
    account.restore(stage)
    account.injector.arm(case.call, case.fault)
    done = _attempted(attempt)
    assert account.injector.struck, f"{case} never came to be"
    account.injector.arm()
    for _ in range(_TRIES - 1):
        if done:
            break
        account.wait(seconds=case.scenario.between.total_seconds())
        done = _attempted(attempt)
    _until_quiet(account)
    verdict, different = judge(undisturbed, outcome(account))
    if not done:
        return Result(case, Verdict.LOST, ["given up", *different])
    return Result(case, verdict, different)


def _attempted(attempt: Attempt) -> bool:
    """Whether whoever brought it is content; a function that raised or died has not answered."""
    try:
        return attempt()
    except (DeadError, Exception):  # noqa: BLE001  Lambda makes no difference
        return False


def _until_quiet(account: Account) -> None:
    """The sweep wakes what is due, as long as something is within the hour."""
    end = account.now + _HORIZON
    for _ in range(_LOOKS):
        if not any(
            item.get("GSI1PK", {}).get("S", "").startswith("DUE#") for item in account.items()
        ):
            return
        following = _next_due(account)
        if following is None or following > end:
            return
        account.now = max(account.now, following)
        since = len(account.effects)
        account.invoke("sweep", {})
        for queue, function in (("deliver", "deliver_message"), ("notify", "notify_customer")):
            for body in account.put_on(queue, since):
                from_queue(account, function, body)()
        account.wait(minutes=1)


def _next_due(account: Account) -> Any:
    due = [
        read_timestamp(item["GSI1SK"]["S"].split("#")[0])
        for item in account.items()
        if item.get("GSI1PK", {}).get("S", "").startswith("DUE#")
    ]
    return min(due, default=None)

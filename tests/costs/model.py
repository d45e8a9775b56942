"""What a message costs its operator on AWS: counted operations times a dated price list.

What the provider of the channel takes (Twilio, SES) is not in it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure
from tests.costs.stories import OUT, Step, Story, tell
from tests.template import FUNCTIONS, MAPPINGS, of_type, package, setting

PRICES: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
# Micro-USD, design.md §12.
LIMITS = {"SMS in": 10, "e-mail in": 20, OUT: 25}

# What Lambda's time is made of. CPU: docs/benchmarks.md; a whole vCPU comes with 1,769 MB.
# Waiting: typical of one region, in milliseconds.
_CPU_MS_A_CALL, _CPU_MS_OWN = Decimal("1.5"), Decimal(2)
_WHOLE_CPU_MB = 1769
_WAITING_MS = {
    "dynamodb.GetItem": 3,
    "dynamodb.BatchGetItem": 4,
    "dynamodb.Query": 5,
    "dynamodb.PutItem": 5,
    "dynamodb.UpdateItem": 5,
    "dynamodb.DeleteItem": 5,
    "dynamodb.TransactWriteItems": 12,
    "s3.GetObject": 20,
    "s3.PutObject": 30,
    "events.PutEvents": 10,
    "sqs.SendMessageBatch": 8,
}
_ACCESS_LOG_BYTES = 190
# By trigger: what is asked of AWS before the function runs, and after it.
_AROUND: Mapping[str, Mapping[str, int]] = {
    "http": {"http_api.request": 1, "logs.byte": _ACCESS_LOG_BYTES},
    "queue": {"sqs.request": 3},
    "mail": {"s3.write": 1, "sqs.request": 3},
    "stream": {},
}
_SERVICES = {"s3.GetObject": "s3.read", "s3.PutObject": "s3.write", "events.entries": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step's price. `amounts` are billed quantities by the price list's names."""

    step: Step
    lambda_ms: Decimal
    amounts: Mapping[str, Decimal]

    @property
    def micro_usd(self) -> Decimal:
        return sum((self.share(name) for name in self.amounts), Decimal(0))

    def share(self, name: str) -> Decimal:
        """One amount's micro-USD."""
        return self.amounts[name] * Decimal(PRICES["prices"][name]["nano_usd"]) / 1000


def priced(step: Step) -> Line:
    """A step's quantities, each message's share of a batch."""
    memory = _memory(step.function)
    calls = {name: n for name, n in step.usage.calls.items() if name != "events.entries"}
    cpu = _CPU_MS_OWN + _CPU_MS_A_CALL * sum(calls.values())
    waiting = sum(_WAITING_MS[name] * n for name, n in calls.items()) + step.waiting_ms
    lambda_ms = cpu * _WHOLE_CPU_MB / min(memory, _WHOLE_CPU_MB) + waiting
    usage = step.usage
    amounts: dict[str, Decimal] = {
        "dynamodb.write_unit": Decimal(usage.write_units + usage.index_units),
        "dynamodb.read_unit": Decimal(usage.read_units),
        "lambda.request": Decimal(1),
        "lambda.gb_ms": lambda_ms * memory / 1024,
        "eventbridge.event": Decimal(usage.calls["events.entries"]),
        "s3.read": Decimal(usage.calls["s3.GetObject"]),
        "s3.write": Decimal(usage.calls["s3.PutObject"]),
        "sqs.request": Decimal(usage.calls["sqs.SendMessageBatch"]),
        "logs.byte": Decimal(usage.log_bytes),
    }
    for name, number in _AROUND[step.trigger].items():
        amounts[name] = amounts.get(name, Decimal(0)) + number
    return Line(
        step=step,
        lambda_ms=lambda_ms,
        amounts={name: n / step.batch for name, n in amounts.items() if n},
    )


def _memory(function: str) -> int:
    (name,) = (name for name in FUNCTIONS if package(name) == function)
    return int(setting(name, "MemorySize"))


@cache
def bills() -> Mapping[str, Sequence[Line]]:
    """Each story's lines."""
    return {name: [priced(step) for step in story.steps] for name, story in stories().items()}


@cache
def stories() -> Mapping[str, Story]:
    """The stories, told once a process."""
    return tell()


def total(lines: Sequence[Line]) -> Decimal:
    """Micro-USD."""
    return sum((line.micro_usd for line in lines), Decimal(0))


def figures() -> Iterator[Figure]:
    """Each story beside its limit."""
    for name, lines in bills().items():
        limit = LIMITS.get(name)
        yield Figure(
            name=f"{name}, the operator's own AWS bill",
            value=float(total(lines)),
            unit="micro-USD",
            target=limit,
        )


def fixed() -> Iterator[tuple[str, Decimal]]:
    """What a month costs before the first message, in USD."""
    queues = [m for m in MAPPINGS.values() if "StartingPosition" not in m]
    for each in PRICES["fixed"]:
        kind = each.get("resource", "")
        number = len(queues) if kind == "queue" else len(of_type(kind)) if kind else 1
        yield each["what"], Decimal(each.get("usd_each") or each["usd"]) * number

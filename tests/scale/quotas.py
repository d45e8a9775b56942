"""What a rate of messages asks of an AWS account, beside the default quotas (us-east-1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from tests.costs.model import bills
from tests.costs.stories import OUT
from tests.scale.heat import Heat
from tests.scale.population import busiest
from tests.template import MAPPINGS, TEMPLATE

_PUT_EVENTS_MS = 21  # in publish_events: 10 ms of waiting, 1.5 of CPU on a seventh of a core
_EVENTS_A_CALL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is asked of a service in a burst; `answer` is what to do where it is over `quota`."""

    what: str
    need: float
    quota: float
    answer: str
    source: str

    @property
    def is_over(self) -> bool:
        return self.need > self.quota


def needs(heat: Heat) -> Iterator[Need]:
    """Everything that has a quota."""
    messages = busiest(heat.messages / heat.seconds)
    out = messages * heat.out / heat.messages
    mails = messages * heat.mails / heat.messages
    texts = messages - out - mails
    requests = texts + out * 4
    events = messages * heat.changes / heat.messages
    writes = busiest(heat.total_writes / heat.seconds)
    yield Need(
        what="HTTP API, requests a second",
        need=requests,
        quota=10_000,
        answer="ask for more (an ordinary increase); receipts are nearly half of it",
        source="API Gateway: account throttle",
    )
    yield Need(
        what="one webhook's own throttle, requests a second",
        need=max(texts, out * 3),
        quota=float(TEMPLATE["Parameters"]["WebhookRateLimit"]["Default"]),
        answer="set WebhookRateLimit and WebhookBurstLimit; what gets a 429 until then comes again",
        source="template.yaml",
    )
    yield Need(
        what="Lambda, functions at once",
        need=texts * _seconds("SMS in") + mails * _seconds("e-mail in") + out * _seconds(OUT),
        quota=1_000,
        answer="ask for more; it grows by 1,000 in 10 s a function, so a burst finds it in time",
        source="Lambda: concurrent executions",
    )
    yield Need(
        what="table, write units a second",
        need=writes,
        quota=40_000,
        answer="ask for more, and warm the table up beforehand: a new one takes 4,000 and doubles "
        "its peak within half an hour",
        source="DynamoDB: on-demand, a table",
    )
    yield Need(
        what="table, read units a second",
        need=busiest(heat.total_reads / heat.seconds),
        quota=40_000,
        answer="ask for more, as for writes",
        source="DynamoDB: on-demand, a table",
    )
    yield Need(
        what="index, write units a second",
        need=busiest(heat.index_writes / heat.seconds),
        quota=40_000,
        answer="ask for more, as for the table",
        source="DynamoDB: on-demand, an index",
    )
    yield from _stream(events, writes)
    yield Need(
        what="EventBridge, PutEvents a second",
        need=events / min(_EVENTS_A_CALL, max(1, events / _shards(writes) / 5)),
        quota=10_000,
        answer="none needed: the busier, the more events a call carries, up to ten",
        source="EventBridge: PutEvents",
    )
    yield Need(
        what="EventBridge, rules met a second",
        need=out,
        quota=18_750,
        answer="ask for more; what is over is delayed, not lost (4,500 or less in other regions)",
        source="EventBridge: invocations",
    )
    yield Need(
        what="deliver_message at once, for its queue",
        need=out * 0.206,
        quota=1_250,
        answer="provisioned pollers on the queue; else the queue waits, which is its purpose",
        source="Lambda: a standard queue's pollers, 300 more a minute",
    )
    yield Need(
        what="S3, mails a second under one prefix",
        need=mails,
        quota=3_500,
        answer="S3 divides a busy prefix by itself; SES repeats what is refused meanwhile",
        source="S3: requests a prefix",
    )
    yield Need(
        what="SES, mails out a second, if all were mails",
        need=out,
        quota=14,
        answer="ask for more, weeks before; a fresh account has 14 a second and 50,000 a day",
        source="SES: sending rate outside the sandbox",
    )


def _stream(events: float, writes: float) -> Iterator[Need]:
    """A shard follows a partition; one invocation at a time reads it."""
    shards = _shards(writes)
    batch = int(MAPPINGS["PublishEventsMapping"]["BatchSize"])
    seconds = batch / _EVENTS_A_CALL * _PUT_EVENTS_MS / 1000
    yield Need(
        what=f"relay to the bus, events a second in each of {shards} stream shards",
        need=events / shards,
        quota=batch / seconds,
        answer="ParallelizationFactor 2 to 10 on PublishEventsMapping (order is kept by key)",
        source="docs/benchmarks.md: 100 events take a fifth of a second",
    )


def _shards(writes: float) -> int:
    return max(4, ceil(writes / 1000))


def _seconds(story: str) -> float:
    return float(sum(line.lambda_ms / line.step.batch for line in bills()[story])) / 1000

"""How long customers waited for an answer, as live metrics, and the timers of promised answers."""

from functools import cache

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shared.model.conversation import Conversation
from shared.rules.business_hours import Calendar
from shared.rules.response import Response, ServiceLevel, response
from shared.runtime.settings import MeterCostsSettings
from shared.runtime.telemetry import count
from shared.service_level import follow
from shared.store.table import Table


@cache
def level() -> ServiceLevel:
    """What the operator promises."""
    settings = MeterCostsSettings.from_env()
    return ServiceLevel.parse(
        Calendar.parse(settings.business_hours, settings.time_zone, settings.closed_days),
        first_minutes=settings.first_response_minutes,
        next_minutes=settings.next_response_minutes,
    )


def meter(before: Conversation | None, after: Conversation, *, table: Table) -> None:
    """Follow one write to a conversation. Raises UnavailableError."""
    follow(table, before, after, level())
    if answer := response(before, after):
        emit(answer)
    if after.breached_at and not (before and before.breached_at):
        count("SlaBreaches")


def emit(answer: Response) -> None:
    """One wait, in seconds of business time."""
    metrics = EphemeralMetrics(service="")  # which would be one more dimension
    metrics.add_dimension("channel", answer.channel)
    name = "FirstResponseSeconds" if answer.first else "NextResponseSeconds"
    waited = level().calendar.elapsed(answer.since, answer.at)
    metrics.add_metric(name, MetricUnit.Seconds, int(waited.total_seconds()))
    metrics.add_metadata("fact_id", answer.id)
    metrics.add_metadata("contact", answer.conversation.home)
    metrics.add_metadata("conversation", answer.conversation.id)
    metrics.flush_metrics()

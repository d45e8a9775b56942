"""What meter_costs writes: EMF documents, from which CloudWatch takes metrics.

A contact is a property of a document, never a dimension: every distinct set of dimensions is billed
as a metric of its own, and kept for fifteen months.
"""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shared.model.ledger import CostLine, LineKind


def emit_line(line: CostLine) -> None:
    """One amount, in micro-USD: the whole, our own share, and how far it corrects an estimate."""
    metrics = EphemeralMetrics(service="")  # which would be one more dimension
    metrics.add_dimension("channel", line.channel)
    metrics.add_dimension("direction", line.direction)
    cost = line.cost
    metrics.add_metric("CostMicroUsd", MetricUnit.NoUnit, cost.total_micro_usd)
    metrics.add_metric("OwnCostMicroUsd", MetricUnit.NoUnit, cost.own_micro_usd)
    if line.kind is not LineKind.ESTIMATE:
        metrics.add_metric("CorrectionMicroUsd", MetricUnit.NoUnit, cost.total_micro_usd)
    for name, value in {
        "fact_id": line.id,
        "contact": line.home,
        "entry": line.entry_id,
        "kind": line.kind,
        "category": cost.category,
        "micro_usd": cost.total_micro_usd,  # an integer; a metric's value is a float
        "own_micro_usd": cost.own_micro_usd,
    }.items():
        metrics.add_metadata(name, value)
    metrics.flush_metrics()


def emit_counts(*, served: int, opened: int, month_to_date: int | None) -> None:
    """What a batch comes to beside its amounts; nothing of what is none."""
    metrics = EphemeralMetrics(service="")
    if served:
        metrics.add_metric("ContactsServed", MetricUnit.Count, served)
    if opened:
        metrics.add_metric("ConversationsOpened", MetricUnit.Count, opened)
    if month_to_date is not None:
        # In USD, as people set an alarm on it; a metric's value is a float anyhow.
        metrics.add_metric("MonthToDateCost", MetricUnit.NoUnit, month_to_date / 1_000_000)
        metrics.add_metadata("month_to_date_micro_usd", month_to_date)
    if served or opened or month_to_date is not None:
        metrics.flush_metrics()

"""What messages cost, as live metrics: a batch of stream records of new entries and cost lines.

One EMF document an amount; a contact is a property of it, never a dimension (every distinct set of
dimensions is billed as a metric of its own). Logs are at-least-once, so sums over them count each
`fact_id` once; the ledger in the table is what is exact.
"""

from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shared.model.errors import RejectedError
from shared.model.ledger import CostLine
from shared.runtime.telemetry import count, logger
from shared.store.stream import added_amount, sequence


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Emit the amounts of a batch; one that cannot be read is counted and left out."""
    for record in event["Records"]:
        try:
            line = added_amount(record)
        except RejectedError as error:
            logger().error(str(error), extra={"sequence": sequence(record)})
            count("AmountsUnreadable")
        else:
            if line:
                emit(line)
    return {"batchItemFailures": []}


def emit(line: CostLine) -> None:
    """One amount, in micro-USD: the whole, and our own share of it."""
    metrics = EphemeralMetrics(service="")  # which would be one more dimension
    metrics.add_dimension("channel", line.channel)
    metrics.add_dimension("direction", line.direction)
    cost = line.cost
    metrics.add_metric("CostMicroUsd", MetricUnit.NoUnit, cost.total_micro_usd)
    metrics.add_metric("OwnCostMicroUsd", MetricUnit.NoUnit, cost.own_micro_usd)
    for name, value in {
        "fact_id": line.id,
        "contact": line.home,
        "entry": line.entry_id,
        "category": cost.category,
        "micro_usd": cost.total_micro_usd,  # an integer; a metric's value is a float
        "own_micro_usd": cost.own_micro_usd,
    }.items():
        metrics.add_metadata(name, value)
    metrics.flush_metrics()

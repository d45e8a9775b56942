"""Logs and metrics: ids and counts, never what people wrote and never their addresses."""

from functools import cache

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit


@cache
def logger() -> Logger:
    """The function's logger; its service name and level are Powertools' own settings."""
    return Logger(use_rfc3339=True)


@cache
def metrics() -> Metrics:
    """The function's metrics; whoever adds to them flushes them."""
    return Metrics()


def correlate(correlation_id: str) -> None:
    """Begin the log lines of one request or record: this id, and nothing of the one before."""
    logger().clear_state()
    logger().set_correlation_id(correlation_id)


def count(name: str, **dimensions: str) -> None:
    """Add one to a metric; each distinct set of `dimensions` is billed, so keep them few."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(name=dimension, value=value)

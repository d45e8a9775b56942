"""What messages cost and how long customers wait, as live metrics, from the table's stream.

One EMF document an amount or a wait. Logs are at-least-once, so sums over them count each `fact_id`
once; the ledger in the table is what is exact. The stream is read in windows because that names its
shard, which lets the month's sum be counted once (store/metering.py).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from functions.meter_costs import responses
from functions.meter_costs.documents import emit_counts, emit_line
from shared.model.errors import RejectedError
from shared.model.ledger import LineKind
from shared.runtime import clients
from shared.runtime.settings import MeterCostsSettings
from shared.runtime.telemetry import count, logger
from shared.runtime.unforeseen import discreet
from shared.store import keys, metering
from shared.store.metering import Counted
from shared.store.parking import Parking
from shared.store.stream import (
    Record,
    added_amount,
    changed_conversation,
    opens_conversation,
    sequence,
)
from shared.store.table import Table


@cache
def settings() -> MeterCostsSettings:
    return MeterCostsSettings.from_env()


@cache
def table() -> Table:
    """The table, for which no address is looked up here."""
    return Table(clients.dynamodb(), settings().table_name, b"")


@discreet
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Emit the amounts of a batch; a record that cannot be read is parked.

    The event `{"replay": …}` holds a parked one. It is answered by `{"failed": why}`, empty when it
    went well.
    """
    if "replay" in event:
        return _replay(event["replay"])
    amounts: list[Counted] = []
    for record in event["Records"]:
        try:
            amounts += _amounts(record)
        except RejectedError as error:
            logger().error(str(error), extra={"sequence": sequence(record)})
            parking = Parking(clients.s3, settings().content_bucket)
            parking.park(f"amounts/{sequence(record)}", record, str(error))
            count("AmountsUnreadable")
    _emit(event["Records"], amounts, event.get("shardId"))
    return {"state": {}, "batchItemFailures": []}


def _replay(record: Record) -> dict[str, str]:
    try:
        amounts = _amounts(record)
    except RejectedError as error:
        return {"failed": str(error)}
    # As if of a shard of its own: the month's sum counts it once, however often it is replayed.
    _emit([record], amounts, f"parked-{sequence(record)}")
    return {"failed": ""}


def _amounts(record: Record) -> list[Counted]:
    """What a record adds, if anything; a change of who waits is noted. Raises RejectedError."""
    line = added_amount(record)
    if changed := changed_conversation(record):
        responses.meter(*changed, table=table())
    return [Counted(sequence(record), line)] if line else []


def _emit(records: Sequence[Record], amounts: Sequence[Counted], shard: str | None) -> None:
    opened = sum(map(opens_conversation, records))
    served, month_to_date = 0, None
    if amounts:
        month = max(keys.month(each.line.at) for each in amounts)
        estimates = [it.line for it in amounts if it.line.kind is LineKind.ESTIMATE]
        homes = {line.home for line in estimates if keys.month(line.at) == month}
        served = metering.serve(table(), homes, month)
        if shard:
            metering.add(table(), shard, amounts)
            month_to_date = metering.month_to_date(table(), month)
    for each in amounts:
        emit_line(each.line)
    emit_counts(served=served, opened=opened, month_to_date=month_to_date)

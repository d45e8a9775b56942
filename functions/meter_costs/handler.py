"""What messages cost and how long customers wait, as live metrics, from the table's stream.

One EMF document an amount or a wait. Logs are at-least-once, so sums over them count each `fact_id`
once; the ledger in the table is what is exact. The stream is read in windows because that names its
shard, which lets the month's sum be counted once (store/metering.py).
"""

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
from shared.store.stream import added_amount, changed_conversation, opens_conversation, sequence
from shared.store.table import Table


@cache
def table() -> Table:
    """The table, for which no address is looked up here."""
    return Table(clients.dynamodb(), MeterCostsSettings.from_env().table_name, b"")


@discreet
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Emit the amounts of a batch; one that cannot be read is counted and left out."""
    amounts: list[Counted] = []
    for record in event["Records"]:
        try:
            line = added_amount(record)
            if changed := changed_conversation(record):
                responses.meter(*changed, table=table())
        except RejectedError as error:
            logger().error(str(error), extra={"sequence": sequence(record)})
            count("AmountsUnreadable")
        else:
            amounts += [Counted(sequence(record), line)] if line else []
    opened = sum(map(opens_conversation, event["Records"]))
    served, month_to_date = 0, None
    if amounts:
        month = max(keys.month(each.line.at) for each in amounts)
        estimates = [it.line for it in amounts if it.line.kind is LineKind.ESTIMATE]
        homes = {line.home for line in estimates if keys.month(line.at) == month}
        served = metering.serve(table(), homes, month)
        if shard := event.get("shardId"):
            metering.add(table(), shard, amounts)
            month_to_date = metering.month_to_date(table(), month)
    for each in amounts:
        emit_line(each.line)
    emit_counts(served=served, opened=opened, month_to_date=month_to_date)
    return {"state": {}, "batchItemFailures": []}

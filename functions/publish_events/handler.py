"""What the table's stream announces, onto the bus: a batch of stream records."""

from functools import cache
from typing import Any

from shared.providers.eventbridge import Bus
from shared.publish import publish
from shared.runtime import clients
from shared.runtime.settings import PublishEventsSettings
from shared.runtime.telemetry import count, logger
from shared.runtime.unforeseen import discreet
from shared.store.parking import Parking


@cache
def settings() -> PublishEventsSettings:
    return PublishEventsSettings.from_env()


@cache
def bus() -> Bus:
    return Bus(clients.events(), settings().bus_name)


@discreet
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Publish a batch. From the record named in the answer on, Lambda brings it again."""
    parking = Parking(clients.s3, settings().content_bucket)
    published = publish(event["Records"], bus=bus(), parking=parking)
    if published.parked:
        logger().error("events parked", extra={"parked": published.parked})
        for _ in range(published.parked):
            count("EventsParked")
    if not published.stopped_at:
        return {"batchItemFailures": []}
    logger().warning("batch stopped", extra={"sequence": published.stopped_at})
    return {"batchItemFailures": [{"itemIdentifier": published.stopped_at}]}

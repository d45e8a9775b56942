"""What lies in the content bucket: webhooks, events, and batches of the stream.

Lambda writes a batch that a stream's reader never took under `aws/lambda/`, whole:
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html#kinesis-s3-destination
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from infrastructure.parked.item import Hub, Kept
from shared.model.errors import UnavailableError
from shared.providers.eventbridge import Bus
from shared.publish import publish
from shared.store.parking import Parking

PARKED, BATCHES = "parked/", "aws/lambda/"
FUNCTIONS = {  # by the first part of what is parked
    "sms": "InboundSmsFunctionName",
    "chat": "InboundChatFunctionName",
    "receipts": "ReceiptsTwilioFunctionName",
    "unsubscribe": "UnsubscribeFunctionName",
    "amounts": "MeterCostsFunctionName",
}


def in_bucket(hub: Hub) -> Iterator[Kept]:
    """All of it, as it is listed."""
    for prefix in (PARKED, BATCHES):
        pages = hub.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=hub.outputs["ContentBucketName"], Prefix=prefix):
            for found in page.get("Contents", []):
                yield _kept(hub, found)


def _kept(hub: Hub, found: dict[str, Any]) -> Kept:
    key = found["Key"]
    stored = _read(hub, key)
    is_batch = key.startswith(BATCHES)
    name = key if is_batch else key.removeprefix(PARKED).removesuffix(".json")
    why = stored.get("requestContext", {}).get("condition", "") if is_batch else stored["reason"]
    return Kept(
        id=name,
        channel="stream" if is_batch else name.partition("/")[0],
        at=found["LastModified"],
        reason=why,
        look=partial(json.dumps, stored, indent=2, ensure_ascii=False),
        replay=partial(_replay, hub, key, stored),
    )


def _read(hub: Hub, key: str) -> dict[str, Any]:
    answer = hub.client("s3").get_object(Bucket=hub.outputs["ContentBucketName"], Key=key)
    stored: dict[str, Any] = json.load(answer["Body"])
    return stored


def _replay(hub: Hub, key: str, stored: dict[str, Any]) -> str:
    channel = key.removeprefix(PARKED).partition("/")[0]
    if key.startswith(BATCHES):
        function = stored["requestContext"]["functionArn"]
        failed = _invoke(hub, function, stored["payload"])
    elif channel == "events":
        failed = _publish(hub, stored["content"])
    else:
        event = json.dumps({"replay": stored["content"]})
        failed = _invoke(hub, hub.outputs[FUNCTIONS[channel]], event)
    if not failed:
        hub.client("s3").delete_object(Bucket=hub.outputs["ContentBucketName"], Key=key)
    return failed


def _invoke(hub: Hub, function: str, event: str) -> str:
    """Why a function could not take an event, or nothing."""
    answer = hub.client("lambda").invoke(FunctionName=function, Payload=event.encode())
    said = json.load(answer["Payload"])
    if answer.get("FunctionError"):
        return f"the function failed: {said.get('errorType', answer['FunctionError'])}"
    if said.get("batchItemFailures"):
        return "the function did not take all of it"
    return str(said.get("failed", ""))


def _publish(hub: Hub, record: dict[str, Any]) -> str:
    """Why a record's events could not be published, or nothing."""
    bus = Bus(hub.client("events"), hub.outputs["BusName"])
    parking = Parking(lambda: hub.client("s3"), hub.outputs["ContentBucketName"])
    try:
        published = publish([record], bus=bus, parking=parking)
    except UnavailableError as error:
        return str(error)
    return "it still cannot be published" if published.parked else ""

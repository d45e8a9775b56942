"""What lies in the dead-letter queues: each is the stack's output `<Name>DeadLetterQueueUrl`."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infrastructure.parked.item import Hub, Kept
from shared.model.errors import ThroughlineError
from shared.providers.ses.mailbox import Mailbox

DEAD = "DeadLetterQueueUrl"
HELD_SECONDS = 60  # hidden from others while they are looked at
WAIT_SECONDS = 1  # asks all of the queue's servers, and not some of them


@contextmanager
def in_queues(hub: Hub) -> Iterator[list[Kept]]:
    """All of them, held; what is still there in the end is let go."""
    names = [name for name in sorted(hub.outputs) if name.endswith(DEAD)]
    sqs = hub.client("sqs")
    with ThreadPoolExecutor() as pool:
        urls = [hub.outputs[name] for name in names]
        held = dict(zip(names, pool.map(partial(_receive, sqs), urls), strict=True))
    try:
        yield [_kept(hub, name, message) for name in names for message in held[name]]
    finally:
        for name in names:
            for message in held[name]:
                _let_go(sqs, hub.outputs[name], message)


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    received: dict[str, dict[str, Any]] = {}
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=HELD_SECONDS,
        WaitTimeSeconds=WAIT_SECONDS,
        AttributeNames=["SentTimestamp"],
        MessageAttributeNames=["All"],
    ).get("Messages"):
        received |= {message["MessageId"]: message for message in messages}
    return list(received.values())


def _let_go(sqs: Any, url: str, message: dict[str, Any]) -> None:
    handle = message["ReceiptHandle"]
    try:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    except ClientError:
        return  # replayed, or held for so long that it is visible again


def _kept(hub: Hub, name: str, message: dict[str, Any]) -> Kept:
    words = re.findall(r"[A-Z][a-z]+", name.removesuffix(DEAD))
    channel = "-".join(words).lower()
    attributes = message.get("MessageAttributes", {})
    why = attributes.get("ERROR_MESSAGE", {}).get("StringValue", "tried in vain; see the log")
    return Kept(
        id=f"{channel}/{message['MessageId']}",
        channel=channel,
        at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        reason=why,
        look=partial(_look, hub, channel, message["Body"]),
        replay=partial(_replay, hub, name, message),
    )


def _look(hub: Hub, channel: str, body: str) -> str:
    """The message, and the mails it announces."""
    parts = [body]
    if channel == "mail":
        mailbox = Mailbox(hub.client("s3"), hub.outputs["MailBucketName"])
        try:
            keys = list(mailbox.announced(body))
            parts += [mailbox.fetch(key).raw.decode(errors="replace") for key in keys]
        except ThroughlineError as error:
            parts.append(str(error))
    return "\n\n".join(parts)


def _replay(hub: Hub, name: str, message: dict[str, Any]) -> str:
    """Put it back on the queue it comes from, or on the bus; then take it away here."""
    sqs = hub.client("sqs")
    source = hub.outputs.get(name.replace("DeadLetter", ""))
    if source:
        sqs.send_message(QueueUrl=source, MessageBody=message["Body"])
    elif failed := _to_bus(hub, message["Body"]):
        return failed
    sqs.delete_message(QueueUrl=hub.outputs[name], ReceiptHandle=message["ReceiptHandle"])
    return ""


def _to_bus(hub: Hub, body: str) -> str:
    """Why an event could not be put on the bus again, or nothing."""
    try:
        event = json.loads(body)
        entry = {
            "EventBusName": hub.outputs["BusName"],
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
    except (LookupError, TypeError, ValueError):
        return "it is no event"
    (answer,) = hub.client("events").put_events(Entries=[entry])["Entries"]
    return str(answer.get("ErrorCode", ""))

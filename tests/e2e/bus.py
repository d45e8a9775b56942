"""The hub's bus as an operator's own program hears it, and may tell it things again."""

import json
import secrets
from typing import Any

from infrastructure.local.aws import LocalAws


class Bus:
    """The hub's bus, with a queue of this test's own for all that is on it."""

    def __init__(self, hub: dict[str, Any]) -> None:
        aws, self._name = LocalAws(hub["aws"]["endpoint_url"]), hub["aws"]["bus"]
        self._bus, self._sqs = aws.client("events"), aws.client("sqs")
        rule = f"heard-{secrets.token_hex(4)}"
        self._queue: str = self._sqs.create_queue(QueueName=rule)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        target = {"Id": rule, "Arn": arn["Attributes"]["QueueArn"]}
        pattern = json.dumps({"source": ["throughline"]})
        self._bus.put_rule(Name=rule, EventBusName=self._name, EventPattern=pattern)
        self._bus.put_targets(Rule=rule, EventBusName=self._name, Targets=[target])
        self._heard: list[dict[str, Any]] = []

    def events(self) -> list[dict[str, Any]]:
        """All so far, oldest first."""
        while found := self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            for message in found:
                self._heard.append(json.loads(message["Body"]))
                self._sqs.delete_message(
                    QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return self._heard

    def put(self, event: dict[str, Any]) -> None:
        """An event once more, word for word."""
        entry = {
            "EventBusName": self._name,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
        assert self._bus.put_events(Entries=[entry])["FailedEntryCount"] == 0

"""A queue, through SQS's SendMessageBatch: at most ten messages a request.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST_MESSAGES = 10


class Queue:
    """One queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def put(self, messages: Sequence[dict[str, Any]], *, delay_seconds: int = 0) -> None:
        """Put up to ten messages on the queue, to be received after a delay of up to 900 seconds.

        Raises UnavailableError unless it took them all.
        """
        try:
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": json.dumps(message),
                        "DelaySeconds": delay_seconds,
                    }
                    for number, message in enumerate(messages)
                ],
            )
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the queue did not take the messages") from error
        if answer.get("Failed"):
            raise UnavailableError(f"the queue did not take {len(answer['Failed'])} messages")

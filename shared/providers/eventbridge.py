"""The event bus, through EventBridge's PutEvents.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html: at most ten entries
and 1 MB a request; it answers 200 and says in the answer which entries it did not take.
"""

import json
from collections.abc import Iterator, Sequence
from random import uniform
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError
from shared.model.events import SOURCE, Event, detail

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

_MOST_ENTRIES = 10
_MOST_BYTES = 1_000_000
_TRIES = 4
# The event itself is wrong, and will be the next time; whatever else is refused may pass.
_NEVER = frozenset({"InvalidArgument", "MalformedDetail", "ValidationException"})


class Bus:
    """One event bus."""

    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def batches(self, events: Sequence[Event]) -> Iterator[range]:
        """The events' positions in groups that fit one request each, in order."""
        start, size = 0, 0
        for position, event in enumerate(events):
            weight = _size(self._entry(event))
            if position - start == _MOST_ENTRIES or (size and size + weight > _MOST_BYTES):
                yield range(start, position)
                start, size = position, 0
            size += weight
        if events:
            yield range(start, len(events))

    def publish(self, events: Sequence[Event]) -> dict[int, str]:
        """Publish one batch; returns why, by position, for those that no bus will ever take.

        Only what was not taken is sent again, a few times. Raises UnavailableError when some are
        still not taken then, or the bus does not answer.
        """
        pending = dict(enumerate(map(self._entry, events)))
        refused: dict[int, str] = {}
        for attempt in range(_TRIES):
            if attempt:
                sleep(uniform(0, 0.1 * 2**attempt))  # noqa: S311 jitter is no secret
            answers = self._put(list(pending.values()))
            for position, answer in zip(list(pending), answers, strict=True):
                code = answer.get("ErrorCode", "")
                if not code:
                    del pending[position]
                elif code in _NEVER:
                    del pending[position]
                    refused[position] = code
            if not pending:
                return refused
        raise UnavailableError(f"the bus did not take {len(pending)} events")

    def _put(self, entries: "list[PutEventsRequestEntryTypeDef]") -> list[dict[str, Any]]:
        try:
            answer: Any = self._client.put_events(Entries=entries)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in _NEVER:
                raise UnavailableError("the bus did not take the events") from error
            if len(entries) == 1:
                return [{"ErrorCode": code}]
            return [answer for entry in entries for answer in self._put([entry])]
        except BotoCoreError as error:
            raise UnavailableError("the bus did not answer") from error
        answers: list[dict[str, Any]] = answer["Entries"]
        return answers

    def _entry(self, event: Event) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.metadata.type,
            "Detail": json.dumps(detail(event), separators=(",", ":")),
        }


def _size(entry: "PutEventsRequestEntryTypeDef") -> int:
    return sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))

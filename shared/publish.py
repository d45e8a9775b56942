"""Bring the events that the table's stream announces to the bus: nothing is lost or held up."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.model.errors import RejectedError, UnavailableError
from shared.model.events import Event
from shared.providers.eventbridge import Bus
from shared.store.parking import Parking
from shared.store.stream import Record, announced, sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """How far a batch came. `stopped_at` is the record from which on it has to be brought again."""

    events: int
    parked: int
    stopped_at: str = ""


def publish(records: Sequence[Record], *, bus: Bus, parking: Parking) -> Published:
    """Publish what these records announce, in order; what never can be is parked, whole.

    Raises UnavailableError when the bus takes nothing at all: then all of it comes again.
    """
    announcements: list[tuple[Record, Event]] = []
    parked = 0
    for record in records:
        try:
            announcements += [(record, event) for event in announced(record)]
        except RejectedError as error:
            parking.park(_name(record), record, str(error))
            parked += 1
    published = 0
    for batch in bus.batches([event for _, event in announcements]):
        origins, events = zip(*announcements[batch.start : batch.stop], strict=True)
        try:
            refused = bus.publish(events)
        except UnavailableError:
            if not published:
                raise
            return Published(events=published, parked=parked, stopped_at=sequence(origins[0]))
        for position, reason in refused.items():
            parking.park(_name(origins[position]), origins[position], reason)
        parked += len(refused)
        published += len(events) - len(refused)
    return Published(events=published, parked=parked)


def _name(record: Record) -> str:
    return f"events/{sequence(record)}"

"""Put an agent's note on a timeline."""

from dataclasses import dataclass
from datetime import datetime
from random import uniform
from time import sleep

from shared.model.entry import Author, Channel, Direction, Entry, Kind
from shared.model.errors import InvalidRequestError, UnavailableError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.recording import Marker
from shared.rules.ordering import to_milliseconds
from shared.store import entries, notes
from shared.store.bodies import Bodies
from shared.store.contacts import get_profile
from shared.store.roots import root_of
from shared.store.table import Table

_TRIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRequest:
    """One note on the contact `contact_id` names, where it stays. The same `marker` notes once."""

    contact_id: str
    author: Author
    marker: Marker
    change: Change
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A note, and the contact it belongs to now."""

    entry: Entry
    contact_id: str


def note(
    request: NoteRequest,
    *,
    table: Table,
    bodies: Bodies,
    now: datetime,
    make_id: NewId = new_id,
) -> Noted:
    """Write a note, once for each marker.

    Raises NotFoundError, GoneError (erased), ConflictError (being erased), UnavailableError, and
    InvalidRequestError when the idempotency key was used for another request.
    """
    contact_id = root_of(table, get_profile(table, request.contact_id)).id
    whole = Entry(
        id=make_id("ent", now),
        home=request.contact_id,
        kind=Kind.NOTE,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=request.author,
        text=request.text,
    )
    entry = bodies.offload(whole)
    for attempt in range(_TRIES):
        try:
            marked = notes.write(table, entry, request.marker, request.change, now=now)
        except notes.BusyError:
            sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
            continue
        if marked is None:
            return Noted(entry=whole, contact_id=contact_id)
        if marked.request_hash != request.marker.request_hash:
            raise InvalidRequestError(
                "this Idempotency-Key was used for another request", "Idempotency-Key"
            )
        before = entries.get(table, marked.home, marked.at, marked.entry_id)
        return Noted(entry=bodies.restore(before), contact_id=contact_id)
    raise UnavailableError("the table stayed busy with this contact")

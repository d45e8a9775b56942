"""Put an agent's note on a timeline."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.contact import Profile
from shared.model.entry import Author, Channel, Direction, Entry, Kind
from shared.model.errors import InvalidRequestError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.promise import Promise
from shared.model.recording import MarkedEntry, Marker
from shared.rules.ordering import to_milliseconds
from shared.store import entries, notes, promises
from shared.store.bodies import Bodies
from shared.store.contacts import get_profile
from shared.store.roots import root_of
from shared.store.table import Leg, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromise:
    """What an agent promised, and when it is to be kept by."""

    text: str
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRequest:
    """One note on the contact `contact_id` names, where it stays. The same `marker` notes once.

    The note may tell of a `promise` that was made, and that those with the ids `keeps` were kept.
    """

    contact_id: str
    author: Author
    marker: Marker
    change: Change
    text: str
    promise: NewPromise | None = None
    keeps: frozenset[str] = frozenset()


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

    Raises NotFoundError, GoneError (erased), ConflictError (being erased; a promise was just kept),
    UnavailableError, and InvalidRequestError (no such open promise; the idempotency key was used
    for another request).
    """
    root = root_of(table, get_profile(table, request.contact_id))
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
    kept = promises.find_open(table, root.members, request.keeps) if request.keeps else []
    if len(kept) < len(request.keeps):
        if marked := notes.find(table, request.marker):
            return _noted_before(table, bodies, request, root, marked)
        raise InvalidRequestError("this contact has no such open promise", "keeps")
    beside: list[Leg] = [leg for each in kept for leg in promises.kept_legs(each, whole)]
    if request.promise:
        beside.append(promises.made_leg(_promise(request.promise, whole, make_id)))
    entry = bodies.offload(whole, request.marker)
    marked = notes.write(table, entry, request.marker, request.change, now=now, beside=beside)
    if marked:
        return _noted_before(table, bodies, request, root, marked)
    return Noted(entry=whole, contact_id=root.id)


def _promise(made: NewPromise, entry: Entry, make_id: NewId) -> Promise:
    return Promise(
        id=make_id("prm", entry.occurred_at),
        home=entry.home,
        text=made.text,
        by=entry.author.id,
        at=entry.occurred_at,
        due=to_milliseconds(made.due) if made.due else None,
    )


def _noted_before(
    table: Table, bodies: Bodies, request: NoteRequest, root: Profile, marked: MarkedEntry
) -> Noted:
    if marked.request_hash != request.marker.request_hash:
        raise InvalidRequestError(
            "this Idempotency-Key was used for another request", "Idempotency-Key"
        )
    before = entries.get(table, marked.home, marked.at, marked.entry_id)
    return Noted(entry=bodies.restore(before), contact_id=root.id)

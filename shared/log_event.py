"""Put what happened at a site or in an app on a timeline: an order, a page that was looked at."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind, ProviderRef
from shared.model.errors import ConflictError
from shared.model.events import Change
from shared.model.identity import Trust
from shared.model.ids import NewId, new_id
from shared.model.recording import Marker
from shared.rules.ordering import imported_at, to_milliseconds
from shared.store import entries, notes
from shared.store.contacts import get_profile
from shared.store.roots import root_of
from shared.store.table import Table

CHANNELS = {Kind.ORDER: Channel.ORDER, Kind.PAGE_VIEW: Channel.WEB, Kind.EVENT: Channel.WEB}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEvent:
    """What `source` knows under `id`, and is on a timeline once. `data` is JSON as they sent it."""

    contact_id: str
    kind: Kind
    source: str
    id: str
    occurred_at: datetime
    data: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """The entry of an event, and the contact it belongs to now."""

    entry: Entry
    contact_id: str


def log_event(event: AppEvent, *, table: Table, now: datetime, make_id: NewId = new_id) -> Logged:
    """Write an event where it belongs in time; a repeated one changes nothing.

    It opens no conversation and moves none. Raises NotFoundError, GoneError (erased),
    ConflictError (being erased; it is on another contact's timeline), UnavailableError.
    """
    root = root_of(table, get_profile(table, event.contact_id))
    provider = ProviderRef(f"app:{event.source}", event.id)
    entry = Entry(
        id=make_id("ent", now),
        home=event.contact_id,
        kind=event.kind,
        channel=CHANNELS[event.kind],
        direction=Direction.INBOUND,
        occurred_at=imported_at(event.occurred_at, now),
        received_at=to_milliseconds(now),
        author=Author(AuthorType.CUSTOMER),
        trust=Trust.ASSERTED,
        provider=provider,
        data=event.data,
    )
    marker = Marker(provider=provider.name, id=provider.id)
    marked = notes.write(table, entry, marker, event.change, now=now)
    if marked is None:
        return Logged(entry=entry, contact_id=root.id)
    if marked.home not in root.members:
        raise ConflictError("this event is on another contact's timeline")
    before = entries.get(table, marked.home, marked.at, marked.entry_id)
    return Logged(entry=before, contact_id=root.id)

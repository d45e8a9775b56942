"""What agents are to decide about consent, over all contacts: list it, or say it is none."""

from dataclasses import dataclass
from datetime import datetime

from shared.consent import Wish, wish_of
from shared.model.entry import Author, Channel, Direction, Entry, Kind
from shared.model.errors import GoneError, NotFoundError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.recording import Marker
from shared.rules.ordering import to_milliseconds
from shared.store import consent_requests, contacts, notes
from shared.store.consent_requests import Asked
from shared.store.contacts import Contact
from shared.store.roots import roots_of
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Open wishes, newest first, and where to go on (None: the end)."""

    wishes: tuple[Wish, ...]
    position: str | None


def list_open(table: Table, *, limit: int, position: str | None = None) -> Page:
    """One page of at most `limit` (up to 50), whole: three reads, and each contact's own.

    Eventually consistent. `position` is what the page before gave.
    """
    page = consent_requests.list_open(table, limit=limit, position=position)
    found = contacts.get_identities(table, (asked.address_key for asked in page.asked))
    living = {key: each for key, each in found.items() if not each.erased_at}
    roots = roots_of(table, (identity.home for identity in living.values()))
    known = {root: _contact(table, root) for root in sorted(set(roots.values()))}
    wishes = []
    for asked in page.asked:
        identity = living.get(asked.address_key)
        contact = known.get(roots.get(identity.home, "")) if identity else None
        if identity and contact:
            wishes.append(wish_of(contact, identity, asked.request))
    return Page(wishes=tuple(wishes), position=page.position)


def _contact(table: Table, contact_id: str) -> Contact | None:
    try:
        return contacts.get_contact(table, contact_id)
    except (NotFoundError, GoneError):  # just erased
        return None


def dismiss(
    table: Table,
    request_id: str,
    *,
    by: Author,
    reason: str,
    now: datetime,
    correlation: str,
    make_id: NewId = new_id,
) -> str:
    """Say that a message is no wish to be left alone, and why; the contact whose it is.

    The timeline tells it; saying it again is harmless. Raises NotFoundError (no such open request),
    ConflictError (it was just decided; they are being erased), UnavailableError.
    """
    marker = Marker(provider="dismissed", id=request_id)
    try:
        asked = consent_requests.find(table, request_id)
    except NotFoundError:
        if before := notes.find(table, marker):
            return before.home
        raise
    home = _home(table, asked)
    entry = Entry(
        id=make_id("ent", now),
        home=home,
        kind=Kind.EVENT,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=by,
        text=f"Is no wish to be left alone: {reason}",
    )
    change = Change(
        events=("EntryRecorded",), cause=f"agent:{by.id}", correlation=correlation, by=by.id
    )
    gone = consent_requests.dismissed_leg(asked.address_key, asked.request)
    notes.write(table, entry, marker, change, now=now, beside=[gone])
    return home


def _home(table: Table, asked: Asked) -> str:
    identity = contacts.get_identity_by_key(table, asked.address_key)
    if identity is None or identity.erased_at:
        raise NotFoundError("there is no such request")
    return identity.home

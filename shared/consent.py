"""Keep what somebody says of being written to, whoever says it and by whatever way it comes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import uniform
from time import sleep

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, AuthorType
from shared.model.errors import ConflictError, InvalidRequestError, UnavailableError
from shared.model.events import Change
from shared.model.identity import Identity
from shared.model.ids import NewId, new_id
from shared.model.statement import ConsentRequest, Statement
from shared.rules import consent as rules
from shared.rules.ordering import to_milliseconds
from shared.store import consent_requests, consents, contacts
from shared.store.consents import MovedError
from shared.store.contacts import Contact
from shared.store.table import Leg, Table

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """A message of an address that may be a wish to be left alone.

    `contact_id` is whose the address is now; `addresses` are those that granting it would be about,
    each with its medium.
    """

    contact_id: str
    sender: Identity
    request: ConsentRequest
    addresses: tuple[tuple[Medium, Identity], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a contact wants to be written to about: what counts, all that was said, and wishes."""

    current: tuple[tuple[Identity, Statement], ...]
    history: tuple[tuple[Identity, Statement], ...]
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an agent puts down about one of a contact's addresses, by its key.

    `request_id` names the wish that it decides.
    """

    address_key: str
    medium: Medium
    purpose: Purpose
    state: ConsentState
    source: str
    by: Author
    words: str = ""
    request_id: str = ""


def overview(table: Table, contact_id: str) -> Overview:
    """What is known of a contact's consent: the contact, and one Query for each of its addresses.

    Raises NotFoundError, GoneError, UnavailableError.
    """
    return _overview(table, contacts.get_contact(table, contact_id))


def _overview(table: Table, contact: Contact) -> Overview:
    said = [(identity, consents.read(table, identity.key)) for identity in contact.identities]
    history = [(identity, each) for identity, found in said for each in found.statements]
    return Overview(
        current=tuple(
            (identity, each) for identity, found in said for each in _counting(identity, found)
        ),
        history=tuple(sorted(history, key=lambda each: each[1].at)),
        wishes=tuple(
            wish_of(contact, identity, request)
            for identity, found in said
            for request in found.requests
        ),
    )


def _counting(identity: Identity, found: consents.Said) -> Iterable[Statement]:
    """The statements that count; of what was kept over an erasure there is no more than that."""
    counting = rules.current(found.statements)
    yield from counting.values()
    for what, state in identity.consent.items():
        if what not in counting:
            medium, _, purpose = what.partition(":")
            yield Statement(
                id="",
                at=identity.since,
                medium=Medium(medium),
                purpose=Purpose(purpose),
                state=ConsentState.DENIED,
                own=state == ConsentState.STOPPED,
                source="before an erasure",
                by=Author(AuthorType.SYSTEM),
            )


def wish_of(contact: Contact, sender: Identity, request: ConsentRequest) -> Wish:
    """What a request of one of a contact's addresses is about, as they are known now."""
    return Wish(contact.root.id, sender, request, tuple(_about(request, contact)))


def _about(request: ConsentRequest, contact: Contact) -> Iterable[tuple[Medium, Identity]]:
    """For each medium the address that was heard from last: a denial there counts for all."""
    for medium in request.media:
        reached = [i for i in contact.identities if rules.reaches(medium, i.address)]
        if reached:
            yield medium, max(reached, key=lambda i: i.seen)


def decide(
    table: Table,
    contact_id: str,
    decision: Decision,
    *,
    now: datetime,
    correlation: str,
    make_id: NewId = new_id,
) -> None:
    """Put down an agent's word. Asked for twice within a day, it is kept once.

    Raises NotFoundError, GoneError, InvalidRequestError (no such address or wish of this contact; a
    medium that does not lead there), ConflictError (they stopped it themselves; the wish was just
    decided), UnavailableError.
    """
    contact = contacts.get_contact(table, contact_id)
    identity = next((i for i in contact.identities if i.key == decision.address_key), None)
    if identity is None:
        raise InvalidRequestError("this contact has no such address; add it first", "identity")
    if not rules.reaches(decision.medium, identity.address):
        raise InvalidRequestError(
            f"an address of kind {identity.address.kind} is not reached by {decision.medium}",
            "medium",
        )
    said = Statement(
        id=make_id("ent", now),
        at=to_milliseconds(now),
        medium=decision.medium,
        purpose=decision.purpose,
        state=decision.state,
        own=False,
        source=decision.source,
        by=decision.by,
        words=decision.words,
        message_id=decision.request_id,
    )
    beside: list[Leg] = []
    if decision.request_id:
        known = _overview(table, contact)
        if rules.repeats(said, [it for each, it in known.history if each.key == identity.key]):
            return
        wish = next((w for w in known.wishes if w.request.entry_id == decision.request_id), None)
        if wish is None or decision.medium not in wish.request.media:
            raise InvalidRequestError("there is no such request", "request_id")
        beside = [consent_requests.decided_leg(wish.sender.key, wish.request, decision.medium)]
    cause = f"agent:{decision.by.id}"
    say(table, identity.key, said, cause=cause, correlation=correlation, beside=beside)


def unsubscribe(
    table: Table,
    address_key: str,
    purpose: Purpose,
    *,
    now: datetime,
    make_id: NewId = new_id,
) -> bool:
    """Deny mail of a purpose by the person's own click; whether it is new. Raises as `say`."""
    said = Statement(
        id=make_id("ent", now),
        at=to_milliseconds(now),
        medium=Medium.EMAIL,
        purpose=purpose,
        state=ConsentState.DENIED,
        own=True,
        source="List-Unsubscribe",
        by=Author(AuthorType.CUSTOMER),
    )
    return say(table, address_key, said, cause="unsubscribe")


def say(
    table: Table,
    address_key: str,
    said: Statement,
    *,
    cause: str,
    correlation: str = "",
    beside: Iterable[Leg] = (),
) -> bool:
    """Write a statement about an address; whether it makes a difference.

    `beside` is written in the same moment. Of somebody who was erased only a denial is kept,
    without words. Raises ConflictError when it would lift what the person stopped themselves, or
    something beside it has changed, and UnavailableError.
    """
    by = said.by.id or str(said.by.type)
    change = Change(events=(), cause=cause, correlation=correlation or said.id, by=by)
    for attempt in range(_TRIES):
        before = contacts.get_identity_by_key(table, address_key)
        if before is None or rules.is_known(said, before):
            return False
        if rules.is_overruled(before.consent, said):
            raise ConflictError("they stopped this themselves: only they can start it again")
        if _is_asked_again(table, said, before):
            return False
        planned = rules.change(
            said,
            before,
            home=before.home,
            address=before.address,
            address_key=address_key,
            trust=before.trust,
        )
        try:
            if before.erased_at is None:
                consents.write(table, before, planned, change, beside=beside)
            elif said.state is ConsentState.DENIED:
                consents.write_bare(table, before, planned)
            return planned.entry is not None
        except MovedError as error:
            if error.beside:
                raise ConflictError("the request was just decided") from error
            sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
    raise UnavailableError("the table stayed busy with this address")


def _is_asked_again(table: Table, said: Statement, before: Identity) -> bool:
    """Nothing slips by: what is said after `before` was read keeps `said` from being written."""
    changes = rules.after(before.consent, said) != before.consent
    return not changes and rules.repeats(said, consents.read(table, before.key).statements)

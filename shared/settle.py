"""Get one message onto one timeline, once: plan by hints, prove in a transaction, plan anew.

Everything read beforehand may be stale. A transaction that is refused returns what is there
instead, so a refusal is also the next read. The cases are those of table.md, "Reading a failed T1".
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import uniform
from time import sleep

from shared.model.contact import Profile
from shared.model.entry import Direction, Entry
from shared.model.errors import UnavailableError
from shared.model.events import Change
from shared.model.identity import Address, Identity
from shared.model.ids import NewId, new_id, new_reference
from shared.model.notification import Release
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.model.recording import (
    Claim,
    MarkedEntry,
    Marker,
    Placement,
    Proof,
    Recording,
    Refusal,
    Route,
)
from shared.model.statement import ConsentChange, ConsentRequest, Statement
from shared.rules import consent, matching, threading
from shared.rules.erasure import is_late
from shared.rules.threading import Facts
from shared.store import contacts
from shared.store.recording import Known, RecordingRefusedError, write
from shared.store.table import Table

TRIES = 8
_QUIET = (Placement.GUEST, Placement.MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One message that wants to be recorded, before its home and conversation are settled.

    `sender` and `vouched` carry what was read of them in `before`. With `read_again` everything
    known can be read afresh when several things changed at once. `said` is what the sender says of
    being written to, `asked` what may be such a wish. A text was sent to `texted` of ours.
    """

    marker: Marker
    entry: Entry
    sender: Proof
    facts: Facts
    read_again: Callable[[], Known]
    vouched: tuple[Proof, ...] = ()
    claims: tuple[Claim, ...] = ()
    message_ids: tuple[str, ...] = ()
    copies: Marker | None = None
    name: str = ""
    said: Statement | None = None
    asked: ConsentRequest | None = None
    texted: frozenset[str] = frozenset()
    change: Change | None = None
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Where a message came to lie. `marked` is set when it had been recorded before.

    So is `copied`, when that was by another delivery of the same mail.
    `entry` is None for a duplicate, and for a late message of somebody who was erased.
    `elsewhere` are the vouched addresses that, as far as was read, are not this contact's.
    """

    entry: Entry | None = None
    elsewhere: tuple[Address, ...] = ()
    contact_id: str = ""
    reference: str = ""
    marked: MarkedEntry | None = None
    copied: MarkedEntry | None = None


@dataclass(slots=True)
class _View:
    """What is believed just now.

    `home` is the sender's. `vouched` are to be recorded; `others` belong to other contacts; for
    `surplus` there is no room.
    """

    identity: Identity | None
    route: Route
    root: str
    home: str
    vouched: tuple[Proof, ...] = ()
    others: tuple[Proof, ...] = ()
    surplus: tuple[Proof, ...] = ()
    new_contact: bool = False
    fresh_root: bool = False
    reference: str = field(default_factory=new_reference)


def settle(
    table: Table, draft: Draft, known: Known, *, make_id: NewId = new_id, pause: bool = True
) -> Settled:
    """Record `draft`. Raises UnavailableError when the table stays busy or down.

    What goes with a notification may have changed: then RecordingRefusedError.
    """
    if known.marked or known.copied:
        return Settled(marked=known.marked, copied=known.copied)
    view = _first_view(table, draft, known, make_id)
    for attempt in range(TRIES):
        if view.identity and is_late(view.identity, draft.entry.occurred_at):
            return Settled()
        recording = _recording(draft, view)
        try:
            write(table, recording)
        except RecordingRefusedError as error:
            if error.refusal.marked or error.refusal.copied:
                return Settled(marked=error.refusal.marked, copied=error.refusal.copied)
            if error.refusal.release_failed:
                raise
            if error.refusal.conflict and pause:
                sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
            view = _next_view(table, draft, view, error.refusal, make_id)
            if _is_erasing(error.refusal.root, recording.entry.home):
                return Settled()
        else:
            return Settled(
                entry=recording.entry,
                contact_id=recording.root,
                reference=recording.reference,
                elsewhere=tuple(proof.address for proof in (*view.others, *view.surplus)),
            )
    raise UnavailableError("the table stayed busy with this contact")


# ---- what is believed


def _first_view(table: Table, draft: Draft, known: Known, make_id: NewId) -> _View:
    sender = known.identities.get(draft.sender.key)
    vouched = tuple(
        replace(proof, before=known.identities.get(proof.key)) for proof in draft.vouched
    )
    vouched = tuple(p for p in vouched if p.before is None or not p.before.erased_at)
    living = sender if sender and not sender.erased_at else None
    facts = _facts(draft, living)
    route = threading.first_route(facts, living)
    if living:
        view = _View(identity=sender, route=route, root=living.root, home=living.home)
        view.vouched = tuple(proof for proof in vouched if _adds(proof, living.root))
        view.others = tuple(p for p in vouched if p.before and p.before.root != living.root)
        if any(proof.before is None for proof in view.vouched):
            _make_room(view, contacts.get_profile(table, living.home))
        return view
    for anchor in vouched:
        if known_by := _known_by(table, draft.sender, anchor):
            home, joined = known_by
            if not facts.named:
                route = threading.default_route(facts, joined)
            view = _View(identity=sender, route=route, root=joined.id, home=home.id)
            view.others = tuple(p for p in vouched if _is_elsewhere(p, joined))
            # The anchor too, which the transaction proves to be there still.
            adding = tuple(p for p in vouched if p is anchor or _adds(p, joined.id))
            view.vouched = tuple(proof for proof in adding if proof not in view.others)
            _make_room(view, home)
            return view
    fresh = make_id("ctc", draft.facts.now)
    return _View(
        identity=sender,
        route=route,
        root=fresh,
        home=fresh,
        new_contact=True,
        vouched=tuple(proof for proof in vouched if proof.before is None),
        others=tuple(proof for proof in vouched if proof.before),
    )


def _known_by(table: Table, sender: Proof, anchor: Proof) -> tuple[Profile, Profile] | None:
    """Home and root of who a new address turns out to be, by another that the same proof covers.

    An address that several people use tells nothing, and neither does one being erased.
    """
    if anchor.before is None or anchor.before.shared:
        return None
    home = contacts.get_profile(table, anchor.before.home)
    if home.erasing:
        return None
    root = home if home.is_root else contacts.get_profile(table, home.root)
    if matching.is_account_by_phone(sender.address, anchor.address):
        theirs = contacts.get_contact_or_remains(table, root.id).identities
        if matching.is_second_account(sender.address, (each.address for each in theirs)):
            return None
    return home, root


def _is_elsewhere(proof: Proof, root: Profile) -> bool:
    return proof.before is not None and proof.before.home not in root.members


def _make_room(view: _View, profile: Profile) -> None:
    """Add no more addresses of a kind than one person has."""
    held = contacts.held(profile)
    fitting = []
    for proof in view.vouched:
        if proof.before is None:
            if not matching.has_room(held, proof.address.kind):
                continue
            held[proof.address.kind] += 1
        fitting.append(proof)
    view.surplus = tuple(proof for proof in view.vouched if proof not in fitting)
    view.vouched = tuple(fitting)


def _adds(proof: Proof, root: str) -> bool:
    """Whether recording this proof changes anything, and is ours to change."""
    before = proof.before
    return before is None or (before.root == root and proof.trust.rank > before.trust.rank)


def _facts(draft: Draft, living: Identity | None) -> Facts:
    if draft.entry.direction is Direction.OUTBOUND:
        return draft.facts
    return replace(draft.facts, proven=threading.is_proven(draft.sender.trust, living))


def _next_view(table: Table, draft: Draft, view: _View, refusal: Refusal, make_id: NewId) -> _View:
    """The first cause of a refusal decides; what else changed shows on the next try."""
    if refusal.identity_failed or refusal.vouched_failed:
        return _first_view(table, draft, draft.read_again(), make_id)
    facts = _facts(draft, view.identity)
    if refusal.root_failed:
        return _after_root(table, draft, view, refusal.root, facts)
    if refusal.home_failed:
        return _after_home(view, refusal.home)
    if refusal.conversation_failed:
        route = threading.after_conversation(view.route, facts, refusal.conversation)
        return replace(view, route=route)
    if refusal.reference_failed:
        return replace(view, reference=new_reference())
    return view


def _after_root(
    table: Table, draft: Draft, view: _View, found: Profile | None, facts: Facts
) -> _View:
    if _is_erasing(found, view.home):
        return view
    if found is None or not found.is_root or view.home not in found.members:
        if found and not found.is_root and not view.fresh_root:
            return replace(view, root=found.root, fresh_root=True)
        return replace(view, root=contacts.get_profile(table, view.home).root, fresh_root=False)
    gone = tuple(proof for proof in view.vouched if _is_elsewhere(proof, found))
    kept = tuple(proof for proof in view.vouched if proof not in gone)
    view = replace(view, vouched=kept, others=(*view.others, *gone))
    if view.home == found.id:
        view = _within_cap(view, found)
    return replace(view, root=found.id, route=threading.after_root(view.route, facts, found))


def _after_home(view: _View, found: Profile | None) -> _View:
    if found and found.root != view.root:
        return replace(view, root=found.root)
    return _within_cap(view, found) if found else view


def _within_cap(view: _View, home: Profile) -> _View:
    if len(home.addresses) < contacts.ADDRESS_CAP:
        return view
    return replace(
        view,
        vouched=tuple(proof for proof in view.vouched if proof.before),
        surplus=(*view.surplus, *(proof for proof in view.vouched if not proof.before)),
    )


def _is_erasing(root: Profile | None, home: str) -> bool:
    return bool(root and root.erasing and home in root.members)


# ---- what is written


def _recording(draft: Draft, view: _View) -> Recording:
    living = view.identity if view.identity and not view.identity.erased_at else None
    route = view.route
    if route.placement is Placement.OPEN:
        route = replace(route, home=view.home)
    facts = _facts(draft, living)
    entry = replace(
        draft.entry,
        home=view.home,
        address_key=draft.sender.key,
        conversation_id=route.conversation_id,
        guest=route.placement is Placement.GUEST,
        opens_conversation=route.placement is Placement.OPEN,
    )
    inbound = entry.direction is Direction.INBOUND
    moves = route.placement not in _QUIET and facts.proven and not facts.automatic
    return Recording(
        marker=draft.marker,
        entry=entry,
        sender=replace(draft.sender, before=view.identity),
        route=route,
        root=view.root,
        now=facts.now,
        new_contact=view.new_contact,
        moves=moves if inbound else route.placement is not Placement.GUEST,
        vouched=view.vouched,
        claims=(*draft.claims, *(Claim(key=p.key, address=p.address) for p in view.surplus)),
        message_ids=draft.message_ids,
        copies=draft.copies,
        reference=view.reference if route.placement is Placement.OPEN else "",
        subject_hash=facts.subject_hash,
        name=draft.name,
        receipt=_receipt(draft, entry) if entry.direction is Direction.OUTBOUND else None,
        consent=_consent(draft, view),
        asked=draft.asked,
        texted=draft.texted,
        change=draft.change,
        release=draft.release,
    )


def _consent(draft: Draft, view: _View) -> ConsentChange | None:
    said, before = draft.said, view.identity
    if said is None or not consent.matters(said, before):
        return None
    return consent.change(
        said,
        before,
        home=view.home,
        address=draft.sender.address,
        address_key=draft.sender.key,
        trust=draft.sender.trust,
    )


def _receipt(draft: Draft, entry: Entry) -> Receipt:
    following = draft.release.next if draft.release else None
    return Receipt(
        key=ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id),
        state=ReceiptState.QUEUED,
        steps={str(ReceiptState.QUEUED): draft.facts.now},
        booked_micro_usd=entry.cost.total_micro_usd if entry.cost else 0,
        ladder_id=f"{following.home}#{following.id}" if following else "",
        conversation_id=entry.conversation_id,
        address_key=entry.address_key,
        channel=str(entry.channel),
    )

"""Declare two contacts to be one person, see beforehand what that means, and take it back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import uniform
from time import sleep

from shared.model.contact import OPEN_CAP, Profile
from shared.model.entry import (
    Author,
    AuthorType,
    Channel,
    Direction,
    Entry,
    Kind,
    ProviderRef,
)
from shared.model.errors import ConflictError, UnavailableError
from shared.model.events import Change
from shared.model.identity import Identity, Trust
from shared.model.ids import NewId, new_id
from shared.model.merge import DECISIONS, Merge, MergeState
from shared.model.suggestion import Suggestion, SuggestionState, suggestion_id
from shared.rules import matching, membership
from shared.rules.ordering import to_milliseconds
from shared.rules.twins import twin_of
from shared.store import contacts, conversations, merging, suggestions
from shared.store.contacts import ADDRESS_CAP, Contact
from shared.store.merging import MovedOnError, Twin, Undoing
from shared.store.table import Table

POLICY = "policy"
_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a merge would join. `conflicts` names what both sides have, and differently."""

    survivor: Contact
    other: Contact
    conflicts: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decides, and why. `by` is an agent's id or `policy`.

    `suggestion` is what this accepts, as it will be. `proven` are the addresses that a policy's
    decision rests on: it holds only while they stay proven, theirs alone, and where they are.
    """

    by: str
    reason: str
    suggestion: Suggestion | None = None
    proven: tuple[Identity, ...] = ()


def preview(table: Table, survivor_id: str, other_id: str) -> Preview:
    """What merging would join; changes nothing. Raises as `merge` does."""
    survivor = contacts.get_contact_or_remains(table, survivor_id)
    other = contacts.get_contact_or_remains(table, other_id)
    _allow(survivor.root, other.root)
    if len(survivor.identities) + len(other.identities) > ADDRESS_CAP:
        raise ConflictError(f"the merged contact would have over {ADDRESS_CAP} addresses")
    pairs = {
        "name": (survivor.root.name, other.root.name),
        "locale": (survivor.root.locale, other.root.locale),
        "time_zone": (survivor.root.time_zone, other.root.time_zone),
        "assignee": (survivor.root.assignee, other.root.assignee),
        "consent": (_consents(survivor), _consents(other)),
    }
    conflicts = {name: both for name, both in pairs.items() if all(both) and len(set(both)) == 2}
    return Preview(survivor=survivor, other=other, conflicts=conflicts)


def _consents(contact: Contact) -> str:
    return ", ".join(
        sorted({f"{key}={state}" for i in contact.identities for key, state in i.consent.items()})
    )


def seniority(contact: Contact) -> tuple[datetime, str]:
    """Sorts the contact first that survives a merge nobody chose a survivor for: the older one."""
    return contact.root.first_seen_at, contact.root.id


def _allow(survivor: Profile, other: Profile) -> None:
    if survivor.id == other.id:
        raise ConflictError("these are one contact already")
    if survivor.erasing or other.erasing:
        raise ConflictError("one of these contacts is erased")
    if len(survivor.members) + len(other.members) > membership.MEMBER_CAP:
        raise ConflictError(f"a contact may have at most {membership.MEMBER_CAP} members")
    if len(survivor.open) + len(other.open) > OPEN_CAP:
        raise ConflictError(
            f"a contact may have at most {OPEN_CAP} open conversations: resolve some first"
        )


def merge(
    table: Table,
    survivor_id: str,
    other_id: str,
    decision: Decision,
    *,
    now: datetime,
    make_id: NewId = new_id,
) -> Merge:
    """Join `other` to `survivor` in one transaction, whatever their histories.

    Raises NotFoundError, ConflictError (one contact already, erased, over a cap; what the decision
    rests on has changed), UnavailableError.
    """

    def attempt() -> Merge:
        seen = preview(table, survivor_id, other_id)
        survivor, other = seen.survivor.root, seen.other.root
        record = Merge(
            id=make_id("mrg", now),
            survivor=survivor_id,
            other=other_id,
            by=decision.by,
            at=to_milliseconds(now),
            reason=decision.reason,
            pair=decision.suggestion.pair if decision.suggestion else (),
        )
        text = f"Merged with {other_id}: {decision.reason}"
        entry = decision_entry(survivor_id, record.id, text, decision.by, now=now, make_id=make_id)
        merging.merge(
            table,
            record,
            survivor=survivor,
            other=other,
            entry=entry,
            change=_change(record, decision.by),
            suggestion=replace(decision.suggestion, merge_id=record.id)
            if decision.suggestion
            else None,
            proven=decision.proven,
        )
        return record

    return _until_settled(attempt)


def undo(
    table: Table, merge_id: str, decision: Decision, *, now: datetime, make_id: NewId = new_id
) -> Merge:
    """Take a merge back: every message, identity, consent and cost is with its sender again.

    Raises NotFoundError, ConflictError (undone already, being erased), UnavailableError.
    """

    def attempt() -> Merge:
        record = merging.get(table, merge_id)
        if record.state is not MergeState.ACTIVE:
            raise ConflictError("this merge was undone already")
        root = _root_with(table, record)
        if root.erasing:
            raise ConflictError("this contact is being erased")
        undone = replace(
            record,
            state=MergeState.UNDONE,
            undone_by=decision.by,
            undone_at=to_milliseconds(now),
            undone_reason=decision.reason,
        )
        undoing = _plan(table, undone, root, decision, now=now, make_id=make_id)
        merging.undo(table, undoing, _change(undone, decision.by))
        return undone

    return _until_settled(attempt)


def _root_with(table: Table, record: Merge) -> Profile:
    """The root that holds this merge's edge. Raises MovedOnError when caught in between."""
    root = contacts.get_profile(table, record.survivor)
    if not root.is_root:
        root = contacts.get_profile(table, root.root)
    if not root.is_root or not any(edge[0] == record.id for edge in root.edges):
        raise MovedOnError
    return root


def _plan(
    table: Table,
    record: Merge,
    root: Profile,
    decision: Decision,
    *,
    now: datetime,
    make_id: NewId,
) -> Undoing:
    keeps, leaves = membership.without(root.edges, root.members, record.id, root.id)
    seen = conversations.get_several(table, sorted(root.open))
    opens = {
        keeps.root: {v: home for v, home in root.open.items() if home in keeps.members},
        leaves.root: {v: home for v, home in root.open.items() if home in leaves.members},
    }
    pruned: dict[str, frozenset[str]] = {}
    twins: list[Twin] = []
    for conversation in seen:
        others = leaves if conversation.home in keeps.members else keeps
        gone = membership.crossing(conversation.parts, others.members)
        if not gone:
            continue
        pruned[conversation.id] = frozenset(gone)
        if not opens[others.root]:
            twin = twin_of(conversation, gone, at=now, twin_id=make_id("cnv", now))
            opens[others.root][twin.id] = twin.home
            twins.append(Twin(of=conversation, conversation=twin))
    text = f"Merge undone: {decision.reason}"
    return Undoing(
        merge=record,
        root=root,
        keeps=keeps,
        leaves=leaves,
        keeps_open=opens[keeps.root],
        leaves_open=opens[leaves.root],
        conversations=seen,
        pruned=pruned,
        twins=twins,
        entries=[
            decision_entry(side.root, record.id, text, decision.by, now=now, make_id=make_id)
            for side in (keeps, leaves)
        ],
        suggestion=_undone(table, record),
    )


def _undone(table: Table, record: Merge) -> Suggestion | None:
    """That these are two people: what led to the merge, or an address of each, is not to do so."""
    one, other = record.pair or _an_address_of_each(table, record)
    if not one:
        return None
    seen = suggestions.find(table, suggestion_id(one, other)) or Suggestion(
        pair=(one, other), evidence=frozenset(), at=record.at
    )
    return matching.decided(
        seen,
        SuggestionState.UNDONE,
        by=record.undone_by,
        at=record.undone_at or record.at,
        reason=record.undone_reason,
    )


def _an_address_of_each(table: Table, record: Merge) -> tuple[str, str]:
    """In order; "" stands for one that has none left."""
    one, other = (
        min(contacts.get_profile(table, contact_id).addresses, default="")
        for contact_id in (record.survivor, record.other)
    )
    return min(one, other), max(one, other)


def decision_entry(
    home: str, decision_id: str, text: str, by: str, *, now: datetime, make_id: NewId
) -> Entry:
    """What the timeline shows of a merge or a split, which it names: so it can be taken back."""
    return Entry(
        id=make_id("ent", now),
        home=home,
        kind=Kind.MERGE,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=Author(AuthorType.SYSTEM if by == POLICY else AuthorType.AGENT, id=by),
        trust=Trust.VERIFIED,
        text=text,
        provider=ProviderRef(DECISIONS, decision_id),
    )


def _change(record: Merge, by: str) -> Change:
    cause = POLICY if by == POLICY else f"agent:{by}"
    return Change(events=("EntryRecorded",), cause=cause, correlation=record.id, by=by)


def _until_settled(attempt: Callable[[], Merge]) -> Merge:
    for number in range(_TRIES):
        try:
            return attempt()
        except MovedOnError:
            sleep(uniform(0, 0.02 * 2**number))  # noqa: S311 jitter is no secret
    raise UnavailableError("these contacts are changing too fast; try again")

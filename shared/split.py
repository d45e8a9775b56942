"""Declare an address, with its own history, to be another person's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import uniform
from time import sleep

from shared.merge import Decision, decision_entry
from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.errors import ConflictError, NotFoundError, UnavailableError
from shared.model.events import Change
from shared.model.identity import Address, ConversationHint, Identity
from shared.model.ids import NewId, new_id
from shared.model.merge import Split
from shared.rules.ordering import to_milliseconds
from shared.rules.twins import twin_of
from shared.store import contacts, conversations, splitting
from shared.store.merging import MovedOnError, Twin
from shared.store.splitting import Splitting
from shared.store.table import Table

_TRIES = 8


def split(
    table: Table,
    contact_id: str,
    address: Address,
    decision: Decision,
    *,
    now: datetime,
    make_id: NewId = new_id,
) -> Split:
    """Give the address a contact of its own, in one transaction; `move` brings its history after.

    Both timelines are right at every moment meanwhile. Raises NotFoundError (the contact has no
    such address), ConflictError (nothing would be left; a split is under way; being erased).
    """
    for attempt in range(_TRIES):
        try:
            plan = _plan(table, contact_id, address, decision, now=now, make_id=make_id)
            change = Change(
                events=("EntryRecorded",),
                cause=f"agent:{decision.by}",
                correlation=plan.split.id,
                by=decision.by,
            )
            splitting.split(table, plan, change)
        except MovedOnError:
            sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
        else:
            return plan.split
    raise UnavailableError("this contact is changing too fast; try again")


def move(
    table: Table, split_id: str, *, now: datetime, go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Bring a split's history over for as long as `go_on` says; True once all is there.

    A message that is just being sent is left for another time. Raises NotFoundError,
    UnavailableError.
    """
    record = splitting.get(table, split_id)
    position, held = None, False
    while go_on() and not record.done:
        try:
            step = splitting.move_some(table, record, position, now)
            held |= step.held
            position = step.position
            if position is None:
                if held:
                    return False
                splitting.finish(table, record)
                return True
        except MovedOnError:
            continue
    return record.done


@dataclass(frozen=True, slots=True)
class _Seen:
    source: Profile
    root: Profile


def _plan(
    table: Table,
    contact_id: str,
    address: Address,
    decision: Decision,
    *,
    now: datetime,
    make_id: NewId,
) -> Splitting:
    # The identity is read first: its count of messages proves that no conversation read after it
    # lacks a message of its own.
    identity = contacts.get_identity(table, address)
    if identity is None or identity.erased_at:
        raise NotFoundError("this contact has no such address")
    seen = _profiles(table, identity.home)
    asked = contacts.get_profile(table, contact_id)
    if asked.root != seen.root.id:
        raise NotFoundError("this contact has no such address")
    _allow(seen, identity.key)
    target_id = make_id("ctc", now)
    opens = conversations.get_several(table, sorted(seen.root.open))
    mine = [c for c in opens if identity.key in c.parts]
    moved = [c for c in mine if set(c.parts) == {identity.key}]
    twins = [
        Twin(of=c, conversation=_own(c, identity.key, target_id, now=now, make_id=make_id))
        for c in mine
        if c not in moved
    ]
    taken = [c.id for c in moved] + [twin.conversation.id for twin in twins]
    resting = None if taken else _resting(table, identity)
    record = Split(
        id=make_id("spl", now),
        address=identity.key,
        source=identity.home,
        target=target_id,
        by=decision.by,
        at=to_milliseconds(now),
        reason=decision.reason,
    )
    target = Profile(
        id=target_id,
        root=target_id,
        first_seen_at=identity.since,
        addresses=frozenset({identity.key}),
        members=frozenset({target_id}),
        open=dict.fromkeys(taken, target_id),
        arriving={identity.key: identity.home},
    )
    gone = {c.id for c in moved}
    text = f"Split from {identity.home} into {target_id}: {decision.reason}"
    return Splitting(
        split=record,
        identity=identity,
        source=seen.source,
        root=seen.root,
        target=target,
        moved=moved,
        twins=twins,
        keeps_open={v: home for v, home in seen.root.open.items() if v not in gone},
        resting=resting,
        hint=_hint(identity, taken, resting, target_id),
        entries=[
            decision_entry(home, record.id, text, decision.by, now=now, make_id=make_id)
            for home in (identity.home, target_id)
        ],
    )


def _profiles(table: Table, home: str) -> _Seen:
    source = contacts.get_profile(table, home)
    root = source if source.is_root else contacts.get_profile(table, source.root)
    if not root.is_root or source.id not in root.members:
        raise MovedOnError
    return _Seen(source, root)


def _allow(seen: _Seen, address_key: str) -> None:
    if seen.root.erasing or seen.source.erasing:
        raise ConflictError("this contact is being erased")
    if seen.source.moving or seen.source.arriving:
        raise ConflictError("another split of this contact is under way; try again when it is done")
    if seen.source.addresses == {address_key} and seen.root.members == {seen.source.id}:
        raise ConflictError("this is the contact's only address: nothing would be left")


def _resting(table: Table, identity: Identity) -> Conversation | None:
    """The resolved conversation that the address was last in, if it was alone there."""
    hint = identity.conversation
    for seen in conversations.get_several(table, [hint.conversation_id]) if hint else ():
        alone = seen.home == identity.home and set(seen.parts) == {identity.key}
        if alone and seen.resolved_at and not seen.joined:
            return seen
    return None


def _hint(
    identity: Identity, taken: Sequence[str], resting: Conversation | None, target: str
) -> ConversationHint | None:
    """Where the next message from the address goes on."""
    if taken:
        return ConversationHint(conversation_id=max(taken), home=target)
    if resting and identity.conversation:
        return replace(identity.conversation, home=target, closed_at=resting.resolved_at)
    return None


def _own(
    conversation: Conversation, address_key: str, target: str, *, now: datetime, make_id: NewId
) -> Conversation:
    return twin_of(conversation, {address_key: target}, at=now, twin_id=make_id("cnv", now))

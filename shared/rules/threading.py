"""Which conversation a message belongs to (design.md §4; table.md, decisions 1, 3, 4, 5).

In this order: the conversation its reply token names; the one its headers name; the one its
address was last written to or from, while that is open or was closed less than seven days ago;
the contact's open one; a new one. Mail on another subject opens a new one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.contact import Profile
from shared.model.conversation import Conversation, Joined
from shared.model.entry import Channel
from shared.model.identity import Identity, Trust
from shared.model.recording import Placement, Route

REOPEN_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What threading needs to know of a message.

    `named` is the conversation its token, its headers or an agent name. `proven`: this message
    proves its sender as well as the address was proven before. `reopens`: it may open a resolved
    conversation again (a rule's own message may not). `fresh_id` is the id a new conversation
    would get.
    """

    channel: Channel
    now: datetime
    fresh_id: str
    proven: bool = True
    automatic: bool = False
    reopens: bool = True
    named: Joined | None = None
    subject_hash: str = ""


def is_proven(trust: Trust, before: Identity | None) -> bool:
    """Whether a message may act for its address: it proves at least what was proven before."""
    return before is None or trust.rank >= min(before.trust.rank, Trust.ASSERTED.rank)


def first_route(facts: Facts, identity: Identity | None) -> Route:
    """Where the message goes, judged by what was read of its address (None: never seen)."""
    quiet = facts.automatic or not facts.proven
    if facts.named:
        return _named_route(facts.named, identity, quiet)
    hint = identity.conversation if identity else None
    if identity is None or hint is None:
        return open_new(facts, alone=identity is not None and not facts.subject_hash)
    another_subject = (
        facts.channel is Channel.EMAIL
        and bool(facts.subject_hash)
        and facts.subject_hash != hint.subject_hash
    )
    if facts.automatic or (quiet and not hint.closed_at and not another_subject):
        return Route(placement=Placement.MARK, conversation_id=hint.conversation_id, home=hint.home)
    if quiet or another_subject:
        return open_new(facts, alone=False)
    return _again(facts, hint.conversation_id, hint.home, hint.closed_at, forced=False)


def _named_route(named: Joined, identity: Identity | None, quiet: bool) -> Route:
    if identity is None or (quiet and identity.home != named.home):
        placement = Placement.GUEST
    else:
        placement = Placement.MARK if quiet else Placement.USE
    return Route(
        placement=placement,
        conversation_id=named.conversation_id,
        home=named.home,
        forced=True,
    )


def open_new(facts: Facts, *, alone: bool, continued_from: str = "") -> Route:
    """A new conversation; its home is filled in when it is recorded."""
    return Route(
        placement=Placement.OPEN,
        conversation_id=facts.fresh_id,
        alone=alone,
        continued_from=continued_from,
    )


def default_route(facts: Facts, root: Profile) -> Route:
    """The contact's own open conversation, the newest where there are several, or a new one."""
    if not root.open or (facts.subject_hash and not root.is_full):
        return open_new(facts, alone=not facts.subject_hash)
    return _newest(facts, root)


def _newest(facts: Facts, root: Profile) -> Route:
    newest = max(root.open)
    quiet = facts.automatic or not facts.proven
    return Route(
        placement=Placement.MARK if quiet else Placement.USE,
        conversation_id=newest,
        home=root.open[newest],
    )


def after_conversation(route: Route, facts: Facts, found: Conversation | None) -> Route:
    """Where it goes now that the conversation turned out to be otherwise."""
    if found is None:
        return open_new(facts, alone=not facts.subject_hash)
    if found.joined:
        return replace(
            route,
            placement=Placement.USE,
            conversation_id=found.joined.conversation_id,
            home=found.joined.home,
        )
    return _again(facts, found.id, found.home, found.resolved_at, forced=route.forced)


def after_root(route: Route, facts: Facts, root: Profile) -> Route:
    """Where it goes now that the contact's root turned out to be otherwise."""
    if route.placement is Placement.OPEN:
        return default_route(facts, root) if route.alone or root.is_full else route
    if route.home not in root.members:
        if route.forced:
            return replace(route, placement=Placement.GUEST)
        return default_route(facts, root)
    if route.placement is Placement.REOPEN and root.is_full:
        return default_route(facts, root)
    if (
        route.placement is Placement.USE
        and not route.forced
        and route.conversation_id not in root.open
    ):
        return default_route(facts, root)
    return route


def _again(
    facts: Facts, conversation_id: str, home: str, closed_at: datetime | None, *, forced: bool
) -> Route:
    """Go on in a conversation that is open, reopen one closed lately, else continue in a new."""
    if closed_at is None:
        return Route(
            placement=Placement.USE, conversation_id=conversation_id, home=home, forced=forced
        )
    if facts.now - closed_at < REOPEN_WITHIN or not facts.reopens:
        return Route(
            placement=Placement.REOPEN if facts.reopens else Placement.MARK,
            conversation_id=conversation_id,
            home=home,
            resolved_at=closed_at,
            forced=forced,
        )
    return open_new(facts, alone=not facts.subject_hash, continued_from=conversation_id)

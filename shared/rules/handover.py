"""Whom somebody spoke to last, and where to write to them next: plain rules, no guessing.

The first of these that nothing speaks against: the channel they asked for; where they last wrote;
their other addresses, the one last heard from first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.consent import Purpose
from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.entry import AuthorType, Channel, Direction, Entry, Kind
from shared.model.identity import Identity, IdentityKind
from shared.model.receipt import Receipt, ReceiptState
from shared.rules.consent import MEDIA, denial
from shared.rules.threading import is_proven

_SPOKEN = (Kind.MESSAGE, Kind.CALL)
_NOT_REACHED = (ReceiptState.FAILED, ReceiptState.UNDELIVERED, ReceiptState.BOUNCED)
_KINDS = {
    Channel.EMAIL: (IdentityKind.EMAIL,),
    Channel.SMS: (IdentityKind.PHONE,),
    Channel.WHATSAPP: (IdentityKind.PHONE, IdentityKind.WHATSAPP),
    Channel.VOICE: (IdentityKind.PHONE,),
    Channel.CHAT: (IdentityKind.CHAT,),
    Channel.MESSENGER: (IdentityKind.MESSENGER,),
    Channel.INSTAGRAM: (IdentityKind.INSTAGRAM,),
}
# Under which name somebody allows or denies a channel (outbound.md §5).
_CHANNELS = {
    IdentityKind.EMAIL: Channel.EMAIL,
    IdentityKind.PHONE: Channel.SMS,
    IdentityKind.WHATSAPP: Channel.WHATSAPP,
    IdentityKind.CHAT: Channel.CHAT,
    IdentityKind.MESSENGER: Channel.MESSENGER,
    IdentityKind.INSTAGRAM: Channel.INSTAGRAM,
}


class Why(StrEnum):
    """Why a channel is the next one."""

    PREFERRED = "preferred"  # they asked for it
    LAST_WROTE = "last_wrote"  # it is where they last wrote
    KNOWN = "known"  # it is theirs


class WhyNot(StrEnum):
    """Why a channel is none to be used."""

    OPTED_OUT = "opted_out"  # they said that they do not want it
    BLOCKED = "blocked"  # the carrier takes no message from us to them
    NOT_REACHED = "not_reached"  # our last message there failed


@dataclass(frozen=True, slots=True)
class Way:
    """A channel, and the address it leads to."""

    channel: Channel
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Where to write next, and why; and what was passed over for it. `next` None: nowhere."""

    next: tuple[Way, Why] | None
    avoid: tuple[tuple[Way, WhyNot], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at: `recent` are the newest entries with their receipts, newest first."""

    profile: Profile
    identities: Sequence[Identity]
    conversations: Sequence[Conversation]
    recent: Sequence[tuple[Entry, Receipt | None]]


def last_spoken_to(recent: Iterable[Entry]) -> Entry | None:
    """The last entry in which an agent spoke to them; notes are not for them."""
    return next(
        (
            entry
            for entry in recent
            if entry.author.type is AuthorType.AGENT and entry.kind in _SPOKEN
        ),
        None,
    )


def advise(facts: Facts) -> Advice:
    """Where to write next."""
    avoid: dict[tuple[Channel, str], tuple[Way, WhyNot]] = {}
    for way, why in _ways(facts):
        if (objection := _objection(way, facts)) is None:
            return Advice(next=(way, why), avoid=tuple(avoid.values()))
        avoid[way.channel, way.identity.key] = (way, objection)
    return Advice(next=None, avoid=tuple(avoid.values()))


def _ways(facts: Facts) -> Iterator[tuple[Way, Why]]:
    known = sorted(facts.identities, key=_rank, reverse=True)
    if facts.profile.preferred_channel:
        wanted = Channel(facts.profile.preferred_channel)
        for identity in known:
            if identity.address.kind in _KINDS.get(wanted, ()):
                yield Way(wanted, identity), Why.PREFERRED
    by_key = {identity.key: identity for identity in facts.identities}
    for channel, key in _written_from(facts, by_key):
        if key in by_key:
            yield Way(channel, by_key[key]), Why.LAST_WROTE
            break
    for identity in known:
        if identity.address.kind in _CHANNELS:
            yield Way(_CHANNELS[identity.address.kind], identity), Why.KNOWN


def _rank(identity: Identity) -> tuple[datetime, int]:
    return identity.seen, identity.trust.rank


def _written_from(facts: Facts, by_key: Mapping[str, Identity]) -> Iterator[tuple[Channel, str]]:
    """Where they wrote, the latest first: what a machine wrote, or a forger, does not count."""
    for entry, _ in facts.recent:
        if (
            entry.direction is Direction.INBOUND
            and entry.kind in _SPOKEN
            and entry.channel in _KINDS
            and not entry.automatic
            and is_proven(entry.trust, by_key.get(entry.address_key))
        ):
            yield entry.channel, entry.address_key
    latest_first = sorted(facts.conversations, key=lambda c: c.last_activity_at, reverse=True)
    for conversation in latest_first:
        if conversation.last_in:
            yield conversation.last_in.channel, conversation.last_in.address_key


def _objection(way: Way, facts: Facts) -> WhyNot | None:
    identity = way.identity
    if medium := MEDIA.get(way.channel):
        match denial(facts.identities, identity, medium, Purpose.CONVERSATION):
            case "bounced":
                return WhyNot.NOT_REACHED
            case reason if reason:
                return WhyNot.OPTED_OUT
    if identity.blocked_senders and way.channel in (Channel.SMS, Channel.WHATSAPP):
        return WhyNot.BLOCKED
    for entry, receipt in facts.recent:
        if (entry.channel, entry.address_key) == (way.channel, identity.key):
            failed = receipt is not None and receipt.state in _NOT_REACHED
            return WhyNot.NOT_REACHED if failed else None
    return None

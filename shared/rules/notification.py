"""Whether an event is announced to a customer, and where (outbound.md §4).

Each check gives the reason why it is not, or None; the first that does decides. Those of the cause
need the event alone and come first.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.consent import Purpose
from shared.model.conversation import Conversation, LastIn, State, WaitingOn
from shared.model.entry import AuthorType, Channel, Entry, Kind
from shared.model.identity import Identity, IdentityKind, Trust
from shared.model.notification import ORIGIN, Cause, Request, SentTimes, Target
from shared.rules import consent, numbers, whatsapp
from shared.rules.segments import segments

STALE_AFTER = timedelta(hours=24)  # a replay of the archive must not text anyone
CAP_WINDOW = timedelta(hours=1)
MOST_SEGMENTS = 2

KINDS = {
    Channel.SMS: (IdentityKind.PHONE,),
    Channel.WHATSAPP: (IdentityKind.WHATSAPP, IdentityKind.PHONE),
    Channel.EMAIL: (IdentityKind.EMAIL,),
    Channel.CHAT: (IdentityKind.CHAT,),
}
_ANSWERED = (Kind.MESSAGE, Kind.CALL)  # what a customer does and a rule answers by itself
BY_PHONE = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.VOICE})
# Stops that come with the day's work; all others are worth an agent's look.
UNREMARKABLE = frozenset({"stale", "loop", "no_target", "overtaken", "erased"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator lets rules do.

    `time_zone` is theirs, `countries` (ISO 3166) those whose numbers may be texted. `hourly_cap`
    is the most notifications a contact gets in an hour, `block_cap` the most texts to one block of
    numbers.
    """

    time_zone: str
    countries: frozenset[str]
    hourly_cap: int
    block_cap: int


# ---- the cause


def _stale(cause: Cause, now: datetime) -> str | None:
    """Told long after it happened, as an import does, or long after it was told, as a replay."""
    happened = min(cause.time, cause.occurred_at or cause.time)
    return "stale" if now - happened > STALE_AFTER else None


def _loop(cause: Cause, now: datetime) -> str | None:
    ours = cause.kind is Kind.NOTIFICATION or (
        cause.author is AuthorType.SYSTEM and cause.kind is Kind.MESSAGE
    )
    return "loop" if cause.automatic or cause.depth >= 1 or ours else None


def _untrusted(cause: Cause, now: datetime) -> str | None:
    return "untrusted" if cause.trust is Trust.CLAIMED else None


CAUSE_CHECKS: tuple[Callable[[Cause, datetime], str | None], ...] = (_stale, _loop, _untrusted)


def objection_to_cause(cause: Cause, now: datetime) -> str | None:
    """Why this event leads to no notification, or None."""
    return next(filter(None, (check(cause, now) for check in CAUSE_CHECKS)), None)


def objection_to_conversation(cause: Cause, conversation: Conversation) -> str | None:
    """Why nothing about this conversation is announced now, or None."""
    last_in = conversation.last_in
    if cause.trust is None and last_in and last_in.trust is Trust.CLAIMED:
        return "untrusted"  # the conversation of somebody who proved nothing
    return "overtaken" if _is_overtaken(cause, conversation) else None


def _is_overtaken(cause: Cause, conversation: Conversation) -> bool:
    """Whether the customer knows already, or it is no longer so."""
    if cause.type == "ConversationResolved":
        return conversation.state is not State.RESOLVED
    if conversation.state is State.RESOLVED:
        return True
    if cause.author is AuthorType.CUSTOMER:
        return conversation.waiting_on is WaitingOn.CUSTOMER  # an agent was faster
    if cause.author is AuthorType.AGENT:
        return conversation.waiting_on is WaitingOn.AGENT  # the customer wrote meanwhile
    return False


# ---- the target


def choose_target(
    ladder: Sequence[str],
    identities: Iterable[Identity],
    *,
    first: int = 0,
    last_in: LastIn | None = None,
) -> Target | None:
    """The ladder's first rung, from `first` on, that the contact has an address for.

    Of several addresses the best proven one, and of those the one seen last.
    """
    living = [identity for identity in identities if not identity.erased_at]
    for rung, name in enumerate(ladder):
        if rung < first:
            continue
        if name == ORIGIN:
            if (channel := last_in and last_in.channel) not in KINDS:
                continue
            fitting = [i for i in living if last_in and i.key == last_in.address_key]
        else:
            channel = Channel(name)
            fitting = [i for i in living if i.address.kind in KINDS[channel]]
        if fitting and channel:
            best = max(fitting, key=lambda i: (i.trust.rank, i.seen))
            return Target(channel=channel, identity=best, rung=rung)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A target and the words for it, with what the checks need to know at the time `now`."""

    target: Target
    text: str
    request: Request
    identities: tuple[Identity, ...]
    policy: Policy
    now: datetime


def _untrusted_target(offer: Offer) -> str | None:
    """Or anyone who can write a mail could have a stranger texted."""
    identity = offer.target.identity
    asserted = identity.trust is Trust.ASSERTED and not identity.shared
    return None if identity.trust is Trust.VERIFIED or asserted else "untrusted_target"


def _no_consent(offer: Offer) -> str | None:
    target = offer.target
    medium, purpose = consent.MEDIA[target.channel], Purpose(offer.request.purpose)
    return consent.denial(offer.identities, target.identity, medium, purpose) or None


def _country(offer: Offer) -> str | None:
    """Texts to far countries are dear, and somebody there may earn by them."""
    address = offer.target.identity.address
    if offer.target.channel not in BY_PHONE or address.kind is not IdentityKind.PHONE:
        return None
    return None if numbers.country_of(address.value) in offer.policy.countries else "country"


def _too_long(offer: Offer) -> str | None:
    is_text = offer.target.channel is Channel.SMS
    return "too_long" if is_text and segments(offer.text) > MOST_SEGMENTS else None


def _window(offer: Offer) -> str | None:
    by_whatsapp = offer.target.channel is Channel.WHATSAPP
    closed = by_whatsapp and not whatsapp.takes_free_text(offer.identities, offer.now)
    return "whatsapp_window" if closed else None


TARGET_CHECKS: tuple[Callable[[Offer], str | None], ...] = (
    _untrusted_target,
    _no_consent,
    _country,
    _too_long,
    _window,
)


def objection_to_target(offer: Offer) -> str | None:
    """Why this is not sent there, or None."""
    return next(filter(None, (check(offer) for check in TARGET_CHECKS)), None)


def order_number(order: Entry) -> str:
    """What the customer knows an order by: the shop's `data.order`, else the id of its event."""
    number = json.loads(order.data).get("order") if order.data else None
    return str(number or (order.provider.id if order.provider else ""))


# ---- how many


def caps(
    request: Request, target: Target, contact_id: str, policy: Policy
) -> dict[tuple[str, str], int]:
    """What limits this notification: the most an hour, by contact and scope.

    What answers a customer by itself goes to an address once an hour: where another machine answers
    it, a mail loop ends there.
    """
    limits = {(contact_id, ""): policy.hourly_cap}
    if request.cause.author is AuthorType.CUSTOMER and request.cause.kind in _ANSWERED:
        limits[contact_id, f"{request.rule}#{target.identity.key}"] = 1
    return limits


def is_within(sent: SentTimes, cap: int, now: datetime) -> bool:
    """Whether one more may be sent now: no hour, however laid, sees more than `cap`."""
    return sum(now - at < CAP_WINDOW for at in sent.times) < cap

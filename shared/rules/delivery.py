"""What is to be done with an outbound message whose turn has come (outbound.md §2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.model.consent import Purpose
from shared.model.due import Due
from shared.model.entry import Entry
from shared.model.identity import Identity
from shared.model.receipt import Receipt, ReceiptState
from shared.rules import numbers
from shared.rules.consent import MEDIA, denial

# A refusal that may not last is asked about again, each time after twice as long: about an hour.
_FIRST_RETRY = timedelta(seconds=30)
_MOST_ATTEMPTS = 8
# When the fate of a message that may have left is looked into, where its provider has a list to
# look at (which may lag behind by minutes), and where its reports are all there will ever be.
LOOKS_AT_LIST = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=16))
LOOKS_FOR_REPORT = (timedelta(minutes=15),)
# A list that cannot be read is asked again for an hour in all.
_LOOK_AGAIN = timedelta(minutes=5)
_LOOKED_FOR = timedelta(hours=1)


class Turn(Enum):
    """What a message's turn is for."""

    SEND = auto()
    NOT_DUE = auto()  # it is to be tried again, or looked into, later
    HELD = auto()  # another sender is at it
    ORPHANED = auto()  # the sender that claimed it is gone, and nobody knows how far it came
    LOOK = auto()  # time to look into what became of it
    SETTLED = auto()  # there is nothing left to do


def turn(receipt: Receipt, due: Due | None, now: datetime) -> Turn:
    """What to do with this receipt now; `due` is its due item, if it has one."""
    is_due = due is not None and due.at <= now
    match receipt.state:
        case ReceiptState.QUEUED:
            return Turn.SEND
        case ReceiptState.RETRY:
            return Turn.SEND if is_due else Turn.NOT_DUE
        case ReceiptState.UNKNOWN:
            return Turn.LOOK if is_due else Turn.NOT_DUE
        case ReceiptState.CLAIMED:
            runs = receipt.claimed_until is not None and receipt.claimed_until > now
            return Turn.HELD if runs else Turn.ORPHANED
        case _:
            return Turn.SETTLED


def next_try(receipt: Receipt, now: datetime) -> datetime | None:
    """When a message that was refused for now is tried again; None after too many attempts."""
    if receipt.attempt >= _MOST_ATTEMPTS:
        return None
    return now + _FIRST_RETRY * (1 << receipt.attempt - 1)


def next_look(
    receipt: Receipt, looks: Sequence[timedelta], now: datetime, *, unread: bool = False
) -> datetime | None:
    """When a message of unknown fate is looked into next; None after the last time.

    `unread`: just now the provider's list could not be read.
    """
    lost_at = receipt.lost_at or now
    following = next((lost_at + after for after in looks if lost_at + after > now), None)
    if following is None and unread and now < lost_at + _LOOKED_FOR:
        return now + _LOOK_AGAIN
    return following


def choose_sender(senders: Sequence[str], identity: Identity | None) -> str:
    """Our address that they know best, of those that the carrier lets through, or nothing.

    That is where they last wrote to, else a number of their country, else the first.
    """
    blocked = identity.blocked_senders if identity else frozenset()
    through = [sender for sender in senders if sender not in blocked]
    if identity is None or len(through) < 2:  # noqa: PLR2004 a choice takes two
        return through[0] if through else ""
    if known := [sender for sender in through if sender in identity.texted]:
        return known[0]
    country = numbers.country_of(identity.address.value)
    near = [sender for sender in through if country and numbers.country_of(sender) == country]
    return (near or through)[0]


# ---- the checks just before a message is claimed, in order: each gives a reason to stop, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known just before a message is sent, read strongly.

    `identity` is whom it goes to, `others` are the contact's other addresses that may speak for it;
    `senders` are our addresses for the channel.
    """

    entry: Entry
    identity: Identity | None
    others: Sequence[Identity] = ()
    senders: Sequence[str] = ()


def _no_address(facts: Facts) -> str:
    return "no_address" if facts.entry.address is None else ""


def _erased(facts: Facts) -> str:
    return "erased" if facts.identity is None or facts.identity.erased_at else ""


def _no_consent(facts: Facts) -> str:
    medium = MEDIA.get(facts.entry.channel)
    if facts.identity is None or medium is None:
        return ""
    purpose = facts.entry.purpose or Purpose.CONVERSATION
    return denial(facts.others, facts.identity, medium, purpose)


def _blocked(facts: Facts) -> str:
    blocked = facts.senders and not choose_sender(facts.senders, facts.identity)
    return "blocked_sender" if blocked else ""


CHECKS: tuple[Callable[[Facts], str], ...] = (_no_address, _erased, _no_consent, _blocked)


def objection(facts: Facts) -> str:
    """Why a message must not be sent, or nothing."""
    return next(filter(None, (check(facts) for check in CHECKS)), "")

"""Whether a message whose fate is not known is among those its provider lists (outbound.md §2)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.model.entry import Entry
from shared.model.receipt import Receipt, ReceiptState
from shared.model.sending import ListedMessage

_SKEW = timedelta(minutes=1)  # between a provider's clock and ours
# A sender lives a minute at most. Whoever sent a message this old has bound its id, or never will.
_SENDER_GONE = timedelta(seconds=90)


class Likeness(Enum):
    """What a listed message may be."""

    OURS = auto()  # these words, to this address, in this time, and nobody else's
    MAYBE = auto()  # nobody else's yet; its sender may be about to bind it, or its words differ
    OTHER = auto()


def since(receipt: Receipt) -> datetime:
    """From when on the message may have left: its first attempt.

    Of a backup's receipt nobody knows when that was, if not yet when the backup was made.
    """
    return receipt.steps.get(ReceiptState.CLAIMED, receipt.key.at) - _SKEW


def likeness(
    listed: ListedMessage, entry: Entry, receipt: Receipt, holder: str, now: datetime
) -> Likeness:
    """What a listed message is to this one. `holder` is the entry its id leads to, if any."""
    if holder:
        return Likeness.OURS if holder == entry.id else Likeness.OTHER
    until = (receipt.claimed_until or now) + _SKEW
    if not since(receipt) <= listed.created_at <= until:
        return Likeness.OTHER
    if _words(listed.text) != _words(entry.text):
        return Likeness.MAYBE
    is_settled = listed.created_at + _SENDER_GONE <= now
    return Likeness.OURS if is_settled else Likeness.MAYBE


def best(likenesses: Iterable[tuple[Likeness, ListedMessage]]) -> tuple[Likeness, ListedMessage]:
    """The likeliest of several, the earliest of those."""
    return min(likenesses, key=lambda it: (it[0].value, it[1].created_at))


def _words(text: str) -> str:
    """Carriers and lists may fold white space."""
    return " ".join(text.split())

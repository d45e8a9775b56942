"""Whether a message of a ladder came through, or the next rung's turn has come."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum, auto

from shared.model.receipt import Receipt, ReceiptState

_SUCCESS = frozenset({ReceiptState.DELIVERED, ReceiptState.READ})
FAILURES = frozenset(
    {
        ReceiptState.STOPPED,
        ReceiptState.CANCELED,
        ReceiptState.FAILED,
        ReceiptState.UNDELIVERED,
        ReceiptState.BOUNCED,
    }
)

# Where no carrier ever reports a delivery `sent` is all there is to hear: by the start of the
# number, and since when we know. None is on the list: what Twilio's documents say of single
# countries could not be checked. Add `"+99": date(2026, 11, 22)`, with the source beside it.
SILENT_CARRIERS: Mapping[str, date] = {}


class Verdict(Enum):
    """What became of a message, as far as its ladder is concerned."""

    SUCCESS = auto()
    FAILURE = auto()
    WAITING = auto()


def verdict(
    receipt: Receipt, number: str, now: datetime, silent: Mapping[str, date] = SILENT_CARRIERS
) -> Verdict:
    """Whether a message came through. `number` is whom it went to; empty when it was no text."""
    if receipt.state in FAILURES:
        return Verdict.FAILURE
    unheard = receipt.state is ReceiptState.SENT and any(
        number.startswith(prefix) and since <= now.date() for prefix, since in silent.items()
    )
    return Verdict.SUCCESS if receipt.state in _SUCCESS or unheard else Verdict.WAITING


def is_success(receipt: Receipt) -> bool:
    """Whether the recipient is known to have the message."""
    return receipt.state in _SUCCESS

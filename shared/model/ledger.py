"""The ledger: every amount that counts towards a contact, each with what it is for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.cost import Cost, Price
from shared.model.entry import Channel, Direction


class LineKind(StrEnum):
    """Why an amount stands in the ledger."""

    ESTIMATE = "estimate"  # an entry's own, by the rate card
    VOID = "void"  # what was never sent is not owed
    CHANGE = "change"  # what became of the message has another rate: a failure, by the rate card
    PRICE = "price"  # what the provider billed, over the estimate
    FEES = "fees"  # what carriers billed for a day, over the day's estimates
    BILL = "bill"  # what AWS billed for a month, over what the month's lines hold of it


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One amount: an entry's own estimate (`id` is the entry's), or a later delta to it.

    `home` is the contact in whose partition it lies, `address_key` the identity whose totals hold
    it, if any. A delta may be negative; `at` is when it was booked, which decides its month, and
    `entry_at` when its entry occurred. `native`: the bill that a delta follows, as its provider
    wrote it.
    """

    id: str
    home: str
    entry_id: str
    channel: Channel
    direction: Direction
    at: datetime
    cost: Cost
    kind: LineKind = LineKind.ESTIMATE
    entry_at: datetime | None = None
    address_key: str = ""
    native: Price | None = None

    @property
    def actual(self) -> bool:
        """Whether a provider's bill stands behind it."""
        return self.kind in (LineKind.PRICE, LineKind.FEES, LineKind.BILL)

"""The ledger: every amount that counts towards a contact, each with what it is for."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.cost import Cost
from shared.model.entry import Channel, Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One amount: an entry's own estimate (`id` is the entry's), or a later delta to it.

    `home` is the contact in whose partition it lies, `address_key` the identity whose totals hold
    it, if any. A delta may be negative; `at` is when it was booked, which decides its month.
    """

    id: str
    home: str
    entry_id: str
    channel: Channel
    direction: Direction
    at: datetime
    cost: Cost
    address_key: str = ""

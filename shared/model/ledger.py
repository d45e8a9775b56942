"""The ledger: every amount that counts towards a contact, each with what it is for."""

from dataclasses import dataclass

from shared.model.cost import Cost
from shared.model.entry import Channel, Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One amount: an entry's own estimate (`id` is the entry's), or a later delta to it.

    `home` is the contact in whose partition it lies. A delta may be negative.
    """

    id: str
    home: str
    entry_id: str
    channel: Channel
    direction: Direction
    cost: Cost

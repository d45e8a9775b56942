"""What an erasure leaves, and how long a person's late messages are kept from making them anew."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from shared.model.identity import Identity
from shared.model.ids import NewId
from shared.model.ledger import CostLine

# Meta redelivers for seven days, longer than any other provider (channels.md §3.1).
GRACE = timedelta(days=7)


def is_late(identity: Identity, occurred_at: datetime) -> bool:
    """Whether a message belongs to the life its sender had erased."""
    return identity.erased_at is not None and occurred_at <= identity.erased_at + GRACE


def without_person(lines: Iterable[CostLine], account: str, make_id: NewId) -> tuple[CostLine, ...]:
    """The same amounts on `account`, summed by month, channel, direction, kind, category and
    rate.

    Nothing else of the lines is left: no entry, no address, no time of day.
    """
    summed = []
    for _, alike in groupby(sorted(lines, key=_what_stays), key=_what_stays):
        first, *others = alike
        month = first.at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        cost = first.cost
        for other in others:
            cost = cost.plus(other.cost)
        summed.append(
            replace(
                first,
                id=make_id("cst", month),
                home=account,
                entry_id="",
                at=month,
                cost=cost,
                entry_at=None,
                address_key="",
                native=None,
            )
        )
    return tuple(summed)


def _what_stays(line: CostLine) -> tuple[str, ...]:
    month = line.at.astimezone(UTC).strftime("%Y-%m")
    return (month, line.channel, line.direction, line.kind, line.cost.category, line.cost.rate)

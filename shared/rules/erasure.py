"""What an erasure leaves, and how long a person's late messages are kept from making them anew."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from shared.model.cost import Cost
from shared.model.entry import Channel, Direction
from shared.model.identity import Identity
from shared.model.ids import NewId
from shared.model.ledger import CostLine, LineKind
from shared.model.receipt import Receipt, ReceiptState

# Meta redelivers for seven days, longer than any other provider (channels.md §3.1).
GRACE = timedelta(days=7)
_NEVER_SENT = (ReceiptState.QUEUED, ReceiptState.RETRY)


def is_late(identity: Identity, occurred_at: datetime) -> bool:
    """Whether a message belongs to the life its sender had erased."""
    return identity.erased_at is not None and occurred_at <= identity.erased_at + GRACE


def never_sent(
    receipts: Iterable[Receipt], account: str, now: datetime, make_id: NewId
) -> tuple[CostLine, ...]:
    """What takes back the estimates of messages that no provider was given, on `account`.

    Of whom they were for nothing is in it.
    """
    return tuple(
        CostLine(
            id=make_id("cst", _month_of(now)),
            home=account,
            entry_id="",
            channel=Channel(receipt.channel),
            direction=Direction.OUTBOUND,
            at=_month_of(now),
            cost=Cost(
                provider_micro_usd=-receipt.booked_micro_usd,
                own_micro_usd=0,
                category=f"{receipt.channel}.never_sent",
                units=0,
                rate="",
            ),
            kind=LineKind.VOID,
        )
        for receipt in receipts
        if receipt.state in _NEVER_SENT and receipt.booked_micro_usd
    )


def without_person(lines: Iterable[CostLine], account: str, make_id: NewId) -> tuple[CostLine, ...]:
    """The same amounts on `account`, summed by month, channel, direction, kind, category and
    rate.

    Nothing else of the lines is left: no entry, no address, no time of day.
    """
    summed = []
    for _, alike in groupby(sorted(lines, key=_what_stays), key=_what_stays):
        first, *others = alike
        month = _month_of(first.at)
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


def _month_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _what_stays(line: CostLine) -> tuple[str, ...]:
    month = line.at.astimezone(UTC).strftime("%Y-%m")
    return (month, line.channel, line.direction, line.kind, line.cost.category, line.cost.rate)

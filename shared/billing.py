"""Put down what AWS billed for a month over what the ledger holds of it, on nobody's account."""

from collections.abc import Iterable
from datetime import datetime

from shared.model.cost import Cost, Price
from shared.model.entry import Channel, Direction
from shared.model.errors import RejectedError, UnavailableError
from shared.model.ledger import CostLine, LineKind
from shared.rules.prices import RateCard
from shared.store import keys, ledger
from shared.store.table import Table, TransactionRefusedError


def on_the_bill(lines: Iterable[CostLine]) -> tuple[int, int]:
    """What a month's lines hold of AWS's bill, micro-USD: our modelled share, and Amazon SES's."""
    modelled, ses = 0, 0
    for line in lines:
        if line.kind is not LineKind.BILL:
            modelled += line.cost.own_micro_usd
            ses += line.cost.provider_micro_usd if line.channel is Channel.EMAIL else 0
    return modelled, ses


def book_bill(
    month: str, billed: Price, held_micro_usd: int, *, table: Table, card: RateCard, now: datetime
) -> CostLine | None:
    """Book what AWS's bill of a month (`2026-10`) exceeds `held_micro_usd` by; None: no news.

    It may be told again, and differently: then the difference is booked. The line belongs to the
    month it is booked in. Raises RejectedError for a price that is none and for a month that is not
    over, and UnavailableError.
    """
    if keys.month(now) <= month:
        raise RejectedError(f"{month} is not over, and its bill not final")
    micro_usd, _ = card.convert(billed, now)
    before = ledger.bill_lines(table, month, now)
    missing = micro_usd - held_micro_usd - sum(line.cost.own_micro_usd for line in before)
    if not missing:
        return None
    line = CostLine(
        id=f"{ledger.BILL}{month}:{len(before) + 1}",
        home=keys.UNALLOCATED,
        entry_id="",
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        at=now,
        cost=Cost(
            provider_micro_usd=0,
            own_micro_usd=missing,
            category="aws.bill",
            units=0,
            rate=f"bill/{month}",
        ),
        kind=LineKind.BILL,
        native=billed,
    )
    try:
        table.write(*ledger.booking_legs(line))
    except TransactionRefusedError as error:
        raise UnavailableError("somebody else books this bill just now") from error
    return line

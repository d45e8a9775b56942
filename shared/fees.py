"""Put what carriers charged for a day in the place of the day's estimates, on nobody's account."""

from datetime import date, datetime

from shared.model.cost import Cost, Price
from shared.model.entry import Channel, Direction
from shared.model.errors import UnavailableError
from shared.model.ledger import CostLine, LineKind
from shared.rules.prices import RateCard
from shared.store import keys, ledger, metering
from shared.store.table import Table, TransactionRefusedError


def book_fees(day: date, billed: Price, *, table: Table, card: RateCard, now: datetime) -> bool:
    """Book what carriers' fees of a day (UTC) exceed its estimates by; False where that is no news.

    It may be told again, and differently: then the difference is booked. Nothing is booked while
    the day's estimates were not metered. Raises RejectedError for a price that is none, and
    UnavailableError.
    """
    estimated = metering.estimated_fees(table, day)
    if estimated is None:
        return False
    micro_usd, exchange = card.convert(billed, now)
    before = ledger.fee_lines(table, day, now)
    booked = sum(line.cost.carrier_fee_micro_usd for line in before)
    missing = micro_usd - estimated - booked
    if not missing:
        return False
    line = CostLine(
        id=f"{ledger.FEES}{day}:{len(before) + 1}",
        home=keys.UNALLOCATED,
        entry_id="",
        channel=Channel.SMS,
        direction=Direction.OUTBOUND,
        at=now,
        cost=Cost(
            provider_micro_usd=0,
            carrier_fee_micro_usd=missing,
            own_micro_usd=0,
            category="sms.carrier_fee",
            units=0,
            rate=exchange or f"usage/{day}",
        ),
        kind=LineKind.FEES,
        native=billed,
    )
    try:
        table.write(*ledger.booking_legs(line))
    except TransactionRefusedError as error:
        raise UnavailableError("somebody else books this day's fees just now") from error
    return True

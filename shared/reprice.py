"""Put what is really owed for a message in the place of its estimate, once (outbound.md §6)."""

from dataclasses import replace
from datetime import datetime

from shared.model.cost import Cost, Price
from shared.model.entry import Entry
from shared.model.errors import UnavailableError
from shared.model.ledger import CostLine, LineKind
from shared.model.receipt import Receipt, ReceiptKey
from shared.rules.owing import difference, owed
from shared.rules.prices import RateCard, price_failed
from shared.store import contacts, receipts
from shared.store.receipts import OvertakenError
from shared.store.table import Table

_TRIES = 8


def reprice(
    key: ReceiptKey, amount: str, currency: str, *, table: Table, card: RateCard, now: datetime
) -> bool:
    """Book a provider's price for a message, as the provider wrote it; False where that is no news.

    An empty `amount` is a price that is not known yet. Two reads and one transaction: the receipt's
    `booked` as it was seen, a line for the difference, and the totals of the address; no line for
    zero. Asking twice books once. Raises RejectedError for a price that is none and for a currency
    that the card cannot convert, NotFoundError, UnavailableError.
    """
    if not amount:
        return False
    price = Price(amount, currency.upper())
    micro_usd, exchange = card.convert(price, now)
    for _ in range(_TRIES):
        entry, receipt = receipts.get(table, key)
        if receipt.price == price or entry.cost is None:
            return False
        after = replace(receipt, price=price, price_micro_usd=micro_usd)
        after, line = settled(table, entry, receipt, after, card=card, now=now)
        if line:
            rate = exchange or line.cost.rate
            cost = replace(line.cost, rate=rate)
            line = replace(line, kind=LineKind.PRICE, native=price, cost=cost)
        try:
            receipts.save(table, receipt, after, booking=line)
        except OvertakenError:
            continue
        return True
    raise UnavailableError("the receipt stayed busy")


def settled(
    table: Table, entry: Entry, before: Receipt, after: Receipt, *, card: RateCard, now: datetime
) -> tuple[Receipt, CostLine | None]:
    """The receipt with what is owed as `after` stands, and the line that books the difference.

    No line where nothing changes. The line's id is made of the receipt's revision, so that the
    transaction that saves `before` as `after` can book it only once.
    """
    if entry.cost is None:
        return after, None
    fee = price_failed(card, entry)
    now_owed = owed(after, entry.cost, fee)
    delta = difference(now_owed, owed(before, entry.cost, fee), before.booked_micro_usd)
    after = replace(after, booked_micro_usd=now_owed.total_micro_usd)
    if not delta.total_micro_usd:
        return after, None
    kind = LineKind.CHANGE if now_owed.total_micro_usd else LineKind.VOID
    return after, _line(table, entry, before, delta, kind=kind, now=now)


def _line(
    table: Table, entry: Entry, before: Receipt, delta: Cost, *, kind: LineKind, now: datetime
) -> CostLine:
    identity = contacts.get_identity_by_key(table, entry.address_key)
    return CostLine(
        id=f"cost:{entry.id}:{before.revision + 1}",
        home=before.key.home,
        entry_id=entry.id,
        channel=entry.channel,
        direction=entry.direction,
        at=now,
        entry_at=entry.occurred_at,
        cost=delta,
        kind=kind,
        address_key=entry.address_key if identity and not identity.erased_at else "",
    )

"""Make up, from Twilio's own list, for what its webhooks did not bring (outbound.md §2)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.model.entry import Direction
from shared.model.errors import NotFoundError, RejectedError
from shared.model.message import InboundMessage
from shared.model.receipt import ReceiptKey
from shared.model.sending import ListedMessage
from shared.receipts import Outcome, apply_report
from shared.store import receipts
from shared.store.table import Table

# What the quarter-hourly pass looks back over; the daily one sees what an outage longer than that
# kept from us. A message younger than a webhook's own tries is left to the webhook.
LOOK_BACK = timedelta(hours=4)
WEBHOOK_TRIES = timedelta(minutes=2)
# A price may take a day to be there: each day is gone through twice.
DAYS_BACK = (1, 2)


class MessageList(Protocol):
    """The provider's list; each call may raise UnavailableError."""

    def received_at(self, number: str, since: datetime) -> Iterator[ListedMessage]:
        """What a number of ours received since then."""
        ...

    def of_day(self, day: date) -> Iterator[tuple[ListedMessage, ...]]:
        """Every message of a day, in and out, page by page."""
        ...

    def fetch(self, message_id: str, received_at: datetime) -> InboundMessage:
        """One that was received, as its webhook would have brought it."""
        ...


class Found(StrEnum):
    """What came to light of one listed message; each value is also the name of a metric."""

    MISSED = "MissedInbound"  # it was received and no webhook brought it: now it is recorded
    RECEIPT = "MissedReceipts"  # the receipt knew less than the list: now it knows
    DOUBLE = "DoubleSend"
    PRICE = "PricesBooked"
    STRAY = "StrayMessages"  # it left by our account, and nobody here sent it
    UNREADABLE = "UnreadableListed"


Tell = Callable[[Found, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """One provider's list against the table.

    `take_in` records an inbound message by the ordinary path and says whether it was new. `reprice`
    books a real price (amount, currency) once and says whether it did. `tell` hears of each
    finding, with the provider's id. `has_time` says whether to go on.
    """

    provider: str
    messages: MessageList
    table: Table
    take_in: Callable[[InboundMessage], bool]
    reprice: Callable[[ReceiptKey, str, str], bool]
    tell: Tell
    clock: Callable[[], datetime]
    has_time: Callable[[], bool]

    def recover_inbound(self, numbers: Iterable[str]) -> None:
        """Record what our numbers received lately and no webhook brought.

        Doing it again records nothing twice. Raises UnavailableError.
        """
        now = self.clock()
        for number in numbers:
            received = self.messages.received_at(number, now - LOOK_BACK)
            self._record_missing(it for it in received if it.created_at <= now - WEBHOOK_TRIES)

    def go_through_day(self, day: date) -> bool:
        """Compare one day's messages with ours; False when time ran out before the end.

        Doing it again changes nothing more. Raises UnavailableError.
        """
        for page in self.messages.of_day(day):
            self._record_missing(it for it in page if it.direction is Direction.INBOUND)
            left = {it.provider_id: it for it in page if it.direction is Direction.OUTBOUND}
            known = receipts.find_many(self.table, self.provider, left)
            for message in left.values():
                if not self.has_time():
                    return False
                self._compare(message, known.get(message.provider_id))
        return True

    def _record_missing(self, listed: Iterable[ListedMessage]) -> None:
        received = {it.provider_id: it for it in listed if it.direction is Direction.INBOUND}
        known = receipts.find_many(self.table, self.provider, received)
        for provider_id in received.keys() - known.keys():
            if not self.has_time():
                return
            try:
                is_new = self.take_in(self.messages.fetch(provider_id, self.clock()))
            except RejectedError:
                self.tell(Found.UNREADABLE, provider_id)
            else:
                if is_new:
                    self.tell(Found.MISSED, provider_id)

    def _compare(self, message: ListedMessage, key: ReceiptKey | None) -> None:
        if key is None:
            self.tell(Found.STRAY, message.provider_id)
            return
        try:
            if message.state and (found := self._report(message, key)):
                self.tell(found, message.provider_id)
            if message.price and self.reprice(key, message.price, message.currency):
                self.tell(Found.PRICE, message.provider_id)
        except (NotFoundError, RejectedError):
            # It was erased meanwhile, or says what cannot be used, such as an unknown currency.
            self.tell(Found.UNREADABLE, message.provider_id)

    def _report(self, message: ListedMessage, key: ReceiptKey) -> Found | None:
        report = message.report(self.provider)
        outcome = apply_report(key, report, table=self.table, now=self.clock())
        return _FOUND.get(outcome)


_FOUND = {Outcome.ADVANCED: Found.RECEIPT, Outcome.DOUBLE: Found.DOUBLE}

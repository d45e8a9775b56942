"""Look up, in its provider's own list, a message that may have left."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from shared.model.entry import Channel, Entry
from shared.model.errors import UnavailableError
from shared.model.receipt import Receipt
from shared.model.sending import ListedMessage
from shared.receipts import apply_report
from shared.rules import resolving
from shared.rules.resolving import Likeness
from shared.store import receipts
from shared.store.table import Table


class SentList(Protocol):
    """A provider's own list of what it took."""

    def sent_to(
        self, channel: Channel, to: str, sender: str, since: datetime
    ) -> tuple[ListedMessage, ...]:
        """What left from one address to another since then; raises UnavailableError."""
        ...


class Finding(Enum):
    """What the list said."""

    FOUND = auto()  # it left; the receipt has moved on
    ABSENT = auto()
    UNCLEAR = auto()  # something left that may be it
    UNREAD = auto()  # the list could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One provider's list, and our own address there."""

    provider: str
    messages: SentList
    sender: str

    def look_up(self, entry: Entry, receipt: Receipt, *, table: Table, now: datetime) -> Finding:
        """Find the message in the list and go by what it says; asking twice changes nothing.

        A listed message is taken for at most one of ours. Raises UnavailableError for the table.
        """
        to = entry.address.value if entry.address else ""
        since = resolving.since(receipt)
        try:
            listed = self.messages.sent_to(entry.channel, to, self.sender, since)
        except UnavailableError:
            return Finding.UNREAD
        if not listed:
            return Finding.ABSENT
        likeness, message = resolving.best(
            (resolving.likeness(it, entry, receipt, self._holder(table, it), now), it)
            for it in listed
        )
        if likeness is Likeness.OTHER:
            return Finding.ABSENT
        if likeness is Likeness.MAYBE:
            return Finding.UNCLEAR
        if not receipts.bind(table, entry, self.provider, message.provider_id):
            return Finding.UNCLEAR
        apply_report(receipt.key, message.report(self.provider), table=table, now=now)
        return Finding.FOUND

    def _holder(self, table: Table, message: ListedMessage) -> str:
        key = receipts.find(table, self.provider, message.provider_id)
        return key.entry_id if key else ""

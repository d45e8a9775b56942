"""What is to be looked at again when its time has come."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.receipt import ReceiptKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A receipt's next look: a message to be tried again, or one whose fate is not known.

    `revision` is the receipt's that set it; whoever acts on it proves that it is still this one.
    `address_key` is that of the address the message goes to.
    """

    key: ReceiptKey
    at: datetime
    revision: int
    address_key: str = ""

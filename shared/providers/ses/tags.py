"""The tags on every mail we send: SES's events bring them back, and they name the receipt.

A tag holds letters, digits, `_` and `-` only, hence the time as a number
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from shared.model.receipt import ReceiptKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT = timedelta(milliseconds=1)


def to_tags(key: ReceiptKey) -> dict[str, str]:
    """The tags that name a receipt; `at` in milliseconds since 1970 UTC."""
    return {"home": key.home, "at": str((key.at - _EPOCH) // _UNIT), "entry": key.entry_id}


def from_tags(tags: Mapping[str, str]) -> ReceiptKey | None:
    """The receipt that these tags name; None when they are not ours."""
    try:
        at = _EPOCH + int(tags["at"]) * _UNIT
        key = ReceiptKey(home=tags["home"], at=at, entry_id=tags["entry"])
        return key if f"{key.home}{key.entry_id}".isascii() else None
    except (KeyError, ValueError, OverflowError):
        return None

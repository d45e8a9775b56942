"""What SES says became of a mail.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
(read 2026-11-22). SES may repeat events and brings them in any order.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.model.errors import MalformedMessageError
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import StatusReport
from shared.providers.mime.parse import PROVIDER
from shared.providers.ses.tags import from_tags

DELAYED = "delayed"  # SES goes on trying
COMPLAINED = "complained"  # the recipient called it spam; it was delivered

_STATES = {
    "Send": ReceiptState.ACCEPTED,
    "Delivery": ReceiptState.DELIVERED,
    "DeliveryDelay": DELAYED,
    "Bounce": ReceiptState.BOUNCED,
    "Complaint": COMPLAINED,
    "Reject": ReceiptState.FAILED,
    "Rendering Failure": ReceiptState.FAILED,
}
_NOT_SPAM = "not-spam"  # a recipient took the mail out of the spam folder
# Where each kind of event keeps its details, and which of them say why; none holds an address.
_DETAILS = {
    "Delivery": ("delivery", ()),
    "DeliveryDelay": ("deliveryDelay", ("delayType",)),
    "Bounce": ("bounce", ("bounceType", "bounceSubType")),
    "Complaint": ("complaint", ("complaintFeedbackType",)),
    "Reject": ("reject", ("reason",)),
    "Rendering Failure": ("failure", ()),
}


def parse_event(notification: Mapping[str, Any]) -> tuple[ReceiptKey, StatusReport] | None:
    """The step an event reports, and of which receipt; None for one that concerns no receipt.

    `notification` is an SNS notification, or the event in it where SNS delivers raw messages.
    A bounce that may pass (a full mailbox; also an out-of-office answer, which SES takes for one
    after a delivery) is `undelivered`, a permanent one `bounced`. Raises MalformedMessageError.
    """
    try:
        event = json.loads(notification["Message"]) if "Message" in notification else notification
        kind, mail = event.get("eventType", ""), event["mail"]
        key = from_tags({name: values[0] for name, values in mail.get("tags", {}).items()})
        if kind not in _STATES or key is None:
            return None
        name, reasons = _DETAILS.get(kind, ("", ()))
        details = event.get(name) or {}
        report = StatusReport(
            provider=PROVIDER,
            provider_id=_text(mail["messageId"]),
            state=_state(kind, details),
            error="/".join(_text(details[reason]) for reason in reasons if details.get(reason)),
            opted_out=kind == "Complaint" and details.get("complaintFeedbackType") != _NOT_SPAM,
            at=_time(details.get("timestamp") or mail.get("timestamp")),
        )
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise MalformedMessageError("the notification holds no SES event") from error
    return key, report


def _state(kind: str, details: Mapping[str, Any]) -> str:
    if kind == "Bounce" and details.get("bounceType") != "Permanent":
        return ReceiptState.UNDELIVERED
    return _STATES[kind]


def _text(value: str) -> str:
    """What JSON can write and UTF-8 cannot becomes `?`."""
    return value.encode("utf-8", "replace").decode()


def _time(written: str | None) -> datetime | None:
    if not written:
        return None
    at = datetime.fromisoformat(written)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

"""What Twilio says became of a message, and under which URL it says it.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status (read 2026-11-21).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from shared.model.errors import MalformedMessageError
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import StatusReport
from shared.providers.twilio.messages import PROVIDER
from shared.runtime.webhook import Form

OPTED_OUT = 21610  # they sent STOP to this sender

# The callback's words, and the list's. Before `sent`, Twilio tells several ways of waiting apart;
# all mean that it took the message.
STATES = {
    "accepted": ReceiptState.ACCEPTED,
    "scheduled": ReceiptState.ACCEPTED,
    "queued": ReceiptState.ACCEPTED,
    "sending": ReceiptState.ACCEPTED,
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "undelivered": ReceiptState.UNDELIVERED,
    "failed": ReceiptState.FAILED,
    "canceled": ReceiptState.CANCELED,
}


def parse_status(form: Form, now: datetime) -> StatusReport:
    """The step a status callback reports, at `now`, since Twilio sends no time.

    Raises MalformedMessageError without a message id, or with a status that is not known.
    """
    sid, status = form.first("MessageSid"), form.first("MessageStatus")
    if not sid or status not in STATES:
        raise MalformedMessageError("the callback names no message or no known status")
    error = form.first("ErrorCode")
    opted_out = error == str(OPTED_OUT)
    return StatusReport(
        provider=PROVIDER,
        provider_id=sid[:64],
        state=STATES[status],
        error=error if error.isdecimal() and error != "0" else "",
        at=now,
        opted_out=opted_out,
        sender=(form.first("MessagingServiceSid") or form.first("From")) if opted_out else "",
    )


def status_url(public_url: str, key: ReceiptKey) -> str:
    """Where Twilio is to report on this message; the signature covers it, so it can be trusted."""
    at = key.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{public_url}/webhooks/twilio/status/{key.home}/{at}/{key.entry_id}"


def receipt_key(path: Mapping[str, str]) -> ReceiptKey:
    """The receipt that a callback's path parameters name. Raises MalformedMessageError."""
    try:
        at = datetime.fromisoformat(unquote(path["at"]))
        if at.tzinfo is None:
            raise ValueError("a time without a zone")
        return ReceiptKey(home=path["home"], at=at.astimezone(UTC), entry_id=path["entry"])
    except (KeyError, ValueError, OverflowError) as error:
        raise MalformedMessageError("the callback's path names no message") from error

"""How a receipt moves (outbound.md §2).

What a provider reports moves it upward only, along that provider's own order of states; so reports
may come late, twice and in any order. What our own sender does moves it only while the sender holds
the claim. Each step here returns the receipt as it should be; the same receipt where nothing is to
be done.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.receipt import Receipt, ReceiptState
from shared.model.sending import StatusReport

# Each provider's states, lowest first. Where two are equally final (failed, undelivered) one still
# has to stand above the other, or the order of the reports would decide. SES's bounce may follow a
# delivery; what may pass (`undelivered`: a full mailbox, an out-of-office answer) takes none back.
_ORDERS: Mapping[str, tuple[ReceiptState, ...]] = {
    "twilio": (
        ReceiptState.ACCEPTED,
        ReceiptState.SENT,
        ReceiptState.CANCELED,
        ReceiptState.FAILED,
        ReceiptState.UNDELIVERED,
        ReceiptState.DELIVERED,
        ReceiptState.READ,
    ),
    "ses": (
        ReceiptState.ACCEPTED,
        ReceiptState.FAILED,
        ReceiptState.UNDELIVERED,
        ReceiptState.DELIVERED,
        ReceiptState.BOUNCED,
    ),
    "chat": (
        ReceiptState.ACCEPTED,
        ReceiptState.FAILED,
        ReceiptState.DELIVERED,
        ReceiptState.READ,
    ),
}

# Somebody has to know of these. Ordinary progress is read from the timeline: an event for every
# step would cost more than the steps themselves.
_ANNOUNCED = frozenset(
    {
        ReceiptState.STOPPED,
        ReceiptState.CANCELED,
        ReceiptState.FAILED,
        ReceiptState.UNDELIVERED,
        ReceiptState.BOUNCED,
        ReceiptState.UNCONFIRMED,
    }
)
ABSENT = "absent"  # a step: the provider's list proved that it never had the message
_SENDABLE = (ReceiptState.QUEUED, ReceiptState.RETRY)
_IN_DOUBT = (*_SENDABLE, ReceiptState.CLAIMED, ReceiptState.UNKNOWN)
# States whose error says why we do not know better yet; a provider's word settles it.
_DOUBTS = (ReceiptState.RETRY, ReceiptState.UNKNOWN, ReceiptState.UNCONFIRMED)


def rank(provider: str, state: str) -> int:
    """How far along a state is; 0 for our own states, and for mere flags such as a complaint."""
    order = _ORDERS.get(provider, ())
    return order.index(ReceiptState(state)) + 1 if state in order else 0


def is_announced(before: Receipt, after: Receipt) -> bool:
    """Whether this step is an event."""
    return after.state != before.state and after.state in _ANNOUNCED


def is_double(receipt: Receipt, provider_id: str) -> bool:
    """Whether the provider has this message under another id too: it left twice."""
    return bool(receipt.provider_id) and receipt.provider_id != provider_id


# ---- what providers report


def report(receipt: Receipt, status: StatusReport, now: datetime) -> Receipt:
    """A provider's report arrived: its step is kept, the state only ever moves upward."""
    after = _known_as(receipt, status.provider, status.provider_id)
    after = _stepped(after, status.state, status.at or now)
    reached = rank(status.provider, status.state)
    if reached > receipt.rank:
        error = "" if receipt.state in _DOUBTS else receipt.error
        after = replace(after, state=ReceiptState(status.state), rank=reached, error=error)
    return replace(after, error=after.error or status.error)


# ---- what our own sender does


def claim(receipt: Receipt, claim_id: str, until: datetime, now: datetime) -> Receipt:
    """This sender alone may send now, until `until`. Errors of earlier attempts are over."""
    if receipt.state not in _SENDABLE:
        return receipt
    return replace(
        _stepped(receipt, ReceiptState.CLAIMED, now),
        state=ReceiptState.CLAIMED,
        attempt=receipt.attempt + 1,
        claim_id=claim_id,
        claimed_until=until,
        error="",
    )


def release(receipt: Receipt, claim_id: str) -> Receipt:
    """Nothing was tried: it is as it was before the claim."""
    if not _holds(receipt, claim_id):
        return receipt
    return replace(
        receipt,
        state=ReceiptState.QUEUED,
        attempt=receipt.attempt - 1,
        claim_id="",
        claimed_until=None,
    )


def accept(
    receipt: Receipt, claim_id: str, provider: str, provider_id: str, now: datetime
) -> Receipt:
    """The provider took it. A claim that was lost, or a report that was faster, keeps the state."""
    after = _known_as(receipt, provider, provider_id)
    after = _stepped(after, ReceiptState.ACCEPTED, now)
    reached = rank(provider, ReceiptState.ACCEPTED)
    if receipt.claim_id != claim_id or receipt.rank >= reached:
        return after
    return replace(after, state=ReceiptState.ACCEPTED, rank=reached, error="")


def retry(receipt: Receipt, claim_id: str, reason: str, now: datetime) -> Receipt:
    """The provider did not take it, and may later."""
    if not _holds(receipt, claim_id):
        return receipt
    after = _stepped(receipt, ReceiptState.RETRY, now)
    return replace(after, state=ReceiptState.RETRY, error=reason)


def fail(receipt: Receipt, claim_id: str, provider: str, reason: str, now: datetime) -> Receipt:
    """The provider will never take it. What was booked for it is not owed."""
    reached = rank(provider, ReceiptState.FAILED)
    if receipt.claim_id != claim_id or receipt.rank >= reached:
        return receipt
    after = _stepped(receipt, ReceiptState.FAILED, now)
    return replace(after, state=ReceiptState.FAILED, rank=reached, error=reason, booked_micro_usd=0)


def lose(receipt: Receipt, claim_id: str, reason: str, now: datetime) -> Receipt:
    """Nobody knows whether it left: no answer came, or the sender is gone."""
    if not _holds(receipt, claim_id):
        return receipt
    after = _stepped(receipt, ReceiptState.UNKNOWN, now)
    return replace(after, state=ReceiptState.UNKNOWN, error=reason, lost_at=now)


def resend(receipt: Receipt, now: datetime) -> Receipt:
    """Its provider has not had it: it is sent again, but only once on such a proof."""
    if receipt.state is not ReceiptState.UNKNOWN or was_resent(receipt):
        return receipt
    return replace(
        _stepped(receipt, ABSENT, now), state=ReceiptState.RETRY, error="not-at-the-provider"
    )


def was_resent(receipt: Receipt) -> bool:
    """Whether it was sent again because its provider had not had it."""
    return ABSENT in receipt.steps


def doubt(receipt: Receipt, now: datetime) -> Receipt | None:
    """A receipt of a backup, if its message may have left since: whoever claimed it is gone.

    None where its provider has it, or where nothing is sent.
    """
    if receipt.state not in _IN_DOUBT:
        return None
    return replace(
        receipt,
        state=ReceiptState.CLAIMED,
        claim_id="",
        claimed_until=now,
        error="restored",
        revision=receipt.revision + 1,
    )


def give_up(receipt: Receipt, now: datetime) -> Receipt:
    """Nothing was heard of it in time; people are told that it may not have left."""
    if receipt.state is not ReceiptState.UNKNOWN:
        return receipt
    after = _stepped(receipt, ReceiptState.UNCONFIRMED, now)
    return replace(after, state=ReceiptState.UNCONFIRMED)


def stop(receipt: Receipt, reason: str, now: datetime) -> Receipt:
    """It must not be sent. What was booked for it is not owed."""
    if receipt.state not in _SENDABLE:
        return receipt
    after = _stepped(receipt, ReceiptState.STOPPED, now)
    return replace(after, state=ReceiptState.STOPPED, error=reason, booked_micro_usd=0)


def _holds(receipt: Receipt, claim_id: str) -> bool:
    """Whether this sender's claim stands and nothing was heard from the provider since."""
    return receipt.state is ReceiptState.CLAIMED and receipt.claim_id == claim_id


def _known_as(receipt: Receipt, provider: str, provider_id: str) -> Receipt:
    if receipt.provider_id:
        return receipt
    return replace(receipt, provider=provider, provider_id=provider_id)


def _stepped(receipt: Receipt, state: str, at: datetime) -> Receipt:
    """The first time of every state is kept."""
    if state in receipt.steps:
        return receipt
    return replace(receipt, steps={**receipt.steps, str(state): at})

"""Keep what a provider says became of a message."""

from datetime import datetime
from enum import StrEnum

from shared.consent import say
from shared.model.entry import Channel
from shared.model.errors import NotFoundError, UnavailableError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.ledger import CostLine
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.model.sending import StatusReport
from shared.rate_card import rate_card
from shared.reprice import settled
from shared.rules import receipts as rules
from shared.rules.ladder import is_success
from shared.rules.opt_out import heard_by_provider
from shared.store import consents, receipts
from shared.store.receipts import OvertakenError
from shared.store.table import Table

_TRIES = 8


class Outcome(StrEnum):
    """What a report did to its receipt; each value is also the name of a metric."""

    ADVANCED = "ReceiptsAdvanced"
    KEPT = "LateReceipts"  # a step of before: kept, the state is further along
    REPEATED = "RepeatedReceipts"
    LATE_SUCCESS = "LateSuccesses"  # another message has left in its place meanwhile
    DOUBLE = "DoubleSend"  # the provider has the message under two ids; both lead to the receipt


def apply_report(
    key: ReceiptKey,
    report: StatusReport,
    *,
    table: Table,
    now: datetime,
    make_id: NewId = new_id,
) -> Outcome:
    """Move the receipt of one message along, upward only: one read, one conditional write.

    A STOP or complaint that it tells of, and a mailbox that is none, is kept of the address first.
    A message that fails after its provider took it costs something else than was estimated; that
    is read and booked with it.

    Reports may come late, twice, and in any order. Raises NotFoundError when there is no such
    receipt, UnavailableError when the table is down or stays busy.
    """
    receipt = _find(table, key, report)
    if rules.report(receipt, report, now) != receipt:
        _keep_what_it_says_of_them(table, receipt, report, now, make_id)
    for _ in range(_TRIES):
        after = rules.report(receipt, report, now)
        if after == receipt:
            return _double(table, receipt, report) or Outcome.REPEATED
        after, booking = _rebooked(table, receipt, after, now)
        change = _change(receipt, after, report)
        try:
            receipts.save(table, receipt, after, change=change, booking=booking)
        except OvertakenError as error:
            receipt = error.receipt
            continue
        moved = Outcome.ADVANCED if after.state != receipt.state else Outcome.KEPT
        if receipt.passed_over and is_success(after) and not is_success(receipt):
            moved = Outcome.LATE_SUCCESS
        return _double(table, receipt, report) or moved
    raise UnavailableError("the receipt stayed busy")


def _find(table: Table, key: ReceiptKey, report: StatusReport) -> Receipt:
    """The receipt where the report says it is, or where it has moved to when it was split off."""
    receipt = receipts.get_receipt(table, key)
    if receipt is None:
        moved_to = receipts.find(table, report.provider, report.provider_id)
        receipt = receipts.get_receipt(table, moved_to) if moved_to else None
    if receipt is None:
        raise NotFoundError("no such receipt")
    return receipt


_OTHERWISE_PRICED = (ReceiptState.FAILED, ReceiptState.CANCELED)


def _rebooked(
    table: Table, before: Receipt, after: Receipt, now: datetime
) -> tuple[Receipt, CostLine | None]:
    """The receipt with what is owed now, where its new state or its old one has its own price."""
    if before.state == after.state or not {before.state, after.state} & set(_OTHERWISE_PRICED):
        return after, None
    entry, _ = receipts.get(table, before.key)
    return settled(table, entry, before, after, card=rate_card(), now=now)


def _keep_what_it_says_of_them(
    table: Table, receipt: Receipt, report: StatusReport, now: datetime, make_id: NewId
) -> None:
    if report.opted_out:
        said = heard_by_provider(
            Channel(receipt.channel),
            f"{report.provider} {report.error or report.state}",
            statement_id=make_id("ent", now),
            at=now,
            sender=report.sender,
        )
        say(table, receipt.address_key, said, cause=f"report:{report.provider}")
    if report.state == ReceiptState.BOUNCED:
        consents.mark_bounced(table, receipt.address_key)


def _double(table: Table, receipt: Receipt, report: StatusReport) -> Outcome | None:
    if not rules.is_double(receipt, report.provider_id):
        return None
    entry, _ = receipts.get(table, receipt.key)
    receipts.point(table, entry, report.provider, report.provider_id)
    return Outcome.DOUBLE


def _change(before: Receipt, after: Receipt, report: StatusReport) -> Change | None:
    if not rules.is_announced(before, after):
        return None
    return Change(
        events=("ReceiptChanged",),
        cause=f"report:{report.provider}",
        correlation=before.key.entry_id,
        by=report.provider,
    )

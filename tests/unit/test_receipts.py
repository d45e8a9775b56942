"""Keeping what providers report: late, twice, in any order, and only ever upward."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest

from shared.model.due import Due
from shared.model.entry import Channel, Direction
from shared.model.errors import NotFoundError, UnavailableError
from shared.model.ledger import CostLine
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import StatusReport
from shared.receipts import Outcome, apply_report
from shared.store import keys, receipts
from shared.store.bodies import Bodies
from shared.store.due import put_leg
from shared.store.table import Delete, Table, Update
from tests.builders import NOW, later, sms
from tests.outbound import Office, key_of, price_out


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


@pytest.fixture
def key(office: Office) -> ReceiptKey:
    """A text that Twilio has accepted as `id-1`."""
    sent = office.answer(office.hub.receive(sms()).contact_id)
    office.deliver(key_of(sent))
    return key_of(sent)


def status(state: str, **fields: str) -> StatusReport:
    blank = StatusReport(provider="twilio", provider_id="id-1", state=state)
    return replace(blank, **fields)  # type: ignore[arg-type]


def apply(office: Office, key: ReceiptKey, *reports: StatusReport) -> list[Outcome]:
    return [apply_report(key, it, table=office.table, now=office.now) for it in reports]


def test_reports_in_any_order_end_the_same_and_every_step_is_kept(office: Office) -> None:
    contact = office.hub.receive(sms()).contact_id
    for order in permutations(["sent", "delivered", "read"]):
        key = key_of(office.answer(contact))
        apply(office, key, *(status(state) for state in order))
        receipt = office.receipt(key)
        assert receipt.state is ReceiptState.READ
        assert receipt.steps.keys() == {"queued", "sent", "delivered", "read"}


def test_a_late_report_is_kept_as_a_step_and_a_repeated_one_writes_nothing(
    office: Office, key: ReceiptKey, aws_calls: list[str]
) -> None:
    aws_calls.clear()
    said = [status("delivered"), status("sent"), status("sent"), status("delivered")]
    assert apply(office, key, *said) == [
        Outcome.ADVANCED,
        Outcome.KEPT,
        Outcome.REPEATED,
        Outcome.REPEATED,
    ]
    writes = [call for call in aws_calls if call != "GetItem"]
    assert len(writes) == 2


def test_a_step_keeps_its_first_time_and_a_report_its_own(office: Office, key: ReceiptKey) -> None:
    apply(office, key, replace(status("sent"), at=later(seconds=5)))
    office.wait(hours=1)
    apply(office, key, status("sent"), status("delivered"))
    steps = office.receipt(key).steps
    assert (steps["sent"], steps["delivered"]) == (later(seconds=5), later(hours=1))


def test_an_error_survives_a_later_duplicate_without_one(office: Office, key: ReceiptKey) -> None:
    apply(office, key, status("failed", error="30007"), status("failed"), status("sent"))
    receipt = office.receipt(key)
    assert (receipt.state, receipt.error) == (ReceiptState.FAILED, "30007")


def test_a_failure_after_acceptance_is_still_owed(office: Office, key: ReceiptKey) -> None:
    apply(office, key, status("undelivered", error="30003"))
    assert office.receipt(key).booked_micro_usd == 11_825


def test_another_provider_id_on_a_receipt_is_a_double_send_and_both_are_kept(
    office: Office, key: ReceiptKey
) -> None:
    assert apply(office, key, status("sent", provider_id="id-2")) == [Outcome.DOUBLE]
    receipt = office.receipt(key)
    assert (receipt.state, receipt.provider_id) == (ReceiptState.SENT, "id-1")
    assert receipts.find(office.table, "twilio", "id-2") == key


def test_a_report_on_nothing_is_not_found(office: Office) -> None:
    nowhere = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
    with pytest.raises(NotFoundError):
        apply(office, nowhere, status("sent"))


def test_a_report_that_looks_where_the_receipt_was_finds_where_it_has_moved(
    office: Office, key: ReceiptKey
) -> None:
    before_a_split = replace(key, home="ctc_before")
    assert apply(office, before_a_split, status("delivered")) == [Outcome.ADVANCED]
    assert office.receipt(key).state is ReceiptState.DELIVERED


def test_a_report_is_applied_to_what_the_receipt_has_become_meanwhile(
    office: Office, key: ReceiptKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = receipts.save

    def faster(*args: object, **named: object) -> object:
        monkeypatch.setattr(receipts, "save", save)
        apply(office, key, status("delivered"))
        return save(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(receipts, "save", faster)
    assert apply(office, key, status("sent")) == [Outcome.KEPT]
    receipt = office.receipt(key)
    assert receipt.state is ReceiptState.DELIVERED
    assert receipt.steps.keys() == {"queued", "claimed", "accepted", "sent", "delivered"}


def test_a_conflict_is_waited_out_and_a_storm_reported_as_unavailable(
    office: Office, key: ReceiptKey, refuse_transactions: Callable[[int], None]
) -> None:
    refuse_transactions(3)
    assert apply(office, key, status("sent")) == [Outcome.ADVANCED]
    refuse_transactions(100)
    with pytest.raises(UnavailableError):
        apply(office, key, status("delivered"))
    refuse_transactions(0)
    assert apply(office, key, status("delivered")) == [Outcome.ADVANCED]


def test_a_move_keeps_what_it_does_not_know(office: Office, key: ReceiptKey) -> None:
    """A newer version of the code may have put more on the item."""
    mark = Update(keys.receipt(key), "SET ladder_id = :l", "attribute_exists(PK)", {":l": "ladder"})
    office.table.write(mark)
    apply(office, key, status("delivered"))
    item = office.table.get(keys.receipt(key))
    assert item
    assert (item["ladder_id"], item["state"]) == ("ladder", "delivered")


def test_a_receipt_that_is_gone_is_not_found(office: Office, key: ReceiptKey) -> None:
    receipt = office.receipt(key)
    office.table.write(Delete(keys.receipt(key), "attribute_exists(PK)"))
    with pytest.raises(NotFoundError):
        receipts.save(office.table, receipt, replace(receipt, error="30007"))
    with pytest.raises(NotFoundError):
        receipts.get(office.table, key)


def test_nothing_is_booked_on_an_address_that_was_just_erased(
    office: Office, key: ReceiptKey
) -> None:
    receipt = office.receipt(key)
    line = CostLine(
        id="void:1",
        home=key.home,
        entry_id=key.entry_id,
        channel=Channel.SMS,
        direction=Direction.OUTBOUND,
        at=NOW,
        cost=price_out(receipts.get(office.table, key)[0]),
        address_key="phone#unknown",
    )
    with pytest.raises(UnavailableError):
        receipts.save(office.table, receipt, replace(receipt, error="30007"), booking=line)
    assert office.receipt(key) == receipt


def test_a_due_item_that_was_set_anew_is_left_alone(office: Office, key: ReceiptKey) -> None:
    seen = Due(key=key, at=NOW, revision=1)
    office.table.write(put_leg(replace(seen, revision=2)))
    receipts.clear(office.table, seen)
    receipts.postpone(office.table, seen, replace(seen, at=later(hours=1), revision=2))
    assert office.due() == [key]

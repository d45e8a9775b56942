"""One channel after the other, until one is known to have come through."""

from dataclasses import replace
from random import Random

import pytest

from shared.deliver import Outcome as DeliverOutcome
from shared.model.entry import Channel, Entry
from shared.model.events import detail
from shared.notify import Notified
from shared.receipts import Outcome
from shared.store.stream import announced
from tests.builders import sms
from tests.interleaving import Interleaving
from tests.notifying import Desk, answered_mail, known_by_mail_and_phone, place
from tests.streams import record, written

LADDER = {"ladder": ["sms", "email"], "wait_seconds": 600}


def sent_by_text(desk: Desk) -> Entry:
    """An update by SMS, whose ladder goes on to e-mail."""
    _, answer = answered_mail(desk)
    desk.tell(answer, **LADDER)
    (entry,) = desk.notifications()
    desk.deliver(place(entry))
    return entry


def channels(desk: Desk) -> list[str]:
    return [str(entry.channel) for entry in desk.notifications()]


def test_the_next_rung_leaves_at_once_when_a_message_failed(desk: Desk) -> None:
    entry = sent_by_text(desk)
    desk.report(entry, "undelivered", error="30003")
    desk.notifier.fall_back(place(entry))
    assert channels(desk) == ["sms", "email"]
    desk.notifier.fall_back(place(entry))
    desk.wait(hours=1)
    desk.sweep()
    assert channels(desk) == ["sms", "email"]
    assert desk.waiting() == []


def test_the_next_rung_leaves_when_nothing_was_heard_in_time(desk: Desk) -> None:
    sent_by_text(desk)
    desk.wait(minutes=9)
    assert desk.sweep() == []
    desk.wait(minutes=1)
    desk.sweep()
    assert channels(desk) == ["sms", "email"]


@pytest.mark.parametrize(("writes", "rung"), [(False, "email"), (True, "whatsapp")])
def test_the_ladder_passes_over_whatsapp_where_they_have_not_written_for_a_day(
    desk: Desk, writes: bool, rung: str
) -> None:
    known_by_mail_and_phone(desk)
    if writes:
        desk.hub.receive(replace(sms(), channel=Channel.WHATSAPP), now=desk.now)
    _, answer = answered_mail(desk)
    desk.tell(answer, ladder=["sms", "whatsapp", "email"])
    (entry,) = desk.notifications()
    desk.deliver(place(entry))
    desk.report(entry, "undelivered", error="30003")
    desk.notifier.fall_back(place(entry))
    assert channels(desk) == ["sms", rung]


def test_success_ends_the_ladder(desk: Desk) -> None:
    entry = sent_by_text(desk)
    desk.report(entry, "delivered")
    desk.wait(minutes=10)
    desk.sweep()
    assert channels(desk) == ["sms"]
    assert desk.waiting() == []


def test_a_late_success_is_a_step_and_is_counted(desk: Desk) -> None:
    entry = sent_by_text(desk)
    desk.wait(minutes=10)
    desk.sweep()
    assert desk.report(entry, "delivered") is Outcome.LATE_SUCCESS
    receipt = desk.receipt(place(entry))
    assert (receipt.state, "delivered" in receipt.steps) == ("delivered", True)


def test_a_message_in_whose_place_another_left_does_not_leave_any_more(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    desk.tell(answer, **LADDER)
    (entry,) = desk.notifications()
    desk.wait(minutes=10)
    desk.sweep()
    assert desk.deliver(place(entry)) is DeliverOutcome.STOPPED
    assert desk.provider.sent == []


def test_a_failure_of_a_message_without_a_ladder_leads_to_nothing(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    desk.tell(answer)
    (entry,) = desk.notifications()
    assert desk.notifier.fall_back(place(entry)) == Notified()


def test_a_newer_update_ends_the_ladder_of_the_older(desk: Desk) -> None:
    conversation_id, answer = answered_mail(desk)
    desk.tell(answer, **LADDER)
    (first,) = desk.notifications()
    desk.deliver(place(first))
    desk.wait(minutes=5)
    again = desk.answer(first.home, conversation_id=conversation_id)
    desk.tell(again.entry.id, **LADDER)
    _, second = desk.notifications()
    desk.report(first, "undelivered")
    desk.notifier.fall_back(place(first))
    assert channels(desk) == ["sms", "sms"]
    desk.deliver(place(second))
    desk.wait(minutes=10)
    desk.sweep()
    assert channels(desk) == ["sms", "sms", "email"]


def test_the_ladders_event_says_so(desk: Desk) -> None:
    entry = sent_by_text(desk)
    desk.report(entry, "undelivered")
    (item,) = [it for it in written(desk.table) if it["type"] == "receipt" and "ladder_id" in it]
    (event,) = announced(record(item))
    assert detail(event)["ladder"] is True


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("state", ["delivered", "undelivered"])
def test_a_timer_and_a_receipt_race_and_one_wins(desk: Desk, seed: int, state: str) -> None:
    """Both read, then write: the rung leaves once at most, and never after a success was known."""
    entry = sent_by_text(desk)
    late = desk.at(minutes=10)

    def receipt() -> None:
        late.report(entry, state)
        if state == "undelivered":
            late.notifier.fall_back(place(entry))

    known_before = desk.receipt(place(entry)).state
    ran = Interleaving(desk.table).run([late.sweep, receipt, late.sweep], Random(seed))
    assert [each.error for each in ran] == [None, None, None]
    assert known_before == "accepted"
    late.sweep()
    by_mail = channels(desk).count("email")
    first = desk.receipt(place(entry))
    if state == "undelivered":
        assert by_mail == 1
    else:
        assert by_mail == int(first.passed_over)
        assert first.state == "delivered"
    assert late.waiting() == []

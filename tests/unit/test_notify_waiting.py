"""Updates wait for more of their kind, and for the morning; when they leave all is asked again."""

from datetime import timedelta

import pytest

from shared.store import contacts, keys
from shared.store.bodies import Bodies
from shared.store.table import Table, Update
from tests.builders import ANA_PHONE, later, mail, sms
from tests.notifying import Desk, answered_mail, known_by_mail_and_phone, stopped

# ---- waiting for more


def test_five_answers_within_the_window_make_one_update(desk: Desk) -> None:
    contact = known_by_mail_and_phone(desk)
    mailed = desk.hub.receive(mail())
    began = desk.now
    for number in range(5):
        answer = desk.answer(contact, f"{number}", conversation_id=mailed.conversation_id)
        told = desk.tell(answer.entry.id, debounce_seconds=60)
        assert told.due == began + timedelta(seconds=60), "the window opens at the first event"
        desk.wait(seconds=10)
    assert desk.notifications() == []
    desk.wait(seconds=9)
    assert desk.sweep() == []
    desk.wait(seconds=1)
    (released,) = desk.sweep()
    (entry,) = desk.notifications()
    assert entry.id == released.entry_id
    assert desk.event(entry.id)["detail"]["metadata"]["cause"] == f"EntryRecorded:{answer.entry.id}"
    assert desk.waiting() == []
    desk.wait(hours=1)
    assert desk.sweep() == []


def test_an_update_of_another_matter_does_not_wait_for_this_one(desk: Desk) -> None:
    contact = known_by_mail_and_phone(desk)
    for subject in ("Order 1001", "Order 1002"):
        mailed = desk.hub.receive(mail(subject=subject))
        answer = desk.answer(contact, conversation_id=mailed.conversation_id)
        desk.tell(answer.entry.id, debounce_seconds=60)
    desk.wait(minutes=1)
    assert len(desk.sweep()) == 2
    assert len(desk.notifications()) == 2


def test_there_is_one_update_however_often_its_event_comes(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    for _ in range(3):
        desk.tell(answer, debounce_seconds=60)
    desk.wait(minutes=1)
    desk.sweep()
    for _ in range(3):
        assert desk.tell(answer, debounce_seconds=60).repeated
    desk.wait(minutes=1)
    assert desk.sweep() == []
    assert len(desk.notifications()) == 1


@pytest.mark.parametrize("resolved", [False, True])
def test_what_was_overtaken_while_it_waited_is_not_told(desk: Desk, resolved: bool) -> None:
    conversation_id, answer = answered_mail(desk)
    desk.tell(answer, debounce_seconds=60)
    if resolved:
        desk.hub.resolve(conversation_id, now=desk.now)
    else:
        desk.hub.receive(sms("Never mind", received_at=desk.now), now=desk.now)
    desk.wait(minutes=1)
    assert desk.sweep() == [stopped("overtaken")]
    assert (desk.notifications(), desk.waiting()) == ([], [])


def test_nothing_is_written_and_nothing_owed_while_an_update_waits(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    before = spent(desk)
    desk.tell(answer, debounce_seconds=60)
    assert (desk.notifications(), spent(desk)) == ([], before)
    desk.wait(minutes=1)
    desk.sweep()
    assert spent(desk) == before + 11_825


def spent(desk: Desk) -> int:
    identity = contacts.get_identity(desk.table, ANA_PHONE)
    assert identity
    return identity.cost_micro_usd


# ---- at night


@pytest.fixture
def night(table: Table, bodies: Bodies) -> Desk:
    """At 23:00 on the clock of Ana's number."""
    return Desk(table, bodies, now=later(hours=19))


def test_a_text_held_at_night_leaves_at_eight(night: Desk) -> None:
    _, answer = answered_mail(night)
    held = night.tell(answer)
    assert held.due
    morning = later(days=1, hours=4)  # 16:00 UTC
    assert morning <= held.due <= morning + timedelta(minutes=5)
    night.now = morning - timedelta(seconds=1)
    assert (night.sweep(), night.notifications()) == ([], [])
    night.now = morning + timedelta(minutes=5)
    assert [released.stopped for released in night.sweep()] == [""]
    assert len(night.notifications()) == 1


def test_what_is_urgent_leaves_at_night(night: Desk) -> None:
    _, answer = answered_mail(night)
    assert night.tell(answer, urgent=True).entry_id


def test_mail_leaves_at_night(night: Desk) -> None:
    _, answer = answered_mail(night)
    assert night.tell(answer, ladder=["email"]).entry_id


def test_who_said_where_they_live_has_the_night_there(night: Desk) -> None:
    contact = known_by_mail_and_phone(night)
    root = contacts.get_profile(night.table, contact)
    contacts.patch_profile(night.table, root, {"time_zone": "Asia/Tokyo"})
    mailed = night.hub.receive(mail())
    answer = night.answer(contact, conversation_id=mailed.conversation_id)
    assert night.tell(answer.entry.id).entry_id  # 16:00 there


def test_answers_of_a_whole_night_make_one_update_in_the_morning(night: Desk) -> None:
    contact = known_by_mail_and_phone(night)
    mailed = night.hub.receive(mail())
    for _ in range(3):
        answer = night.answer(contact, conversation_id=mailed.conversation_id)
        night.tell(answer.entry.id, debounce_seconds=60)
        night.wait(hours=2)
        night.sweep()
    night.wait(hours=4)
    night.sweep()
    (entry,) = night.notifications()
    assert night.event(entry.id)["detail"]["metadata"]["cause"].endswith(answer.entry.id)


def test_a_stop_said_at_night_holds_in_the_morning(night: Desk) -> None:
    """Consent is asked again when it leaves."""
    _, answer = answered_mail(night)
    night.tell(answer)
    key = night.table.address_key(ANA_PHONE)
    set_consent(night.table, key, {"text:*": "stopped"})
    night.wait(hours=12)
    assert night.sweep() == [stopped("no_consent")]
    assert night.notifications() == []
    assert night.told_agents() == ["Not sent: agent-answered (no_consent)."]


def set_consent(table: Table, address_key: str, states: dict[str, str]) -> None:
    table.write(
        Update(
            keys.identity(address_key),
            "SET consent = :states",
            "attribute_exists(PK)",
            {":states": states},
        )
    )

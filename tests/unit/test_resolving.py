"""A message of unknown fate is looked up in its provider's list, and sent again only on proof."""

from datetime import timedelta

import pytest

from shared.deliver import Outcome
from shared.model.errors import UnavailableError
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_PHONE, sms
from tests.outbound import Carrier, Office, key_of

OURS = "+15005550006"
LOOKS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=16))


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    office = Office(table, bodies)
    office.carrier = Carrier(lambda: office.now)
    return office


def lost(office: Office, *fates: str, text: str = "It left today.") -> ReceiptKey:
    """A text to Ana whose sender got no answer."""
    key = key_of(office.answer(office.hub.receive(sms()).contact_id, text))
    carrier(office).fates = list(fates)
    assert office.deliver(key) is Outcome.UNKNOWN
    return key


def carrier(office: Office) -> Carrier:
    assert office.carrier
    return office.carrier


def look(office: Office, key: ReceiptKey, *after: timedelta) -> list[Outcome]:
    """What each look comes to, so long after the message was lost."""
    outcomes, start = [], office.now
    for wait in after:
        office.now = start + wait - timedelta(seconds=1)
        assert office.due() == []
        office.now = start + wait
        assert office.due() == [key]
        outcomes.append(office.deliver(key))
    return outcomes


def test_a_message_that_left_is_found_and_goes_on_as_if_it_had_been_answered_for(
    office: Office,
) -> None:
    key = lost(office, "answer-lost")
    assert look(office, key, *LOOKS[:2]) == [Outcome.NOT_DUE, Outcome.FOUND]
    receipt = office.receipt(key)
    (taken,) = carrier(office).taken
    assert (receipt.state, receipt.provider_id, receipt.error) == ("sent", taken.provider_id, "")
    assert receipts.find(office.table, "twilio", taken.provider_id) == key
    assert office.due() == []


def test_a_message_just_listed_may_be_of_a_sender_about_to_bind_it(office: Office) -> None:
    """So the first look, thirty seconds on, finds only what is bound to the message already."""
    key = lost(office, "answer-lost")
    entry, _ = receipts.get(office.table, key)
    (taken,) = carrier(office).taken
    receipts.point(office.table, entry, "twilio", taken.provider_id)
    assert look(office, key, LOOKS[0]) == [Outcome.FOUND]


def test_a_list_that_lags_is_asked_again(office: Office) -> None:
    key = lost(office, "answer-lost")
    carrier(office).lag = timedelta(minutes=15)
    assert look(office, key, *LOOKS) == [Outcome.NOT_DUE, Outcome.NOT_DUE, Outcome.FOUND]
    assert len(carrier(office).taken) == 1


def test_a_message_that_never_arrived_is_sent_again_once(office: Office) -> None:
    key = lost(office, "request-lost")
    assert look(office, key, *LOOKS) == [Outcome.NOT_DUE, Outcome.NOT_DUE, Outcome.RESENT]
    assert office.receipt(key).state is ReceiptState.RETRY
    assert office.due() == [key]
    assert office.deliver(key) is Outcome.ACCEPTED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.attempt, receipt.error) == ("accepted", 2, "")
    assert "absent" in receipt.steps


def test_a_message_that_never_arrives_is_given_up_the_second_time(office: Office) -> None:
    key = lost(office, "request-lost", "request-lost")
    look(office, key, *LOOKS)
    assert office.deliver(key) is Outcome.UNKNOWN
    assert look(office, key, *LOOKS) == [Outcome.NOT_DUE, Outcome.NOT_DUE, Outcome.UNCONFIRMED]
    assert carrier(office).taken == []
    assert office.due() == []


def test_what_was_found_late_of_the_first_attempt_is_not_sent_a_third_time(office: Office) -> None:
    key = lost(office, "answer-lost", "request-lost")
    carrier(office).lag = timedelta(minutes=17)
    look(office, key, *LOOKS)
    assert office.deliver(key) is Outcome.UNKNOWN
    assert look(office, key, LOOKS[0], LOOKS[1]) == [Outcome.NOT_DUE, Outcome.FOUND]
    assert len(carrier(office).taken) == 1


def test_two_messages_of_the_same_words_are_never_taken_for_one(office: Office) -> None:
    first, second = lost(office, "answer-lost"), lost(office, "request-lost")
    start = office.now
    outcomes = {}
    for wait in LOOKS:
        office.now = start + wait
        for key in (first, second):
            outcomes[key] = office.deliver(key)
    assert sorted(outcomes.values()) == [Outcome.RESENT, Outcome.SETTLED]
    for key in (first, second):
        office.deliver(key)
    ids = {office.receipt(key).provider_id for key in (first, second)}
    assert ids == {it.provider_id for it in carrier(office).taken}
    assert len(ids) == 2


def test_another_message_of_ours_is_not_taken_for_it(office: Office) -> None:
    key = lost(office, "request-lost")
    other = key_of(office.answer(office.hub.contact(ANA_PHONE).root.id, "Something else."))
    assert office.deliver(other) is Outcome.ACCEPTED
    assert look(office, key, *LOOKS)[-1] is Outcome.RESENT


def test_a_strangers_message_in_that_time_makes_it_unconfirmed_not_sent_again(
    office: Office,
) -> None:
    """Another system sends from our number, or the carrier has changed the words: who knows."""
    key = lost(office, "request-lost")
    carrier(office).take(ANA_PHONE.value, OURS, "Sent from a trial account - It left today.")
    assert look(office, key, *LOOKS)[-1] is Outcome.UNCONFIRMED


def test_what_left_at_another_time_proves_nothing(office: Office) -> None:
    carrier(office).take(ANA_PHONE.value, OURS, "It left today.")
    office.wait(minutes=5)
    key = lost(office, "request-lost")
    assert look(office, key, *LOOKS)[-1] is Outcome.RESENT


def test_white_space_that_the_list_folds_makes_no_other_message(office: Office) -> None:
    key = lost(office, "request-lost", text="It left\r\n\r\ntoday. ")
    carrier(office).take(ANA_PHONE.value, OURS, "It left\n\ntoday.")
    assert look(office, key, *LOOKS[:2])[-1] is Outcome.FOUND


def test_a_list_that_cannot_be_read_proves_nothing_and_is_asked_for_an_hour(
    office: Office,
) -> None:
    key = lost(office, "answer-lost")
    carrier(office).is_down = True
    again = [timedelta(minutes=minute) for minute in range(21, 62, 5)]
    outcomes = look(office, key, *LOOKS, *again)
    assert outcomes == [Outcome.NOT_DUE] * 11 + [Outcome.UNCONFIRMED]
    assert len(carrier(office).taken) == 1


def test_a_list_that_can_be_read_again_is_believed(office: Office) -> None:
    key = lost(office, "answer-lost")
    carrier(office).is_down = True
    look(office, key, *LOOKS)
    carrier(office).is_down = False
    office.wait(minutes=5)
    assert office.deliver(key) is Outcome.FOUND


def test_a_listed_message_is_taken_for_one_of_ours_alone_even_at_the_same_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, rival = lost(office, "answer-lost"), lost(office, "request-lost")
    office.wait(minutes=2)
    bind = receipts.bind

    def rival_first(*args: object) -> bool:
        monkeypatch.setattr(receipts, "bind", bind)
        assert office.deliver(rival) is Outcome.FOUND
        return bind(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(receipts, "bind", rival_first)
    assert office.deliver(key) is Outcome.NOT_DUE
    assert office.receipt(key).state is ReceiptState.UNKNOWN


def test_a_table_that_is_down_leaves_the_look_for_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = lost(office, "answer-lost")
    office.wait(minutes=2)

    def down(*_: object) -> None:
        raise UnavailableError("the table did not answer")

    monkeypatch.setattr(receipts, "find", down)
    with pytest.raises(UnavailableError):
        office.deliver(key)
    assert office.due() == [key]

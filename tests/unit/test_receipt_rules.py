"""How receipts move: upward by reports, and by their sender only while it holds the claim."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.model.sending import StatusReport
from shared.rules import receipts as rules
from tests.builders import NOW, later

KEY = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
REPORTED = {
    "twilio": ("accepted", "sent", "canceled", "failed", "undelivered", "delivered", "read"),
    "ses": ("accepted", "failed", "undelivered", "delivered", "bounced", "complained", "delayed"),
    "chat": ("accepted", "failed", "delivered", "read"),
}


def receipt(state: ReceiptState = ReceiptState.QUEUED, **fields: object) -> Receipt:
    blank = Receipt(key=KEY, state=state, steps={str(state): NOW}, booked_micro_usd=11_825)
    return replace(blank, **fields)  # type: ignore[arg-type]


def claimed() -> Receipt:
    return rules.claim(receipt(), "clm_1", later(seconds=90), NOW)


def reports(provider: str, *states: str) -> list[StatusReport]:
    return [
        StatusReport(provider=provider, provider_id="id", state=state, at=later(seconds=n))
        for n, state in enumerate(states)
    ]


def after(start: Receipt, *said: StatusReport) -> Receipt:
    for status in said:
        start = rules.report(start, status, NOW)
    return start


some_reports = st.sampled_from(sorted(REPORTED)).flatmap(
    lambda provider: st.lists(
        st.builds(
            StatusReport,
            provider=st.just(provider),
            provider_id=st.just("id"),
            state=st.sampled_from(REPORTED[provider]),
            error=st.sampled_from(["", "30003", "30007"]),
            at=st.integers(0, 100).map(lambda n: NOW + timedelta(seconds=n)),
        ),
        max_size=7,
    )
)
starts = st.sampled_from(
    [
        receipt(),
        claimed(),
        rules.lose(claimed(), "clm_1", "no-answer", NOW),
        rules.retry(claimed(), "clm_1", "20429", NOW),
    ]
)


@given(start=starts, said=some_reports, data=st.data())
def test_any_order_of_reports_ends_in_the_same_state(
    start: Receipt, said: list[StatusReport], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(said))
    one, other = after(start, *said), after(start, *shuffled)
    assert (one.state, one.rank) == (other.state, other.rank)
    assert one.steps.keys() == other.steps.keys()


@given(start=starts, said=some_reports)
def test_a_report_twice_is_a_report_once(start: Receipt, said: list[StatusReport]) -> None:
    assert after(start, *said, *said) == after(start, *said)


@given(start=starts, said=some_reports)
def test_receipts_only_move_upward_and_lose_neither_a_step_nor_a_reported_error(
    start: Receipt, said: list[StatusReport]
) -> None:
    seen = start
    for status in said:
        moved = rules.report(seen, status, NOW)
        assert moved.rank >= seen.rank
        assert moved.steps.items() >= seen.steps.items()
        if seen.error and seen.rank:
            assert moved.error == seen.error
        seen = moved


@pytest.mark.parametrize("order", list(permutations(["accepted", "sent", "delivered"])))
def test_texts_end_as_delivered_whatever_comes_first(order: tuple[str, ...]) -> None:
    moved = after(claimed(), *reports("twilio", *order))
    assert moved.state is ReceiptState.DELIVERED
    assert moved.steps.keys() == {"queued", "claimed", "accepted", "sent", "delivered"}


def test_a_delivery_after_a_failure_is_believed_and_the_error_kept() -> None:
    failed, delivered = reports("twilio", "failed", "delivered")
    moved = after(claimed(), replace(failed, error="30007"), failed, delivered)
    assert (moved.state, moved.error) == (ReceiptState.DELIVERED, "30007")


def test_a_mail_may_bounce_after_it_was_delivered_and_an_absence_note_undoes_nothing() -> None:
    bounced = after(claimed(), *reports("ses", "delivered", "bounced"))
    assert bounced.state is ReceiptState.BOUNCED
    away = after(claimed(), *reports("ses", "delivered", "undelivered"))
    assert away.state is ReceiptState.DELIVERED


def test_a_complaint_is_a_flag_and_no_state() -> None:
    moved = after(claimed(), *reports("ses", "delivered", "complained"))
    assert moved.state is ReceiptState.DELIVERED
    assert "complained" in moved.steps


def test_only_who_is_queued_or_to_be_tried_again_can_be_claimed() -> None:
    for state in ReceiptState:
        before = receipt(state)
        may = state in (ReceiptState.QUEUED, ReceiptState.RETRY)
        assert (rules.claim(before, "clm_1", NOW, NOW) != before) is may


def test_a_sender_that_lost_its_claim_changes_nothing_but_the_provider_id() -> None:
    taken = replace(claimed(), claim_id="clm_2")
    assert rules.retry(taken, "clm_1", "20429", NOW) == taken
    assert rules.fail(taken, "clm_1", "twilio", "21211", NOW) == taken
    assert rules.lose(taken, "clm_1", "no-answer", NOW) == taken
    assert rules.release(taken, "clm_1") == taken
    accepted = rules.accept(taken, "clm_1", "twilio", "SM1", NOW)
    assert (accepted.state, accepted.provider_id) == (ReceiptState.CLAIMED, "SM1")


def test_an_answer_that_comes_after_the_reports_takes_nothing_back() -> None:
    delivered = after(claimed(), *reports("twilio", "delivered"))
    assert rules.accept(delivered, "clm_1", "twilio", "id", NOW).state is ReceiptState.DELIVERED
    assert rules.lose(delivered, "clm_1", "no-answer", NOW) == delivered
    assert rules.retry(delivered, "clm_1", "20429", NOW) == delivered


def test_what_never_leaves_is_not_owed() -> None:
    assert rules.stop(receipt(), "erased", NOW).booked_micro_usd == 0
    assert rules.fail(claimed(), "clm_1", "twilio", "21211", NOW).booked_micro_usd == 0
    assert rules.lose(claimed(), "clm_1", "no-answer", NOW).booked_micro_usd == 11_825


def test_what_is_known_is_neither_stopped_nor_given_up() -> None:
    delivered = after(claimed(), *reports("twilio", "delivered"))
    assert rules.stop(delivered, "no_consent", NOW) == delivered
    assert rules.give_up(delivered, NOW) == delivered


def test_a_reason_for_doubt_is_gone_once_the_provider_has_spoken() -> None:
    lost = rules.lose(claimed(), "clm_1", "no-answer", NOW)
    assert after(lost, *reports("twilio", "sent")).error == ""
    given_up = rules.give_up(lost, later(minutes=16))
    assert (given_up.state, given_up.error) == (ReceiptState.UNCONFIRMED, "no-answer")
    assert after(given_up, *reports("twilio", "delivered")).state is ReceiptState.DELIVERED


@pytest.mark.parametrize("state", list(ReceiptState))
def test_only_what_somebody_has_to_know_is_an_event(state: ReceiptState) -> None:
    bad = {"stopped", "canceled", "failed", "undelivered", "bounced", "unconfirmed"}
    assert rules.is_announced(receipt(ReceiptState.CLAIMED), receipt(state)) is (state in bad)
    assert not rules.is_announced(receipt(state), receipt(state))

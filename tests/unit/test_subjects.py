"""Whether two mails are about the same subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.subjects import subject_hash

SUBJECT = "Where is my order?"


@pytest.mark.parametrize(
    "answer",
    [
        "Re: Where is my order?",
        "RE: re: Where is my order?",
        "Re[2]: Where is my order?",
        "Re(3): Where is my order?",
        "Fwd: Where is my order?",
        "FW: RE: Where is my order?",
        "AW: WG: Where is my order?",
        "SV: Where is my order?",
        "RV: Where is my order?",
        "TR : Where is my order?",
        "Odp: Where is my order?",
        "Antw.: Where is my order?".replace(".", ""),
        "回复：Where is my order?",
        "返信: Where is my order?",
        "Re: [#7Q4K-2M] Where is my order?",
        "Where is my order? [#7Q4K-2M]",
        "Where is my order? (#7Q4K-2M)",
        "[Ticket 4711] Where is my order?",
        "[Ticket#4711] Re: Where is my order?",
        "[EXTERNAL] Re: Where is my order?",
        "*****SPAM***** Where is my order?",
        "  where  IS my\torder? ",
    ],
)
def test_an_answer_has_its_subjects_hash(answer: str) -> None:
    assert subject_hash(answer) == subject_hash(SUBJECT)


@pytest.mark.parametrize(
    "other",
    ["Where is my parcel?", "Refund: Where is my order?", "I: Where is my order?", "Invoice"],
)
def test_another_subject_has_another_hash(other: str) -> None:
    assert subject_hash(other) != subject_hash(SUBJECT)


def test_what_only_brackets_tell_apart_is_told_apart() -> None:
    assert subject_hash("[Order 1001] late") != subject_hash("[Order 1002] late")


@pytest.mark.parametrize("subject", ["", " ", "Re:", "Re: Fwd: ", "[EXTERNAL]", "#7Q4K-2M"])
def test_a_subject_that_says_nothing_has_no_hash(subject: str) -> None:
    assert subject_hash(subject) == ""


@given(st.text())
def test_a_hash_is_short_and_the_same_for_every_further_answer(subject: str) -> None:
    about = subject_hash(subject)
    assert len(about) in (0, 12)
    assert subject_hash(f"Re: {subject}") == about
    assert subject_hash(f"AW: Re: {subject}") == about

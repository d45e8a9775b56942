"""The dated tables of what providers' error codes ask of us."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from shared.model.sending import Refused
from shared.providers.refusals import Refusal, Verdict, refused
from shared.providers.ses import refusals as ses
from shared.providers.twilio import refusals as twilio


@pytest.mark.parametrize("module", [twilio, ses])
def test_a_table_says_when_it_was_read_and_where(module: Any) -> None:
    assert date(2026, 11, 1) <= module.READ_ON <= date(2026, 11, 22)
    assert "https://" in module.__doc__


@pytest.mark.parametrize("table", [twilio.TABLE, ses.TABLE])
def test_each_code_has_one_verdict_and_a_meaning(table: Mapping[Any, Refusal[Any]]) -> None:
    assert all(row.meaning for row in table.values())
    assert {row.verdict for row in table.values()} == set(Verdict)


@pytest.mark.parametrize("code", [21610, 21211, 63016])
def test_what_asking_again_cannot_change_is_final(code: int) -> None:
    assert refused(twilio.TABLE, code, str(code), otherwise=Verdict.LATER) == Refused(
        str(code), final=True
    )


def test_a_code_nobody_knows_is_judged_by_what_else_is_known() -> None:
    assert refused(twilio.TABLE, 1, "http-418", otherwise=Verdict.FINAL).final
    assert not refused(twilio.TABLE, 1, "http-429", otherwise=Verdict.LATER).final

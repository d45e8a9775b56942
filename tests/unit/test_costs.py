"""What a message may cost its operator: counted operations times the price list (design.md §12)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shared.rate_card import rate_card
from tests.costs.capacity import Wire, index_units, read_units, size, write_units
from tests.costs.model import LIMITS, bills, total
from tests.costs.stories import OUT

IN_INBOX = {
    "PK": {"S": "CONVERSATION#1"},
    "SK": {"S": "CONVERSATION"},
    "GSI1PK": {"S": "INBOX#open#1"},
    "GSI1SK": {"S": "2026-11-20T12:00#1"},
}


@pytest.mark.parametrize("story", LIMITS)
def test_a_story_stays_below_its_limit(story: str) -> None:
    assert total(bills()[story]) <= LIMITS[story]


@pytest.mark.parametrize(
    ("story", "rate"),
    [("SMS in", "sms.inbound.own"), ("e-mail in", "email.inbound.own"), (OUT, "sms.outbound.own")],
)
def test_the_rate_card_takes_for_our_share_what_was_counted(story: str, rate: str) -> None:
    told = rate_card().rate(rate, "+1", datetime.now(UTC))
    assert told
    assert total(bills()[story]) * 1000 == pytest.approx(told.nano_usd, rel=0.05)


def test_a_text_takes_two_calls_and_no_more_units_than_four_small_items() -> None:
    webhook, *_ = bills()["SMS in"]
    assert webhook.step.usage.calls == {
        "dynamodb.BatchGetItem": 1,
        "dynamodb.TransactWriteItems": 1,
    }
    usage = webhook.step.usage
    assert (usage.write_units, usage.index_units, usage.read_units) == (8, 2, 2)


def test_a_page_is_one_query() -> None:
    [page] = bills()["timeline page"]
    assert page.step.usage.calls == {"dynamodb.Query": 1}


def test_the_sum_is_of_its_lines() -> None:
    lines = bills()["SMS in"]
    shares = [line.share(name) for line in lines for name in line.amounts]
    assert total(lines) == sum(shares, Decimal(0))


def test_items_are_weighed_as_dynamodb_weighs_them() -> None:
    item: Wire = {
        "PK": {"S": "é"},
        "n": {"N": "123"},
        "m": {"M": {"a": {"BOOL": True}}},
        "l": {"L": []},
    }
    assert size(item) == (2 + 2) + (1 + 3) + (1 + 3 + 1 + 1 + 1) + (1 + 3)
    large: Wire = {"PK": {"S": "x" * 1023}}
    assert write_units(None, large, in_transaction=False) == 2
    assert write_units(large, None, in_transaction=True) == 4
    assert (read_units(0, 0), read_units(3, 4097)) == (1, 2)


def test_the_index_is_written_only_when_what_it_holds_changes() -> None:
    later = IN_INBOX | {"GSI1SK": {"S": "2026-11-20T12:01#1"}}
    elsewhere = IN_INBOX | {"subject": {"S": "not in the index"}}
    resolved = {name: IN_INBOX[name] for name in ("PK", "SK")}
    assert index_units(None, IN_INBOX) == 1
    assert index_units(IN_INBOX, elsewhere) == 0
    assert index_units(IN_INBOX, later) == 2
    assert index_units(IN_INBOX, resolved) == 1

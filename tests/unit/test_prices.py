"""Estimates: dated rates, whole micro-USD, half to even (outbound.md §6 and §7)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared
from shared.model.cost import Cost
from shared.model.entry import Attachment, Author, AuthorType, Channel, Direction, Entry, Kind
from shared.model.identity import Address, IdentityKind
from shared.rate_card import rate_card
from shared.rules.prices import (
    RateCard,
    price_call,
    price_inbound,
    price_outbound,
    round_half_even,
)
from tests.builders import chat, mail, sms

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
PICTURE = Attachment(name="a.jpg", media_type="image/jpeg")


def card(*rates: tuple[str, str, str, str]) -> RateCard:
    names = ("name", "prefix", "usd", "effective_from")
    rows = [dict(zip(names, rate, strict=True)) for rate in rates]
    return RateCard.from_json(json.dumps({"rates": rows}))


def outbound(channel: Channel = Channel.SMS, to: str = "+14155550123", **fields: Any) -> Entry:
    return Entry(
        id="ent_1",
        home="ctc_1",
        kind=Kind.MESSAGE,
        channel=channel,
        direction=Direction.OUTBOUND,
        occurred_at=AT,
        received_at=AT,
        author=Author(AuthorType.AGENT),
        address=Address(IdentityKind.PHONE, to),
        **fields,
    )


def test_a_text_received_costs_its_segments() -> None:
    assert price_inbound(rate_card(), sms(segments=3)) == Cost(
        provider_micro_usd=24_900,
        own_micro_usd=10,
        category="sms.segment",
        units=3,
        rate="sms.inbound.segment/+1/2026-07-05",
    )


def test_a_text_sent_costs_its_segments_and_the_carriers_fee() -> None:
    assert price_outbound(rate_card(), outbound(text="a" * 161)) == Cost(
        provider_micro_usd=2 * 8_300,
        carrier_fee_micro_usd=2 * 3_500,
        own_micro_usd=25,
        category="sms.segment",
        units=2,
        rate="sms.outbound.segment/+1/2026-07-05",
    )


def test_a_message_with_pictures_costs_one_mms() -> None:
    cost = price_inbound(rate_card(), sms(segments=2, attachments=(PICTURE,)))
    assert (cost.category, cost.units, cost.provider_micro_usd) == ("mms.message", 1, 16_500)


@pytest.mark.parametrize(
    ("size", "provider"), [(0, 100), (262_143, 100), (262_144, 190), (40_000_000, 100 + 152 * 90)]
)
def test_a_mail_received_costs_itself_and_each_full_chunk(size: int, provider: int) -> None:
    cost = price_inbound(rate_card(), mail(size_bytes=size))
    assert (cost.category, cost.provider_micro_usd) == ("email.message", provider)
    assert cost.own_micro_usd == 20  # 18.5, to the even one


def test_what_our_own_site_carries_costs_only_our_own_share() -> None:
    cost = price_inbound(rate_card(), chat())
    assert (cost.provider_micro_usd, cost.own_micro_usd, cost.rate) == (0, 10, "")


def test_a_country_without_a_rate_has_the_general_one() -> None:
    cost = price_outbound(rate_card(), outbound(to="+4790000000", text="hei"))
    assert (cost.provider_micro_usd, cost.rate) == (80_000, "sms.outbound.segment/*/2026-07-05")


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.CHAT])
def test_every_channel_we_carry_has_its_rates(channel: Channel) -> None:
    assert price_inbound(rate_card(), replace(sms(), channel=channel)).own_micro_usd > 0
    assert price_outbound(rate_card(), outbound(channel)).own_micro_usd > 0
    if channel is not Channel.CHAT:
        assert price_inbound(rate_card(), replace(sms(), channel=channel)).rate
        assert price_outbound(rate_card(), outbound(channel)).rate


def test_a_message_without_an_address_or_a_rate_costs_nothing() -> None:
    entry = replace(outbound(Channel.INTERNAL), address=None)
    assert price_outbound(rate_card(), entry).total_micro_usd == 0


def test_the_longest_prefix_and_then_the_latest_day_decide() -> None:
    rates = card(
        ("sms.outbound.segment", "*", "0.05", "2026-01-01"),
        ("sms.outbound.segment", "+1", "0.01", "2026-01-01"),
        ("sms.outbound.segment", "+1", "0.02", "2026-06-01"),
        ("sms.outbound.segment", "+1907", "0.03", "2026-01-01"),
    )

    def usd(number: str, month: int, year: int = 2026) -> int:
        rate = rates.rate("sms.outbound.segment", number, datetime(year, month, 1, tzinfo=UTC))
        assert rate
        return rate.nano_usd // 10**7

    assert [usd("+4790000000", 7), usd("+14155550123", 5), usd("+14155550123", 6)] == [5, 1, 2]
    assert usd("+19075550123", 7) == 3
    assert usd("+14155550123", 7, year=2020) == 1  # before the first day: the first rate


@pytest.mark.parametrize("usd", ["0.0000000001", "-0.01", "NaN", "x", "Infinity"])
def test_an_amount_that_is_no_whole_nano_usd_is_refused(usd: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        card(("a.b.c", "*", usd, "2026-01-01"))


def test_an_amount_never_becomes_a_float() -> None:
    row = '{"name": "a", "prefix": "*", "usd": 0.123456789, "effective_from": "2026-01-01"}'
    assert RateCard.from_json(f'{{"rates": [{row}]}}').rates[0].nano_usd == 123_456_789


@given(st.integers(min_value=0, max_value=10**15))
def test_rounding_is_half_to_even(nano: int) -> None:
    exact = (Decimal(nano) / 1000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert round_half_even(nano) == int(exact)


@given(st.integers(1, 500), st.integers(1, 500))
def test_more_segments_never_cost_less_and_sums_lose_no_more_than_rounding(a: int, b: int) -> None:
    one, other, both = (
        price_inbound(rate_card(), sms(segments=n)).provider_micro_usd for n in (a, b, a + b)
    )
    assert one < both
    assert both == one + other  # 8 300 micro-USD a segment is a whole number


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_a_larger_mail_never_costs_less(size: int, more: int) -> None:
    less, greater = (price_inbound(rate_card(), mail(size_bytes=n)) for n in (size, size + more))
    assert less.total_micro_usd <= greater.total_micro_usd


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_rounded_parts_are_within_one_of_the_rounded_whole(a: int, b: int) -> None:
    assert abs(round_half_even(a + b) - round_half_even(a) - round_half_even(b)) <= 1


def test_a_picture_sent_costs_one_mms_with_the_carriers_fee() -> None:
    cost = price_outbound(rate_card(), outbound(text="a" * 500, attachments=(PICTURE,)))
    assert (cost.category, cost.provider_micro_usd, cost.carrier_fee_micro_usd) == (
        "mms.message",
        22_000,
        7_500,
    )


def test_whatsapp_answers_were_free_of_metas_fee_and_are_not_since_october() -> None:
    answer = outbound(Channel.WHATSAPP, to="+5511987654321")
    before = replace(answer, occurred_at=datetime(2026, 9, 30, tzinfo=UTC))
    notice = replace(before, kind=Kind.NOTIFICATION)
    costs = [price_outbound(rate_card(), it).provider_micro_usd for it in (answer, before, notice)]
    assert costs == [5_000 + 3_400, 5_000, 5_000 + 3_400]


def test_the_plan_that_the_card_chooses_prices_mail() -> None:
    def mail_costs(plan: str, size: int = 0) -> int:
        text = (Path(shared.__file__).parent / "rate_card.json").read_text()
        chosen = RateCard.from_json(json.dumps({**json.loads(text), "plans": {"ses": plan}}))
        attached = Attachment(name="a.pdf", media_type="application/pdf", size_bytes=size)
        sent = outbound(Channel.EMAIL, attachments=(attached,))
        return price_outbound(chosen, sent).provider_micro_usd

    plans = ("ses-essentials", "ses-a-la-carte", "ses-pro", "ses-enterprise")
    assert [mail_costs(plan) for plan in plans] == [160, 100, 220, 230]
    assert mail_costs("ses-a-la-carte", size=5_500_000) == 100 + 5 * 120


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (1, 1), (60, 1), (61, 2)])
def test_a_call_costs_each_begun_minute(seconds: int, minutes: int) -> None:
    cost = price_call(rate_card(), Direction.OUTBOUND, "+14155550123", seconds, AT)
    assert (cost.category, cost.units) == ("voice.minute", minutes)
    assert cost.provider_micro_usd == minutes * 14_000


def test_every_rate_of_the_card_says_where_it_comes_from() -> None:
    card_text = (Path(shared.__file__).parent / "rate_card.json").read_text()
    rows = json.loads(card_text)
    assert all(row["source"] for row in (*rows["rates"], *rows["exchanges"]))
    named = [(row["name"], row["prefix"], row["effective_from"]) for row in rows["rates"]]
    plans = [row.get("plan") for row in rows["rates"]]
    assert len({*zip(named, plans, strict=True)}) == len(named), "a rate stands there twice"

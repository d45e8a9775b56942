"""What an erased person cost: the sums stay exact, and nothing tells whose they were."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.model.cost import Cost
from shared.model.entry import Channel, Direction
from shared.model.ids import new_id
from shared.model.ledger import CostLine, LineKind
from shared.rules.erasure import without_person

LINES = st.lists(
    st.builds(
        CostLine,
        id=st.from_regex(r"ent_[0-9]{4}", fullmatch=True),
        home=st.just("ctc_ana"),
        entry_id=st.from_regex(r"ent_[0-9]{4}", fullmatch=True),
        channel=st.sampled_from([Channel.SMS, Channel.EMAIL]),
        direction=st.sampled_from(Direction),
        at=st.integers(0, 200).map(lambda d: datetime(2026, 1, 1, 7, tzinfo=UTC) + timedelta(d)),
        kind=st.sampled_from(LineKind),
        cost=st.builds(
            Cost,
            provider_micro_usd=st.integers(-9_000, 9_000),
            carrier_fee_micro_usd=st.integers(-9_000, 9_000),
            own_micro_usd=st.integers(0, 20),
            category=st.sampled_from(["sms.in", "void"]),
            units=st.integers(-2, 2),
            rate=st.sampled_from(["2026-01", "2026-07"]),
        ),
        address_key=st.just("phone#1"),
    ),
    max_size=30,
)


def ledger(lines: list[CostLine] | tuple[CostLine, ...]) -> Counter[tuple[object, ...]]:
    """What finance asks: how much, by month, channel, direction, kind, category and rate."""
    sums: Counter[tuple[object, ...]] = Counter()
    for line in lines:
        month = (line.at.year, line.at.month)
        key = (month, line.channel, line.direction, line.kind, line.cost.category, line.cost.rate)
        sums[*key, "provider"] += line.cost.provider_micro_usd
        sums[*key, "fees"] += line.cost.carrier_fee_micro_usd
        sums[*key, "own"] += line.cost.own_micro_usd
        sums[*key, "units"] += line.cost.units
    return sums


@given(LINES)
def test_every_months_ledger_is_what_it_was(lines: list[CostLine]) -> None:
    assert ledger(without_person(lines, "erased", new_id)) == ledger(lines)


@given(LINES)
def test_nothing_tells_whose_it_was(lines: list[CostLine]) -> None:
    kept = without_person(lines, "erased", new_id)
    assert {(line.home, line.entry_id, line.address_key) for line in kept} <= {("erased", "", "")}
    assert not {line.id for line in kept} & {line.id for line in lines}
    assert all((line.at.day, line.at.hour) == (1, 0) for line in kept)
    assert len(kept) == len({key[:6] for key in ledger(kept)})

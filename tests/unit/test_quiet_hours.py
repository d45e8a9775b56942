"""Nobody is texted between 21:00 and 08:00 on their own clock, whatever their clock does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.rules import numbers
from shared.rules.quiet_hours import CLOSES, OPENS, next_allowed, zones_of

ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
INSTANTS = st.datetimes(
    min_value=datetime(2015, 1, 1),  # noqa: DTZ001 hypothesis takes its bounds naive
    max_value=datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
JITTER = st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds))
NONE = timedelta(0)
NEW_YORK = ZoneInfo("America/New_York")


def local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %H:%M}"


@given(INSTANTS, ZONES, JITTER)
@example(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), ZoneInfo("Europe/Berlin"), NONE)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"), NONE)
@example(datetime(2026, 4, 4, 14, 59, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe"), NONE)
def test_it_is_day_on_the_clock_when_it_leaves_at_any_instant_in_any_zone(
    at: datetime, zone: ZoneInfo, jitter: timedelta
) -> None:
    leaves = next_allowed(at, [zone], jitter)
    assert at <= leaves <= at + timedelta(hours=13)
    assert OPENS <= leaves.astimezone(zone).time() < CLOSES


@given(INSTANTS, st.lists(ZONES, min_size=1, max_size=4), JITTER)
def test_asked_again_when_it_is_due_it_leaves(
    at: datetime, zones: list[ZoneInfo], jitter: timedelta
) -> None:
    leaves = next_allowed(at, zones, jitter)
    assert next_allowed(leaves, zones[:1], jitter) == leaves


@pytest.mark.parametrize(
    ("at", "leaves"),
    [
        ("2026-11-20T20:59", "Fri 20:59"),
        ("2026-11-20T21:00", "Sat 08:00"),
        ("2026-11-20T07:59", "Fri 08:00"),
        ("2026-11-20T08:00", "Fri 08:00"),
        # the nights in which clocks go forward, and back
        ("2026-03-07T20:59", "Sat 20:59"),
        ("2026-03-07T21:00", "Sun 08:00"),
        ("2026-03-08T07:59", "Sun 08:00"),
        ("2026-03-08T08:00", "Sun 08:00"),
        ("2026-10-31T20:59", "Sat 20:59"),
        ("2026-10-31T21:00", "Sun 08:00"),
        ("2026-11-01T01:30", "Sun 08:00"),
        ("2026-11-01T07:59", "Sun 08:00"),
    ],
)
def test_the_edges_of_the_night_hold_when_clocks_change(at: str, leaves: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK).astimezone(UTC)
    assert local(next_allowed(instant, [NEW_YORK], NONE), NEW_YORK) == leaves


def test_a_night_in_which_clocks_go_back_is_an_hour_longer() -> None:
    evening = datetime(2026, 10, 31, 21, tzinfo=NEW_YORK).astimezone(UTC)
    assert next_allowed(evening, [NEW_YORK], NONE) - evening == timedelta(hours=12)


@pytest.mark.parametrize(
    ("number", "zone"),
    [("+17875550101", "America/Puerto_Rico"), ("+18085550101", "Pacific/Honolulu")],
)
def test_a_number_is_texted_by_its_own_clock_not_the_countrys(number: str, zone: str) -> None:
    """+1 787 is Puerto Rico and +1 808 Hawaii, five and a half hours of daylight apart."""
    zones = zones_of("", numbers.zones_of(number), "America/New_York")
    assert zones == [ZoneInfo(zone)]
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert local(next_allowed(at, zones, NONE), ZoneInfo(zone)) == "Fri 08:00"


def test_what_the_customer_told_counts_before_what_the_number_says() -> None:
    """A ported number, or one taken along on a move."""
    assert zones_of("Europe/Madrid", ["America/Chicago"], "UTC") == [ZoneInfo("Europe/Madrid")]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "America", "../etc/passwd", "x\0y"])
def test_a_zone_that_is_none_is_not_known(zone: str) -> None:
    assert zones_of(zone, ["America/Chicago"], "UTC") == [ZoneInfo("America/Chicago")]
    assert zones_of(zone, [zone], "Asia/Tokyo") == [ZoneInfo("Asia/Tokyo")]


def test_all_the_zones_a_number_may_be_in_must_agree() -> None:
    australia = numbers.zones_of("+61412345678")
    assert {"Australia/Perth", "Australia/Sydney"} <= set(australia)
    zones = zones_of("", australia, "UTC")
    at = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)  # 08:00 in Sydney, 05:00 in Perth
    leaves = next_allowed(at, zones, NONE)
    assert all(OPENS <= leaves.astimezone(zone).time() < CLOSES for zone in zones)
    assert leaves == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)  # 08:00 on the Cocos Islands


def test_where_clocks_never_agree_the_first_decides() -> None:
    opposite = [ZoneInfo("Etc/GMT-12"), ZoneInfo("Etc/GMT+1")]
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert local(next_allowed(at, opposite, NONE), opposite[0]) == "Sat 08:00"


def test_what_waited_for_the_morning_does_not_leave_all_at_once() -> None:
    night = datetime(2026, 11, 20, 23, 0, tzinfo=NEW_YORK)
    leaves = next_allowed(night, [NEW_YORK], timedelta(minutes=4))
    assert local(leaves, NEW_YORK) == "Sat 08:04"


@pytest.mark.parametrize(
    ("number", "country"),
    [("+14155550101", "US"), ("+17875550101", "PR"), ("+18765550101", "JM"), ("+0", ""), ("x", "")],
)
def test_a_number_tells_its_country(number: str, country: str) -> None:
    assert numbers.country_of(number) == country


def test_numbers_of_one_block_are_counted_together() -> None:
    assert numbers.block_of("+14155550101") == numbers.block_of("+14155559999") == "+1415555"

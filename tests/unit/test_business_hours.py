"""Business time adds up, never runs backwards, and knows when clocks change."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.business_hours import Calendar

OFFICE = Calendar.parse("mon-fri 09:00-17:00, sat 10:00-14:00", "America/New_York")
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Africa/Cairo"]
HOURS = [
    "always",
    "mon-fri 09:00-17:00",
    "sun 00:00-03:00, sun 02:30-24:00",
    "fri-mon 22:00-24:00, fri-mon 00:00-02:30, wed 01:30-02:45",
]
CLOSED = ["", "03-08", "2026-03-02, 2026-11-01", "10-25, 2026-10-26,04-24, 02-29"]
calendars = st.builds(
    Calendar.parse, st.sampled_from(HOURS), st.sampled_from(ZONES), st.sampled_from(CLOSED)
)
moments = st.sampled_from(["2026-03-01", "2026-04-24", "2026-10-20"]).flatmap(
    lambda day: st.timedeltas(timedelta(), timedelta(days=20)).map(
        lambda later: datetime.fromisoformat(f"{day}T00:00Z") + later
    )
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-20T10:00-05:00", "2026-11-20T12:30-05:00", 2.5),  # within a day
        ("2026-11-20T16:00-05:00", "2026-11-20T23:00-05:00", 1),  # asked late
        ("2026-11-20T20:00-05:00", "2026-11-21T09:30-05:00", 0),  # over night
        ("2026-11-20T16:00-05:00", "2026-11-23T10:00-05:00", 6),  # Friday to Monday: Saturday's 4
        ("2026-11-16T00:00-05:00", "2026-11-23T00:00-05:00", 44),  # a week
        ("2026-11-20T15:00Z", "2026-11-20T17:00Z", 2),  # 10 and 12 o'clock there
        ("2026-11-20T12:00-05:00", "2026-11-20T11:00-05:00", 0),  # never negative
    ],
)
def test_only_business_hours_count(start: str, end: str, hours: float) -> None:
    assert OFFICE.elapsed(at(start), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    """New York, 2026: clocks go forward on March 8 and back on November 1."""
    calendar = Calendar.parse("sun 00:00-24:00", "America/New_York")
    start = at(f"{day}T00:00Z")
    assert calendar.elapsed(start, start + timedelta(days=2)) == timedelta(hours=hours)


def test_office_hours_are_eight_whether_clocks_changed_or_not() -> None:
    calendar = Calendar.parse("mon 09:00-17:00", "America/New_York")
    for week in ("2026-03-01", "2026-03-08", "2026-10-26", "2026-11-01"):
        start = at(f"{week}T12:00Z")
        assert calendar.elapsed(start, start + timedelta(days=7)) == timedelta(hours=8)


def test_a_target_runs_out_in_business_hours() -> None:
    friday = at("2026-11-20T16:30-05:00")
    assert OFFICE.after(friday, timedelta(hours=1)) == at("2026-11-21T10:30-05:00")
    assert OFFICE.after(friday, timedelta(minutes=30)) == at("2026-11-20T17:00-05:00")
    assert OFFICE.after(at("2026-11-22T12:00-05:00"), timedelta(minutes=1)) == at(
        "2026-11-23T09:01-05:00"
    )


@given(calendars, moments, moments, moments)
def test_business_time_adds_up(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted((a, b, c))
    whole, parts = calendar.elapsed(a, c), (calendar.elapsed(a, b), calendar.elapsed(b, c))
    assert whole == sum(parts, timedelta())
    assert timedelta() <= parts[0] <= min(whole, b - a)


@given(calendars, moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=9)))
def test_when_time_is_up_it_has_elapsed_and_not_before(
    calendar: Calendar, start: datetime, target: timedelta
) -> None:
    end = calendar.after(start, target)
    assert calendar.elapsed(start, end) == target
    assert calendar.elapsed(start, end - timedelta(microseconds=1)) < target


@given(moments, moments)
def test_a_place_that_never_closes_counts_every_second(a: datetime, b: datetime) -> None:
    calendar = Calendar.parse("always", "Europe/Berlin")
    assert calendar.elapsed(a, b) == max(b - a, timedelta())


def test_a_holiday_does_not_count_wherever_it_is_that_day_there() -> None:
    """Christmas 2026 is a Friday, which begins and ends later in New York than in UTC."""
    calendar = Calendar.parse("always", "America/New_York", "12-25")
    eve = at("2026-12-24T23:00-05:00")
    assert calendar.after(eve, timedelta(hours=2)) == at("2026-12-26T01:00-05:00")
    assert calendar.elapsed(eve, eve + timedelta(days=367)) == timedelta(days=365)


def test_a_day_that_is_closed_once_is_open_the_year_after() -> None:
    calendar = Calendar.parse("always", "UTC", "2028-02-29, 2026-12-24")
    for day, hours in (("2026-12-24", 0), ("2027-12-24", 24), ("2028-02-29", 0)):
        start = at(f"{day}T00:00Z")
        assert calendar.elapsed(start, start + timedelta(days=1)) == timedelta(hours=hours)


@given(st.sampled_from(HOURS), st.sampled_from(ZONES), st.sampled_from(CLOSED), moments, moments)
def test_what_is_closed_is_taken_away_and_nothing_else(
    hours: str, zone: str, closed: str, a: datetime, b: datetime
) -> None:
    a, b = sorted((a, b))
    whole, left = Calendar.parse(hours, zone), Calendar.parse(hours, zone, closed)
    days = {(a.astimezone(whole.zone) + timedelta(days=n)).date() for n in range((b - a).days + 2)}
    lost = timedelta()
    for day in filter(left._is_closed, days):
        begins = datetime.combine(day, time(), whole.zone)
        ends = datetime.combine(day + timedelta(days=1), time(), whole.zone)
        lost += whole.elapsed(max(a, begins), min(b, ends))
    assert left.elapsed(a, b) + lost == whole.elapsed(a, b)


@pytest.mark.parametrize("closed", ["25.12.", "12-32", "02-30", "2027-02-29", "christmas", "1225"])
def test_what_is_no_day_is_refused(closed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Calendar.parse("always", "UTC", closed)


def test_days_may_run_over_the_weekend() -> None:
    calendar = Calendar.parse("Sat-Mon 08:00-24:00", "UTC")
    assert calendar.hours.keys() == {5, 6, 0}


@pytest.mark.parametrize(
    ("hours", "zone"),
    [
        ("", "UTC"),
        ("mon", "UTC"),
        ("mon 9-17", "UTC"),
        ("mon 17:00-09:00", "UTC"),
        ("mon 09:00-25:00", "UTC"),
        ("day 09:00-17:00", "UTC"),
        ("mon-xyz 09:00-17:00", "UTC"),
        ("always", "Nowhere/City"),
        ("always", "../../etc/passwd"),
    ],
)
def test_what_is_no_calendar_is_refused(hours: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Calendar.parse(hours, zone)

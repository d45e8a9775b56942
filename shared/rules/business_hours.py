"""How much business time lies between two moments, and when so much of it has passed.

Hours are wall-clock times of one place; a day on which clocks change is as long as it really is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALWAYS = "always"
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? "
    r"(?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)"
)
_MIDNIGHT = "24:00"
_CLOSED = re.compile(r"(?P<year>\d{4}-)?(?P<day>\d\d-\d\d)")
_ANY_YEAR = 2000  # a leap year

Hours = Mapping[int, tuple[tuple[time, time | None], ...]]
"""By weekday (Monday is 0) the times of opening and closing; None closes at midnight."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a place does business: never on its `closed` days, nor on its `holidays` of any year.

    A holiday's year is a leap year and stands for all.
    """

    zone: ZoneInfo
    hours: Hours
    closed: frozenset[date] = frozenset()
    holidays: frozenset[date] = frozenset()

    @classmethod
    def parse(cls, hours: str, zone: str, closed_days: str = "") -> Self:
        """The calendar of `mon-fri 09:00-17:00, sat 10:00-14:00` (or `always`) in an IANA zone.

        `closed_days` are days of that zone, `2027-03-26`, or of every year, `12-25`, with commas
        between. Raises ValueError for anything else.
        """
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"there is no time zone {zone!r}") from error
        closed, holidays = _closed(closed_days)
        if hours.strip().lower() == _ALWAYS:
            return cls(place, {day: ((time(0), None),) for day in range(7)}, closed, holidays)
        spans: dict[int, list[tuple[time, time | None]]] = {}
        for text in hours.lower().split(","):
            days, span = _span(text.strip())
            for day in days:
                spans.setdefault(day, []).append(span)
        return cls(place, {day: tuple(found) for day, found in spans.items()}, closed, holidays)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The business time from `start` to `end`; nothing when it is not later."""
        open_for = timedelta(0)
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            open_for += min(closes, end) - opens
        return open_for

    def after(self, start: datetime, business_time: timedelta) -> datetime:
        """The first moment (UTC) at which that much business time has passed since `start`."""
        left = business_time
        for opens, closes in self._open_from(start):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise OverflowError("the calendar has come to its end")

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Every stretch of business time (UTC) from `start` on, in order, none overlapping."""
        reached = start.astimezone(UTC)
        day = start.astimezone(self.zone).date() - timedelta(days=1)
        while day < date.max:
            spans = () if self._is_closed(day) else self.hours.get(day.weekday(), ())
            for opens, closes in sorted(self._real(day, span) for span in spans):
                if closes > reached:
                    yield max(opens, reached), closes
                    reached = closes
            day += timedelta(days=1)

    def _is_closed(self, day: date) -> bool:
        return day in self.closed or day.replace(year=_ANY_YEAR) in self.holidays

    def _real(self, day: date, span: tuple[time, time | None]) -> tuple[datetime, datetime]:
        opens, closes = span
        last, closing = (day, closes) if closes else (day + timedelta(days=1), time(0))
        return (
            datetime.combine(day, opens, self.zone).astimezone(UTC),
            datetime.combine(last, closing, self.zone).astimezone(UTC),
        )


def _span(text: str) -> tuple[tuple[int, ...], tuple[time, time | None]]:
    match = _SPAN.fullmatch(text)
    if not match or not {match["first"], match["last"] or match["first"]} <= set(DAYS):
        raise ValueError(f"not business hours: {text!r}; write them like mon-fri 09:00-17:00")
    first, last = DAYS.index(match["first"]), DAYS.index(match["last"] or match["first"])
    days = tuple((first + n) % 7 for n in range((last - first) % 7 + 1))
    opens = time.fromisoformat(match["opens"])
    closes = None if match["closes"] == _MIDNIGHT else time.fromisoformat(match["closes"])
    if closes is not None and closes <= opens:
        raise ValueError(f"{text!r} closes before it opens")
    return days, (opens, closes)


def _closed(text: str) -> tuple[frozenset[date], frozenset[date]]:
    """The days of one year, and those of every year."""
    closed, holidays = set(), set()
    for named in filter(None, map(str.strip, text.split(","))):
        match = _CLOSED.fullmatch(named)
        if not match:
            raise ValueError(f"not a day: {named!r}; write 2027-03-26, or 12-25 for every year")
        if match["year"]:
            closed.add(date.fromisoformat(named))
        else:
            holidays.add(date.fromisoformat(f"{_ANY_YEAR}-{named}"))
    return frozenset(closed), frozenset(holidays)

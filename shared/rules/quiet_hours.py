"""When nobody is texted or called: 21:00 to 08:00 on the recipient's own clock.

47 CFR 64.1200(c)(1) names these hours for solicitation; here they hold for all that is not urgent.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OPENS, CLOSES = time(8), time(21)
_DAYS_AHEAD = 3


def zones_of(profile_zone: str, number_zones: Iterable[str], operator_zone: str) -> list[ZoneInfo]:
    """The clocks that must all agree: the customer's own, else those their number may be in.

    The operator's where nothing is known.
    """
    for names in ([profile_zone], number_zones):
        if known := [zone for name in names if (zone := _zone(name))]:
            return known
    return [_zone(operator_zone) or ZoneInfo("UTC")]


def next_allowed(at: datetime, zones: Sequence[ZoneInfo], jitter: timedelta) -> datetime:
    """The first instant from `at` on when it is day on all clocks: `at` itself, or a morning.

    After a night `jitter` is added, so that not all leave at once. Where the clocks never agree,
    the first alone decides.
    """
    if _is_day(at, zones):
        return at
    mornings = sorted(
        datetime.combine(at.astimezone(zone).date() + timedelta(days=day), OPENS, zone).astimezone(
            UTC
        )
        for zone in zones
        for day in range(-1, _DAYS_AHEAD)
    )
    for morning in mornings:
        if morning > at and _is_day(morning, zones):
            return morning + jitter if _is_day(morning + jitter, zones) else morning
    return next_allowed(at, zones[:1], jitter)


def _is_day(at: datetime, zones: Sequence[ZoneInfo]) -> bool:
    return all(OPENS <= at.astimezone(zone).time() < CLOSES for zone in zones)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a directory's name
        return None

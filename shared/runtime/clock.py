"""The time, which the one-machine run can shift."""

import re
from datetime import UTC, datetime, timedelta

_OFFSET = re.compile(r"^([+-]?)(\d+)([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def now(offset: str = "") -> datetime:
    """The present (UTC), shifted by `offset`: `+8h`, `-30m`; empty for none.

    Raises ValueError for an offset that is not a sign, a number and one of s, m, h, d.
    """
    return datetime.now(UTC) + parse_offset(offset)


def parse_offset(offset: str) -> timedelta:
    """How far `offset` shifts the clock."""
    if not offset:
        return timedelta(0)
    match = _OFFSET.match(offset)
    if not match:
        raise ValueError(f"not a clock offset: {offset!r}; write it like +8h or -30m")
    sign, number, unit = match.groups()
    shift = timedelta(**{_UNITS[unit]: int(number)})
    return -shift if sign == "-" else shift

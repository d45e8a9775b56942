"""When a message counts as having happened."""

from datetime import UTC, datetime, timedelta

BELIEVED_BEFORE = timedelta(days=7)
BELIEVED_AFTER = timedelta(minutes=5)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def occurred_at(claimed: datetime | None, received_at: datetime) -> datetime:
    """The provider's time if it is near enough to be true, else the nearest that is.

    Without one it is the time of receipt. Milliseconds, as the table keeps them.
    """
    if claimed is None:
        return to_milliseconds(received_at)
    earliest, latest = received_at - BELIEVED_BEFORE, received_at + BELIEVED_AFTER
    return to_milliseconds(min(max(claimed, earliest), latest))


def imported_at(claimed: datetime, received_at: datetime) -> datetime:
    """The time that a trusted caller tells of, however long ago: it is never far in the future."""
    return to_milliseconds(min(max(claimed, _EARLIEST), received_at + BELIEVED_AFTER))


def to_milliseconds(at: datetime) -> datetime:
    """The time without what the table cannot keep."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)

"""What keeps customers from getting too much: counts of what was sent, and of what was not."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from shared.model.entry import Entry
from shared.model.errors import ConflictError
from shared.model.events import Change
from shared.model.notification import Request, SentTimes
from shared.model.recording import Marker
from shared.store import items, keys, notes
from shared.store.attributes import Item
from shared.store.table import Check, Leg, Put, Table, TransactionRefusedError, Update

_COUNTED = timedelta(days=400)
_SHARDS = 4


class ChangedError(Exception):
    """What a notification was decided on is no longer so; it is to be decided anew."""


def sent_times(table: Table, wanted: Iterable[tuple[str, str]]) -> list[SentTimes]:
    """When what counts towards each of these caps, by contact and scope, was sent."""
    pairs = list(wanted)
    found = table.get_many(keys.sent_times(*pair) for pair in pairs)
    return [
        SentTimes(
            contact_id=contact_id,
            scope=scope,
            times=tuple(keys.read_timestamp(at) for at in item["times"]) if item else (),
            revision=item["rev"] if item else 0,
        )
        for contact_id, scope in pairs
        for item in [found.get(keys.sent_times(contact_id, scope))]
    ]


def sent_leg(sent: SentTimes, now: datetime) -> Put:
    """Remember one more, if none was sent since the times were read."""
    at = keys.sent_times(sent.contact_id, sent.scope)
    lately = [time for time in sent.times if now - time < timedelta(hours=1)]
    item: Item = {
        "type": "sent_times",
        "schema": items.SCHEMA,
        "times": [keys.timestamp(time) for time in (*lately, now)],
        "rev": sent.revision + 1,
        "expires_at": int((now + timedelta(days=1)).timestamp()),
    }
    if sent.revision:
        return Put(at, item, "rev = :seen", {":seen": sent.revision})
    return Put(at, item)


def count_towards_block(table: Table, block: str, cap: int, now: datetime, lot: str) -> bool:
    """Count a text to a block of numbers; False when it has had its share of this hour.

    The count is in several items, of which `lot` draws one, so that no single one is written to by
    all. It is not taken back when nothing is sent after all: it errs towards silence.
    """
    shard = crc32(lot.encode()) % min(_SHARDS, cap)
    share = cap // min(_SHARDS, cap)
    leg = Update(
        keys.block_count(block, now, shard),
        "ADD n :one SET #type = :type, #schema = :schema, expires_at = :expires",
        "attribute_not_exists(n) OR n < :share",
        {
            ":one": 1,
            ":share": share,
            ":type": "block_count",
            ":schema": items.SCHEMA,
            ":expires": int((now + timedelta(days=1)).timestamp()),
        },
        {"#type": "type", "#schema": "schema"},
    )
    try:
        table.write(leg)
    except TransactionRefusedError as error:
        if error.failed:
            return False
        raise ChangedError from error
    return True


# ---- what was not sent


def count_stop(
    table: Table,
    request: Request,
    reason: str,
    *,
    now: datetime,
    done: Sequence[Leg] = (),
    told: tuple[Entry, Change] | None = None,
) -> None:
    """Count a stop by rule, reason and day; `done` removes the notice it ends, if any.

    The first of its kind on a day is the entry `told` on the timeline. Raises ChangedError,
    NotFoundError and ConflictError (the contact is gone, or being erased).
    """
    home = request.cause.home
    at, home_at = keys.stop_count(home, now, request.rule, reason), keys.profile(home)
    first = Put(
        at,
        {
            "type": "stop_count",
            "schema": items.SCHEMA,
            "rule": request.rule,
            "reason": reason,
            "n": 1,
            "expires_at": int((now + _COUNTED).timestamp()),
        },
    )
    again = Update(at, "ADD n :one", "attribute_exists(PK)", {":one": 1})
    try:
        table.write(again, *done)
    except TransactionRefusedError as error:
        if set(error.failed) != {at}:
            raise ChangedError from error
    else:
        return
    try:
        if told:
            entry, change = told
            marker = Marker(
                provider=f"stop#{request.rule}#{reason}",
                id=f"{now.date()}#{home}",
                expires_at=now + timedelta(days=2),
            )
            if notes.write(table, entry, marker, change, now=now, beside=(first, *done)):
                raise ChangedError
        else:
            here = Check(home_at, "attribute_exists(PK) AND attribute_not_exists(erasing)")
            table.write(first, here, *done)
    except TransactionRefusedError as error:
        if home_at in error.failed:
            raise ConflictError("this contact is being erased") from error
        raise ChangedError from error

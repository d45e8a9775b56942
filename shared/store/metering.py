"""Running sums of a month, kept beside the stream that they are read from.

Each shard of the stream has an item for each month, which knows the last record it counted: a
record that comes again is not counted again, and the sums are the ledger's, some seconds later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from random import uniform
from time import sleep

from shared.model.errors import UnavailableError
from shared.model.ledger import CostLine, LineKind
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.table import Table, TransactionRefusedError, Update

_TRIES = 6
_READ_AT_ONCE = 100
# A sequence number has up to 40 digits; of equal length, text order is theirs.
_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Counted:
    """One amount, with its record's sequence number in its shard."""

    sequence: str
    line: CostLine


def add(table: Table, shard: str, counted: Sequence[Counted]) -> None:
    """Count these amounts, in the order of their shard, each once. Raises UnavailableError."""
    months: dict[str, list[Counted]] = {}
    for each in counted:
        months.setdefault(keys.month(each.line.at), []).append(each)
    for month, amounts in months.items():
        _add(table, month, shard, amounts)


def _add(table: Table, month: str, shard: str, amounts: Sequence[Counted]) -> None:
    for _ in range(_TRIES):
        if not amounts:
            return None
        try:
            return table.write(_leg(month, shard, amounts))
        except TransactionRefusedError as error:
            item = error.failed.get(keys.meter(month, shard))
            last = item["last"] if item else ""
            amounts = [each for each in amounts if _ordinal(each.sequence) > last]
            if error.conflict:
                sleep(uniform(0, 0.05))  # noqa: S311 jitter is no secret
    raise UnavailableError("the meter stayed busy")


def _leg(month: str, shard: str, amounts: Sequence[Counted]) -> Update:
    sums: dict[str, int] = {"micro_usd": 0}
    for each in amounts:
        sums["micro_usd"] += each.line.cost.total_micro_usd
        fee = each.line.cost.carrier_fee_micro_usd
        if fee and each.line.kind is not LineKind.FEES:
            day = _fees_of(each.line.at.date())
            sums[day] = sums.get(day, 0) + fee
    adds = ", ".join(f"{name} :{name}" for name in sums)
    return Update(
        keys.meter(month, shard),
        f"SET #last = :last, #type = :type, #schema = :schema ADD {adds}",
        "attribute_not_exists(#last) OR #last < :first",
        {
            ":first": _ordinal(amounts[0].sequence),
            ":last": _ordinal(amounts[-1].sequence),
            ":type": "meter",
            ":schema": items.SCHEMA,
            **{f":{name}": amount for name, amount in sums.items()},
        },
        {"#last": "last", "#type": "type", "#schema": "schema"},
    )


def month_to_date(table: Table, month: str) -> int:
    """All that was booked in a month so far, in micro-USD."""
    return sum(item["micro_usd"] for item in _meters(table, month))


def estimated_fees(table: Table, day: date) -> int | None:
    """What was booked on a day (UTC) as estimates of carriers' fees, in micro-USD.

    None where nothing was metered in its month.
    """
    meters = list(_meters(table, f"{day:%Y-%m}"))
    return sum(item.get(_fees_of(day), 0) for item in meters) if meters else None


def serve(table: Table, homes: Iterable[str], month: str) -> int:
    """How many of these contacts are served for the first time in this month, noting that they are.

    Those that are one person now are one. Raises UnavailableError.
    """
    profiles = _profiles(table, homes)
    roots = {profile["root"] for profile in profiles.values()}
    profiles |= _profiles(table, roots - profiles.keys())
    unserved = [root for root in sorted(roots) if profiles.get(root, {}).get("served", "") < month]
    return sum(_serve(table, root, month) for root in unserved)


def _serve(table: Table, root: str, month: str) -> bool:
    leg = Update(
        keys.profile(root),
        "SET served = :month REMOVE #change",
        "attribute_exists(PK) AND attribute_not_exists(erasing)"
        " AND (attribute_not_exists(served) OR served < :month)",
        {":month": month},
        {"#change": "change"},
    )
    try:
        table.write_when_free(leg)
    except TransactionRefusedError:
        return False
    return True


def _profiles(table: Table, contact_ids: Iterable[str]) -> dict[str, Item]:
    wanted = sorted(set(contact_ids))
    found: dict[str, Item] = {}
    for start in range(0, len(wanted), _READ_AT_ONCE):
        batch = wanted[start : start + _READ_AT_ONCE]
        got = table.get_many(keys.profile(contact_id) for contact_id in batch)
        found |= {item["id"]: item for item in got.values()}
    return found


def _meters(table: Table, month: str) -> Iterable[Item]:
    between = (keys.LOWEST, keys.HIGHEST)
    return table.walk(keys.meter(month, "").pk, between=between, at_once=1_000)


def _fees_of(day: date) -> str:
    return f"fees_{day:%d}"


def _ordinal(sequence: str) -> str:
    return sequence.zfill(_DIGITS)

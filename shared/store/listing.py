"""What the index lists, a page at a time, newest first, read whole from the table."""

from shared.store import keys
from shared.store.attributes import Item
from shared.store.table import Table

INDEX = "GSI1"


def list_newest(
    table: Table, partition: str, *, limit: int, position: str | None
) -> tuple[tuple[Item, ...], str | None]:
    """At most `limit` (up to 100) items of a partition of the index, and where to go on.

    Eventually consistent. `position` is what the page before gave; None is the end. What is gone
    from the table but not yet from the index is left out.
    """
    found = table.query(
        partition, between=(keys.LOWEST, position or keys.HIGHEST), limit=limit + 2, index=INDEX
    )
    rows = [row for row in found.items if row["GSI1SK"] != position]
    shown = rows[:limit]
    wanted = [keys.Key(row["PK"], row["SK"]) for row in shown]
    whole = table.get_many(wanted)
    return (
        tuple(whole[key] for key in wanted if key in whole),
        str(shown[-1]["GSI1SK"]) if len(rows) > limit else None,
    )

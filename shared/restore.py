"""Put back what a backup has and the table has not, without doing anything of it a second time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.rules import receipts as rules
from shared.store import restoring
from shared.store.attributes import Item
from shared.store.table import Table

_FIRST_LOOK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Restored:
    """How many items were put back, and how many were there or stay away."""

    put_back: int
    left_out: int


def restore(table: Table, backup: Iterable[Item], *, now: datetime) -> Restored:
    """Put every item of a backup back where there is none; doing it again goes on.

    A message that was on its way when the backup was made may have left since: its provider is
    asked before anything is sent. What no provider can say is `unconfirmed`, and agents see it.
    No notification of what happened before `now` is sent any more. Raises UnavailableError.
    """
    restoring.begin(table, now)
    doubted, look_at = partial(rules.doubt, now=now), now + _FIRST_LOOK
    done = [restoring.put_back(table, item, doubted, look_at) for item in backup]
    return Restored(put_back=sum(done), left_out=len(done) - sum(done))

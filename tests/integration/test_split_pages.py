"""While a split moves a long history, the pages of both sides are right at every moment."""

from dataclasses import dataclass
from functools import partial
from random import Random

import pytest

from shared.merge import Decision
from shared.model.cursor import Cursor
from shared.model.entry import Channel, Direction, Entry
from shared.model.merge import Split
from shared.split import move, split
from shared.store import items, keys, splitting
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.store.timeline import read_page
from tests import dynamodb_local
from tests.builders import ANA_PHONE, NOW, chat, later
from tests.hub import Hub
from tests.interleaving import Interleaving
from tests.timelines import entry, lay

AGENT = Decision(by="agent-1", reason="this number is her son's")


@dataclass(frozen=True)
class History:
    """Two people's entries, oldest first, while a split parts them."""

    table: Table
    split: Split
    hers: list[Entry]
    his: list[Entry]

    def check(self, *, start: int, limit: int, ascending: bool) -> None:
        """A page from somewhere on shows what comes next, on both sides."""
        for contact_id, all_of_it in (
            (self.split.source, self.hers),
            (self.split.target, self.his),
        ):
            ordered = all_of_it if ascending else all_of_it[::-1]
            first = start % len(ordered)
            after = Cursor(position(ordered[first - 1])) if first else None
            page = read_page(self.table, contact_id, limit=limit, ascending=ascending, after=after)
            shown = [each.entry.id for each in page.shown]
            assert shown == [each.id for each in ordered[first : first + len(shown)]]
            assert shown or page.cursor
            for each in page.shown:
                assert (each.receipt is not None) == (each.entry.direction is Direction.OUTBOUND)

    def check_whole(self, *, limit: int) -> None:
        """Turning all pages shows everything once and in order, on both sides."""
        for contact_id, all_of_it in (
            (self.split.source, self.hers),
            (self.split.target, self.his),
        ):
            shown: list[str] = []
            after: Cursor | None = None
            while not shown or after:
                page = read_page(self.table, contact_id, limit=limit, after=after)
                shown += [each.entry.id for each in page.shown]
                after = page.cursor
            assert shown == [each.id for each in reversed(all_of_it)]


def position(of: Entry) -> str:
    return keys.entry_position(of.occurred_at, of.id)


def lead(table: Table, bodies: Bodies, *, his: int, hers: int) -> History:
    """Mother and son share a contact, and have done so for a long time."""
    hub = Hub(table, bodies)
    home = hub.receive(chat(vouched=(ANA_PHONE,))).contact_id
    key = table.address_key(ANA_PHONE)
    entries = [
        entry(
            home=home,
            at=later(minutes=-number),
            address_key=key if number % (his + hers) < his else "chat#hers",
            channel=Channel.SMS,
            direction=Direction.OUTBOUND if number % 8 == 0 else Direction.INBOUND,
        )
        for number in range(1, his + hers + 1)
    ]
    lay(table, *entries)
    made = split(table, home, ANA_PHONE, AGENT, now=NOW)
    entries += [
        items.read_entry(item)
        for side in (made.source, made.target)
        for item in table.query(
            keys.contact(side),
            between=(keys.entry_position(NOW), keys.ENTRY + keys.HIGHEST),
            limit=9,
        ).items
    ]
    there = sorted(entries, key=lambda each: (each.occurred_at, each.id))
    of_him = {each.id for each in there if key == each.address_key or each.home == made.target}
    return History(
        table=table,
        split=made,
        hers=[each for each in there if each.id not in of_him],
        his=[each for each in there if each.id in of_him],
    )


@pytest.mark.parametrize("table", ["dynamodb-local"], indirect=True)
@pytest.mark.skipif(not dynamodb_local.is_there(), reason="needs Java and Maven")
def test_a_split_of_two_thousand_entries_shows_the_right_pages_after_every_step(
    table: Table, bodies: Bodies
) -> None:
    history, random = lead(table, bodies, his=2_000, hers=200), Random(7)
    at: str | None = None
    steps = 0
    while steps == 0 or at:
        at = splitting.move_some(table, history.split, at, NOW).position
        steps += 1
        history.check(
            start=random.randrange(2_000),
            limit=random.choice([1, 10, 30]),
            ascending=random.random() < 0.5,
        )
        if steps == 30:
            history.check_whole(limit=100)
    assert steps > 60
    splitting.finish(table, history.split)
    history.check_whole(limit=100)


@pytest.mark.parametrize("table", ["moto"], indirect=True)
@pytest.mark.parametrize("seed", range(3))
def test_whoever_turns_pages_while_the_mover_is_at_it_sees_them_right(
    table: Table, bodies: Bodies, seed: int
) -> None:
    history = lead(table, bodies, his=40, hers=15)
    readers = [partial(history.check_whole, limit=limit) for limit in (5, 20)]
    mover = partial(move, table, history.split.id, now=NOW)
    for one in Interleaving(table).run([mover, *readers], Random(seed)):
        if one.error:
            raise one.error
    history.check_whole(limit=50)
    assert splitting.get(table, history.split.id).done

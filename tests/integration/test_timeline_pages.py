"""Paging: every entry once and in order, over one partition or several, while new ones arrive."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.merge import Decision
from shared.model.cursor import Cursor
from shared.model.entry import Attachment, Channel, Direction, Entry, Kind
from shared.model.errors import NotFoundError
from shared.model.filters import Filters
from shared.split import split
from shared.store import keys, splitting, timeline
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.store.timeline import Page, Shown, read_page
from tests.builders import ANA_PHONE, NOW, chat, later, sms
from tests.hub import Hub
from tests.integration.conftest import ENGINES
from tests.timelines import entry, lay, profile, receipt

ANA = "ctc_ana"
OUT = Direction.OUTBOUND
# moto's time for a query grows with all that is in the table.
ON_THE_FASTEST = pytest.mark.parametrize("table", ENGINES[-1:], indirect=True)


def texts(page: Page) -> list[str]:
    return [shown.entry.text for shown in page.shown]


def lay_numbered(table: Table, count: int) -> None:
    """Ana with entries "0", "1", …, a minute apart, each second one outbound."""
    entries = [
        entry(
            at=later(minutes=number),
            text=str(number),
            direction=OUT if number % 2 else Direction.INBOUND,
            channel=Channel.EMAIL if number % 3 == 0 else Channel.SMS,
        )
        for number in range(count)
    ]
    lay(table, profile(ANA), *entries)


# ---- one contact


def test_an_unmerged_contacts_page_takes_one_query_and_so_does_the_next(
    table: Table, aws_calls: list[str]
) -> None:
    lay_numbered(table, 9)
    aws_calls.clear()
    first = read_page(table, ANA, limit=4)
    assert aws_calls == ["Query"]
    second = read_page(table, ANA, limit=4, after=first.cursor)
    assert aws_calls == ["Query", "Query"]
    assert texts(first) + texts(second) == ["8", "7", "6", "5", "4", "3", "2", "1"]
    assert first.contact_id == second.contact_id == ANA


def test_a_page_is_full_even_where_every_entry_has_a_receipt(table: Table) -> None:
    entries = [entry(at=later(minutes=n), direction=OUT, text=str(n)) for n in range(6)]
    lay(table, profile(ANA), *entries)
    for ascending in (False, True):
        page = read_page(table, ANA, limit=3, ascending=ascending)
        assert len(page.shown) == 3
        assert all(shown.receipt for shown in page.shown)


def test_the_last_page_says_so(table: Table) -> None:
    lay_numbered(table, 4)
    assert read_page(table, ANA, limit=4).cursor is None
    assert read_page(table, ANA, limit=4, ascending=True).cursor is None


def test_an_ascending_timeline_is_the_descending_one_backwards(table: Table) -> None:
    lay_numbered(table, 7)
    down = read_page(table, ANA, limit=50)
    up = read_page(table, ANA, limit=50, ascending=True)
    assert list(up.shown) == list(reversed(down.shown))


def test_an_entry_older_than_the_cursor_is_in_its_place_when_read_afresh(table: Table) -> None:
    lay_numbered(table, 4)
    first = read_page(table, ANA, limit=2)
    lay(table, entry(at=later(minutes=1.5), text="late"), entry(at=later(minutes=9), text="new"))
    second = read_page(table, ANA, limit=5, after=first.cursor)
    assert texts(first) + texts(second) == ["3", "2", "late", "1", "0"]
    assert texts(read_page(table, ANA, limit=9)) == ["new", "3", "2", "late", "1", "0"]


def test_a_receipt_is_shown_where_a_filtered_ascending_page_was_cut_before_it(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "_FILTERED_READ", 4)
    entries = [entry(at=later(minutes=n)) for n in range(3)]
    answer = entry(at=later(minutes=3), channel=Channel.EMAIL, direction=OUT)
    lay(table, profile(ANA), *entries, answer)
    mails = Filters(channels=frozenset({Channel.EMAIL}))
    page = read_page(table, ANA, limit=1, filters=mails, ascending=True)
    assert page.shown[0].entry == answer
    assert page.shown[0].receipt


def test_entries_of_the_same_millisecond_keep_one_order(table: Table) -> None:
    lay(table, profile(ANA), *(entry(direction=OUT) for _ in range(5)))
    whole = read_page(table, ANA, limit=5).shown
    paged = traverse(table, limit=1)
    assert paged == list(whole)


def test_a_contact_without_entries_has_an_empty_timeline_and_a_stranger_none(table: Table) -> None:
    lay(table, profile(ANA))
    assert read_page(table, ANA, limit=5).shown == ()
    for ascending in (False, True):
        with pytest.raises(NotFoundError):
            read_page(table, "ctc_nobody", limit=5, ascending=ascending)


# ---- filters


def test_filters_choose_by_channel_kind_conversation_and_period(table: Table) -> None:
    lay_numbered(table, 8)
    lay(table, entry(at=later(minutes=20), kind=Kind.NOTE, channel=Channel.INTERNAL, text="note"))
    lay(table, entry(at=later(minutes=21), conversation_id="cnv_2", text="other"))

    def found(filters: Filters) -> list[str]:
        return texts(read_page(table, ANA, limit=50, filters=filters))

    assert found(Filters(channels=frozenset({Channel.EMAIL}))) == ["6", "3", "0"]
    assert found(Filters(kinds=frozenset({Kind.NOTE}))) == ["note"]
    assert found(Filters(conversation_ids=frozenset({"cnv_2"}))) == ["other"]
    since, until = later(minutes=2), later(minutes=5)
    assert found(Filters(since=since, until=until)) == ["4", "3", "2"]
    assert found(Filters(since=since)) == ["other", "note", "7", "6", "5", "4", "3", "2"]
    assert found(Filters(until=until)) == ["4", "3", "2", "1", "0"]


def test_a_search_ignores_case_and_looks_into_subject_quoted_text_and_file_names(
    table: Table,
) -> None:
    lay(
        table,
        profile(ANA),
        entry(at=later(minutes=1), text="Grüße aus der STRASSE"),
        entry(at=later(minutes=2), subject="The Straße", text="b"),
        entry(at=later(minutes=3), quoted_text="> strasse", text="c"),
        entry(
            at=later(minutes=4),
            text="d",
            attachments=(Attachment(name="Straße.pdf", media_type="application/pdf"),),
        ),
        entry(at=later(minutes=5), text="elsewhere"),
    )
    page = read_page(table, ANA, limit=9, filters=Filters(text="strasse"))
    assert texts(page) == ["d", "c", "b", "Grüße aus der STRASSE"]


def test_a_search_for_something_rare_is_bounded_per_page_and_goes_on_by_its_cursor(
    table: Table, aws_calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "_FILTERED_READ", 20)
    entries = [entry(at=later(seconds=number), text="common") for number in range(90)]
    rare = entry(at=later(seconds=-1), text="a needle")
    lay(table, profile(ANA), rare, *entries)
    aws_calls.clear()
    filters = Filters(text="needle")
    first = read_page(table, ANA, limit=5, filters=filters)
    assert (texts(first), len(aws_calls)) == ([], 4)
    assert first.cursor
    second = read_page(table, ANA, limit=5, filters=filters, after=first.cursor)
    assert (texts(second), second.cursor) == (["a needle"], None)


# ---- several members


def test_a_merged_contacts_page_takes_a_query_a_member_and_is_in_order(
    table: Table, aws_calls: list[str]
) -> None:
    lay(table, profile(ANA, members=("ctc_bob",)), profile("ctc_bob", root=ANA))
    for number in range(6):
        home = ANA if number % 2 else "ctc_bob"
        lay(table, entry(home=home, at=later(minutes=number), text=str(number)))
    aws_calls.clear()
    page = read_page(table, ANA, limit=4)
    assert aws_calls == ["Query", "Query"]
    assert texts(page) == ["5", "4", "3", "2"]
    assert texts(read_page(table, ANA, limit=4, after=page.cursor)) == ["1", "0"]


def test_an_id_that_was_merged_away_answers_with_the_survivors_timeline(table: Table) -> None:
    lay(table, profile(ANA, members=("ctc_bob",)), profile("ctc_bob", root=ANA))
    lay(table, entry(text="ana's"), entry(home="ctc_bob", at=later(minutes=1), text="bob's"))
    by_survivor, by_old_id = (read_page(table, c, limit=5) for c in (ANA, "ctc_bob"))
    assert by_old_id == by_survivor
    assert (by_old_id.contact_id, texts(by_old_id)) == (ANA, ["bob's", "ana's"])


def test_a_merge_undone_between_two_pages_hides_the_others_entries_from_the_next(
    table: Table,
) -> None:
    lay(table, profile(ANA, members=("ctc_bob",)), profile("ctc_bob", root=ANA))
    for number in range(4):
        home = ANA if number % 2 else "ctc_bob"
        lay(table, entry(home=home, at=later(minutes=number), text=str(number)))
    first = read_page(table, ANA, limit=2)
    lay(table, profile(ANA), profile("ctc_bob"))
    second = read_page(table, ANA, limit=2, after=first.cursor)
    assert texts(first) + texts(second) == ["3", "2", "1"]


# ---- an address that is being split off


def test_while_an_address_is_split_off_its_entries_are_on_the_new_contacts_pages_alone(
    table: Table,
) -> None:
    hers = [entry(at=later(minutes=n), text=f"hers {n}", address_key="a") for n in range(3)]
    sons = [
        entry(at=later(minutes=n + 0.5), text=f"son's {n}", address_key="b", direction=OUT)
        for n in range(3)
    ]
    gone = entry(home="ctc_son", at=later(minutes=-1), text="moved", address_key="b")
    mother = replace(profile(ANA), moving={"b": "ctc_son"})
    son = replace(profile("ctc_son"), arriving={"b": ANA})
    lay(table, mother, son, *hers, *sons, gone)
    assert [s.entry.text for s in traverse(table, limit=1)] == ["hers 2", "hers 1", "hers 0"]
    of_son = traverse(table, "ctc_son", limit=2)
    assert [s.entry.text for s in of_son] == ["son's 2", "son's 1", "son's 0", "moved"]
    assert [bool(s.receipt) for s in of_son] == [True, True, True, False]


def test_an_entry_that_moved_before_its_receipt_is_shown_with_it(table: Table) -> None:
    moved = entry(home="ctc_son", address_key="b", direction=OUT)
    beside = receipt(moved)
    left = replace(beside, key=replace(beside.key, home=ANA))
    lay(table, replace(profile("ctc_son"), arriving={"b": ANA}), profile(ANA), moved, left)
    table._client.delete_item(TableName=table.name, Key=_wire(keys.receipt(beside.key)))
    (shown,) = read_page(table, "ctc_son", limit=5).shown
    assert shown.receipt == left


@ON_THE_FASTEST
def test_a_split_is_right_on_both_pages_at_every_step_of_the_move(
    table: Table, bodies: Bodies
) -> None:
    hub = Hub(table, bodies)
    first = hub.receive(chat("from the chat", vouched=(ANA_PHONE,)))
    for number in range(60):
        hub.receive(sms(str(number), received_at=later(minutes=number)))
    decision = Decision(by="agent-1", reason="her son's number")
    record = split(table, first.contact_id, ANA_PHONE, decision, now=NOW)

    def check() -> None:
        of_mother = [s.entry.text for s in traverse(table, record.source, limit=20)]
        of_son = [s.entry.text for s in traverse(table, record.target, limit=20)]
        texts = [str(number) for number in reversed(range(60))]
        assert of_mother[-1] == "from the chat"
        assert not set(of_mother) & set(texts)
        assert [text for text in of_son if text.isdigit()] == texts

    check()
    position = splitting.move_some(table, record, None, NOW).position
    while position:
        check()
        position = splitting.move_some(table, record, position, NOW).position
    check()


def _wire(key: keys.Key) -> dict[str, Any]:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}


# ---- whatever arrives


def traverse(table: Table, contact_id: str = ANA, *, limit: int) -> list[Shown]:
    """The whole timeline, page by page."""
    shown: list[Shown] = []
    after: Cursor | None = None
    while True:
        page = read_page(table, contact_id, limit=limit, after=after)
        shown += page.shown
        after = page.cursor
        if after is None:
            return shown


SECONDS = st.integers(min_value=0, max_value=200)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[list[tuple[int, bool]]], list[tuple[int, int, bool]]]:
    """Each member's entries as (second, outbound), and those that arrive between pages."""
    members = draw(st.integers(min_value=1, max_value=5))
    laid = st.lists(st.tuples(SECONDS, st.booleans()), max_size=14)
    partitions = [draw(laid) for _ in range(members)]
    arriving = st.tuples(st.integers(0, members - 1), SECONDS, st.booleans())
    return partitions, draw(st.lists(arriving, max_size=10))


@ON_THE_FASTEST
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    world=worlds(),
    limit=st.integers(min_value=1, max_value=6),
    ascending=st.booleans(),
    filtered=st.booleans(),
)
def test_pages_joined_are_the_whole_timeline_in_order_while_new_entries_arrive(
    *,
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    world: tuple[list[list[tuple[int, bool]]], list[tuple[int, int, bool]]],
    limit: int,
    ascending: bool,
    filtered: bool,
) -> None:
    monkeypatch.setattr(timeline, "_FILTERED_READ", 4)  # so that filters leave pages unfilled
    partitions, arrivals = world
    homes = [f"ctc_{next(_examples)}" for _ in partitions]
    lay(table, profile(homes[0], members=homes), *(profile(h, root=homes[0]) for h in homes[1:]))

    before = [
        numbered(home, *each) for home, part in zip(homes, partitions, strict=True) for each in part
    ]
    lay(table, *before)
    filters = Filters(channels=frozenset({Channel.EMAIL})) if filtered else Filters()
    arrived: list[Entry] = []
    shown: list[Shown] = []
    after: Cursor | None = None
    left = list(arrivals)
    while True:
        page = read_page(
            table,
            homes[0],
            limit=limit,
            filters=filters,
            ascending=ascending,
            after=after,
        )
        assert len(page.shown) <= limit
        assert filtered or len(page.shown) == limit or page.cursor is None
        shown += page.shown
        after = page.cursor
        if after is None:
            break
        if left:
            member, second, outbound = left.pop()
            arrived.append(numbered(homes[member], second, outbound))
            lay(table, arrived[-1])
    ids = [each.entry.id for each in shown]
    order = [(each.entry.occurred_at, each.entry.id) for each in shown]
    wanted = {e.id for e in before if filters.admit(e)}
    assert order == sorted(order, reverse=not ascending)
    assert len(ids) == len(set(ids))
    assert wanted <= set(ids) <= wanted | {e.id for e in arrived if filters.admit(e)}
    assert all(bool(each.receipt) is (each.entry.direction is OUT) for each in shown)


_examples = count()


def numbered(home: str, second: int, outbound: bool) -> Entry:
    """An entry of which everything follows from its second; each third one is a mail."""
    return entry(
        home=home,
        at=later(seconds=second),
        direction=OUT if outbound else Direction.INBOUND,
        channel=Channel.SMS if second % 3 else Channel.EMAIL,
    )

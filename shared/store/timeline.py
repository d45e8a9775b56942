"""A contact's timeline, page by page: one Query for each member's partition.

All partitions share one position. Below the point down to which every partition has been read
nothing is shown yet, so pages follow one another in order whatever is merged or arrives meanwhile
(proved in tests/unit/test_timeline_pages.py).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model.contact import Profile
from shared.model.cursor import Cursor
from shared.model.entry import Channel, Entry, Kind
from shared.model.errors import NotFoundError
from shared.model.receipt import Receipt
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.bodies import Bodies
from shared.store.contacts import get_profile
from shared.store.roots import root_of
from shared.store.table import Table

_END = keys.ENTRY + "~"
# A filtered page goes on reading until it is full, but no further than this.
_FILTERED_ROUNDS = 4
_FILTERED_READ = 250
# Lambda answers with at most 6 MB, the page as a JSON text within a JSON text.
_PAGE_BYTES = 5_000_000
_LONGEST_SHOWN = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which entries a page shows. Empty sets and texts admit all.

    `since` is inclusive, `until` is not. `text` is looked for in subject, text, quoted text and
    the names of attachments, whatever its case; of a very long body in its beginning only.
    """

    channels: frozenset[Channel] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    conversation_id: str = ""

    @property
    def are_sparse(self) -> bool:
        """Whether entries within the period may be left out."""
        return bool(self.channels or self.kinds or self.text or self.conversation_id)

    def admit(self, entry: Entry) -> bool:
        """Whether an entry of the period is shown."""
        if self.channels and entry.channel not in self.channels:
            return False
        if self.kinds and entry.kind not in self.kinds:
            return False
        if self.conversation_id and entry.conversation_id != self.conversation_id:
            return False
        return not self.text or self._occurs_in(entry)

    def _occurs_in(self, entry: Entry) -> bool:
        names = (attachment.name for attachment in entry.attachments)
        words = "\n".join((entry.subject, entry.text, entry.quoted_text, *names))
        return self.text.casefold() in words.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry with its whole body, and the receipt that lies beside it."""

    sort_key: str
    entry: Entry
    receipt: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries in order, the contact they belong to now, and where to go on (None: the end)."""

    contact_id: str
    shown: tuple[Shown, ...]
    cursor: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What one Query brought. All entries as far as `edge` are here; None: there are no more."""

    shown: Sequence[Shown]
    edge: str | None
    profile: Profile | None = None


def read_page(
    table: Table,
    bodies: Bodies,
    contact_id: str,
    *,
    limit: int,
    filters: Filters | None = None,
    ascending: bool = False,
    after: Cursor | None = None,
) -> Page:
    """One page of at most `limit` entries, newest first unless `ascending`.

    It may hold fewer; only a `cursor` of None ends the timeline. An unmerged contact's page takes
    one Query, its profile included. Raises NotFoundError, UnavailableError.
    """
    reading = _Reading(table, filters or Filters(), ascending, limit)
    chunk: _Chunk | None = None
    if after and after.alone:
        root, members = contact_id, [contact_id]
    else:
        if after or ascending or reading.filters.until:
            profile = get_profile(table, contact_id)
        else:
            chunk = reading.chunk(contact_id, None, with_profile=True)
            if chunk.profile is None:
                raise NotFoundError("no such contact")
            profile = chunk.profile
        # An id that was merged away has read its own partition first; its root's come after.
        speaker = root_of(table, profile)
        root, members = speaker.id, [contact_id, *sorted(speaker.members - {contact_id})]
    found, position = reading.rounds(members, after.position if after else None, chunk)
    shown, position = _within_an_answer(bodies, found, position)
    return Page(
        contact_id=root,
        shown=shown,
        cursor=Cursor(position, alone=members == [root]) if position else None,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one page is read."""

    table: Table
    filters: Filters
    ascending: bool
    limit: int

    def rounds(
        self, members: Sequence[str], position: str | None, first: _Chunk | None
    ) -> tuple[list[Shown], str | None]:
        """The page's entries and where to go on; more than one round only where filters leave out.

        `first` is the first member's chunk when it was read already.
        """
        shown: list[Shown] = []
        for _ in range(_FILTERED_ROUNDS if self.filters.are_sparse else 1):
            chunks = [first] if first else []
            chunks += [self.chunk(member, position) for member in members[len(chunks) :]]
            first = None
            more, position = self._merged(chunks, self.limit - len(shown))
            shown += more
            if position is None or len(shown) == self.limit:
                break
        return shown, position

    def _merged(self, chunks: Iterable[_Chunk], limit: int) -> tuple[list[Shown], str | None]:
        """The next entries of all partitions in order, no further than all of them were read."""
        chunks = list(chunks)
        edges = [chunk.edge for chunk in chunks if chunk.edge is not None]
        edge = (min if self.ascending else max)(edges, default=None)
        # By key: an entry on its way to another partition (a split) may be met in both.
        found = {shown.sort_key: shown for chunk in chunks for shown in chunk.shown}
        matching = [
            found[key]
            for key in sorted(found, reverse=not self.ascending)
            if (edge is None or (key <= edge if self.ascending else key >= edge))
            and self.filters.admit(found[key].entry)
        ]
        if len(matching) > limit:
            return matching[:limit], matching[limit - 1].sort_key
        return matching, edge

    def chunk(self, member: str, position: str | None, *, with_profile: bool = False) -> _Chunk:
        """One Query behind `position`, of enough items to fill the page."""
        since, until = self.filters.since, self.filters.until
        high = keys.entry_position(until) if until else _END
        read = 2 * self.limit + 2  # each with its receipt, the profile, and one to know of more
        if self.filters.are_sparse:
            read = max(read, _FILTERED_READ)
        if position and self.ascending:
            position += keys.RECEIPT
        found = self.table.query(
            keys.contact(member),
            between=(
                keys.entry_position(since) if since else keys.ENTRY,
                keys.PROFILE if with_profile else high,
            ),
            limit=read,
            ascending=self.ascending,
            after=position,
        )
        lying = list(found.items)
        profile = None
        if with_profile and lying and lying[0]["SK"] == keys.PROFILE:
            profile = items.read_profile(lying.pop(0))
        is_cut = found.last_key is not None
        if is_cut and self.ascending and not _is_receipt(lying[-1]):
            lying.pop()  # its receipt may lie just behind the cut
        shown = _shown(lying)
        # At least three items were read, so before a cut there is an entry with its receipt.
        return _Chunk(shown=shown, edge=shown[-1].sort_key if is_cut else None, profile=profile)


def _shown(lying: Iterable[Item]) -> list[Shown]:
    """The entries among these items, each with the receipt beside it."""
    lying = list(lying)
    receipts = {item["SK"]: items.read_receipt(item) for item in lying if _is_receipt(item)}
    return [
        Shown(
            sort_key=item["SK"],
            entry=items.read_entry(item),
            receipt=receipts.get(item["SK"] + keys.RECEIPT),
        )
        for item in lying
        if not _is_receipt(item)
    ]


def _is_receipt(item: Item) -> bool:
    return bool(item["SK"].endswith(keys.RECEIPT))


# ---- bodies


def _within_an_answer(
    bodies: Bodies, shown: Sequence[Shown], position: str | None
) -> tuple[tuple[Shown, ...], str | None]:
    """As many entries, bodies restored, as one answer holds; the rest is the next page's."""
    whole: list[Shown] = []
    room = _PAGE_BYTES
    for each in shown:
        entry = bodies.restore(each.entry)
        size = _size(entry)
        if size > room and whole:
            return tuple(whole), whole[-1].sort_key
        if size > _PAGE_BYTES:
            entry = _cut(entry)
        room -= size
        whole.append(replace(each, entry=entry))
    return tuple(whole), position


def _size(entry: Entry) -> int:
    """The most bytes that an entry's words take in an answer."""
    return len(json.dumps(json.dumps([entry.subject, entry.text, entry.quoted_text])))


def _cut(entry: Entry) -> Entry:
    """An entry too long for any answer, marked; its HTML and raw mail stay whole."""
    return replace(
        entry,
        text=entry.text[:_LONGEST_SHOWN],
        quoted_text="",
        defects=(*entry.defects, "text_cut"),
    )

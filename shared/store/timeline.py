"""A contact's timeline, page by page: one Query for each member's partition.

All partitions share one position. Below the point down to which every partition has been read
nothing is shown yet, so pages follow one another in order whatever is merged or arrives meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.cursor import Cursor
from shared.model.entry import Entry
from shared.model.errors import NotFoundError
from shared.model.filters import Filters
from shared.model.receipt import Receipt
from shared.store import conversations, guests, items, keys
from shared.store.contacts import get_profile
from shared.store.guests import Guests
from shared.store.roots import members_of, root_of
from shared.store.sources import Source, sources
from shared.store.table import Table

_END = keys.ENTRY + "~"
# A filtered page goes on reading until it is full, but no further than this.
_FILTERED_ROUNDS = 4
_FILTERED_READ = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry, the receipt that lies beside it, and the contact it is of now."""

    sort_key: str
    entry: Entry
    receipt: Receipt | None
    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries in order, the contact they belong to now, and where to go on (None: the end).

    `alone`: that contact has no other members.
    """

    contact_id: str
    shown: tuple[Shown, ...]
    position: str | None
    alone: bool

    @property
    def cursor(self) -> Cursor | None:
        """What the next page is read with."""
        return Cursor(self.position, self.alone) if self.position else None

    def first(self, count: int) -> "Page":
        """The page as if only so many of its entries had been asked for; at least one."""
        if count == len(self.shown):
            return self
        return Page(
            contact_id=self.contact_id,
            shown=self.shown[:count],
            position=self.shown[count - 1].sort_key,
            alone=self.alone,
        )


def read_page(
    table: Table,
    contact_id: str,
    *,
    limit: int,
    filters: Filters | None = None,
    ascending: bool = False,
    after: Cursor | None = None,
) -> Page:
    """One page of at most `limit` entries, newest first unless `ascending`; bodies as stored.

    It may hold fewer; only a `cursor` of None ends the timeline. An unmerged contact's page takes
    one Query, its profile included. One of a conversation shows what was joined to it, and what its
    guests wrote. Raises NotFoundError, GoneError (erased), UnavailableError.
    """
    filters = filters or Filters()
    conversation = _conversation(table, filters)
    if conversation:
        filters = replace(
            filters, conversation_ids=frozenset({conversation.id, *conversation.includes})
        )
    reading = _Reading(table, filters, ascending, limit)
    chunks: list[_Chunk] = []
    if after and after.alone:
        root, members, lying = contact_id, 1, [Source(contact_id)]
    else:
        if after or ascending or reading.filters.until:
            profile = get_profile(table, contact_id)
            speaker = root_of(table, profile)
            profiles = members_of(table, speaker, profile)
        else:
            speaker, profiles, chunks = reading.from_the_top(contact_id)
        root, members, lying = speaker.id, len(profiles), sources(profiles)
        if any(source.moves for source in lying):
            chunks = []  # an address changes contacts: what is to be read in order is read anew
    position = after.position if after else None
    if conversation and conversation.home in {source.home for source in lying}:
        reading = replace(reading, guests_of=sorted(filters.conversation_ids))
    shown, position = reading.rounds(root, lying, position, chunks)
    alone = members == 1 and not any(source.moves for source in lying)
    return Page(contact_id=root, shown=tuple(shown), position=position, alone=alone)


def _conversation(table: Table, filters: Filters) -> Conversation | None:
    """The conversation that is asked for, or the one it turned out to be part of."""
    try:
        return next((conversations.get(table, each) for each in filters.conversation_ids), None)
    except NotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What one Query brought, by sort key.

    All entries as far as `edge` are here; None: there are no more.
    """

    entries: Mapping[str, Entry]
    receipts: Mapping[str, Receipt]
    edge: str | None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one page is read."""

    table: Table
    filters: Filters
    ascending: bool
    limit: int
    guests_of: Sequence[str] = ()

    def from_the_top(self, contact_id: str) -> tuple[Profile, list[Profile], list[_Chunk]]:
        """The speaker, the members' profiles and their newest entries, by one Query a member.

        An id that was merged away reads its own partition first, then its root's profile.
        """
        first = self.chunk(Source(contact_id), None, with_profile=True)
        if first.profile is None:
            raise NotFoundError("no such contact")
        speaker = root_of(self.table, first.profile)
        others = sorted(speaker.members - {contact_id})
        chunks = [first] + [self.chunk(Source(m), None, with_profile=True) for m in others]
        return speaker, [chunk.profile for chunk in chunks if chunk.profile], chunks

    def rounds(
        self, root: str, lying: Sequence[Source], position: str | None, chunks: Sequence[_Chunk]
    ) -> tuple[list[Shown], str | None]:
        """The page's entries and where to go on; more than one round only where filters leave out.

        `chunks` is the first round's when it was read already.
        """
        shown: list[Shown] = []
        for _ in range(_FILTERED_ROUNDS if self.filters.are_sparse else 1):
            chunks = chunks or [self.chunk(source, position) for source in lying]
            guests = [self.guests(each, position) for each in self.guests_of]
            more, position = self._merged(root, [*chunks, *guests], self.limit - len(shown))
            shown += more
            if position is None or len(shown) == self.limit:
                break
            chunks = []
        return shown, position

    def _merged(
        self, root: str, chunks: Iterable["_Chunk | Guests"], limit: int
    ) -> tuple[list[Shown], str | None]:
        """The next entries of all partitions in order, no further than all of them were read."""
        entries: dict[str, Entry] = {}
        receipts: dict[str, Receipt] = {}
        contacts: dict[str, str] = {}
        edges: list[str] = []
        for chunk in chunks:
            # By key: what moves to another partition just now may have been met in both.
            entries |= chunk.entries
            receipts |= chunk.receipts
            contacts |= chunk.contacts if isinstance(chunk, Guests) else {}
            edges += [chunk.edge] if chunk.edge else []
        edge = (min if self.ascending else max)(edges, default=None)
        matching = [
            Shown(
                sort_key=key,
                entry=entries[key],
                receipt=receipts.get(key),
                contact_id=contacts.get(key, root),
            )
            for key in sorted(entries, reverse=not self.ascending)
            if self._is_read_everywhere(key, edge) and self.filters.admit(entries[key])
        ]
        if len(matching) > limit:
            return matching[:limit], matching[limit - 1].sort_key
        return matching, edge

    def _is_read_everywhere(self, key: str, edge: str | None) -> bool:
        return edge is None or (key <= edge if self.ascending else key >= edge)

    def guests(self, conversation_id: str, position: str | None) -> Guests:
        """What guests wrote, behind `position`."""
        return guests.read(
            self.table,
            conversation_id,
            between=self._bounds(),
            after=position,
            ascending=self.ascending,
        )

    def _bounds(self) -> tuple[str, str]:
        since, until = self.filters.since, self.filters.until
        return (
            keys.entry_position(since) if since else keys.ENTRY,
            keys.entry_position(until) if until else _END,
        )

    def chunk(self, source: Source, position: str | None, *, with_profile: bool = False) -> _Chunk:
        """One Query behind `position`, of enough items to fill the page."""
        low, high = self._bounds()
        read = 2 * self.limit + 2  # each with its receipt, the profile, and one to know of more
        if self.filters.are_sparse:
            read = max(read, _FILTERED_READ)
        if position and self.ascending:
            position += keys.RECEIPT  # behind the entry's receipt too
        found = self.table.query(
            keys.contact(source.home),
            between=(low, keys.PROFILE if with_profile else high),
            limit=read,
            ascending=self.ascending,
            after=position,
        )
        profile: Profile | None = None
        entries: dict[str, Entry] = {}
        receipts: dict[str, Receipt] = {}
        for item in found.items:
            key = item["SK"]
            if key == keys.PROFILE:
                profile = items.read_profile(item)
            elif key.endswith(keys.RECEIPT):
                receipts[key.removesuffix(keys.RECEIPT)] = items.read_receipt(item)
            else:
                entries[key] = items.read_entry(item)
        is_cut = found.last_key is not None
        if is_cut and self.ascending and found.items[-1]["SK"] in entries:
            entries.popitem()  # its receipt may lie just behind the cut
        return _Chunk(
            entries={
                key: entry for key, entry in entries.items() if source.admits(entry.address_key)
            },
            receipts=receipts,
            # At least four items were read, so before a cut there is an entry with its receipt;
            # only where entries are just being moved or erased there may be none.
            edge=next(reversed(entries), found.items[-1]["SK"]) if is_cut else None,
            profile=profile,
        )

"""The timeline, page by page."""

import json
from dataclasses import replace
from enum import StrEnum

from functions.timeline_api import shapes, shaping
from functions.timeline_api.errors import MalformedRequestError
from functions.timeline_api.hub import Hub
from functions.timeline_api.query import Query
from functions.timeline_api.request import Request
from shared.model.entry import Channel, Entry, Kind
from shared.model.filters import Filters
from shared.rules import cursors
from shared.store.timeline import Page, read_page

DEFAULT_LIMIT = 50
MOST = 100
LONGEST_SEARCH = 200

# Lambda answers with at most 6 MB, and the page is a JSON text within a JSON text.
_ROOM = 5_000_000
_LONGEST_SHOWN = 500_000


class _Order(StrEnum):
    ASC = "asc"
    DESC = "desc"


def get(request: Request, hub: Hub) -> shapes.EntryPage:
    """Read a contact's timeline over all channels, newest first.

    Filters and order are part of a cursor: a cursor goes with the query it came from. `q` looks
    into what was read for this page; follow `next_cursor` to look further.
    """
    query, binding = request.query, request.query.binding(request.path)
    token = query.text("cursor")
    page = read_page(
        hub.table,
        request.id,
        limit=query.whole("limit", default=DEFAULT_LIMIT, most=MOST),
        filters=_filters(query),
        ascending=query.choice("order", _Order) is _Order.ASC,
        after=cursors.unseal(hub.keys, token, binding) if token else None,
    )
    page, entries = _within_an_answer(page, hub)
    return {
        "items": [
            shaping.entry(entry, shown.receipt, contact_id=shown.contact_id, keys=hub.keys)
            for entry, shown in zip(entries, page.shown, strict=True)
        ],
        "next_cursor": cursors.seal(hub.keys, page.cursor, binding) if page.cursor else None,
    }


def _filters(query: Query) -> Filters:
    since, until = query.time("since"), query.time("until")
    if since and until and since >= until:
        raise MalformedRequestError("since is not before until", "since")
    return Filters(
        channels=query.choices("channel", Channel),
        kinds=query.choices("kind", Kind),
        since=since,
        until=until,
        text=query.text("q", longest=LONGEST_SEARCH),
        conversation_ids=frozenset(filter(None, [query.text("conversation")])),
    )


def _within_an_answer(page: Page, hub: Hub) -> tuple[Page, list[Entry]]:
    """As much of the page, bodies restored, as one answer holds; the rest is the next page's."""
    entries: list[Entry] = []
    room = _ROOM
    for shown in page.shown:
        entry = hub.bodies.restore(shown.entry)
        size = _size(entry)
        if size > room and entries:
            break
        room -= size
        entries.append(entry if size <= _ROOM else _cut(entry))
    return page.first(len(entries)), entries


def _size(entry: Entry) -> int:
    """The most bytes that an entry's words take in an answer."""
    return len(json.dumps(json.dumps([entry.subject, entry.text, entry.quoted_text])))


def _cut(entry: Entry) -> Entry:
    """An entry too long for any answer, marked."""
    return replace(
        entry,
        text=entry.text[:_LONGEST_SHOWN],
        quoted_text="",
        defects=(*entry.defects, "text_cut"),
    )

"""Suggestions: one item for each pair of addresses, found by both and listed while open."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, product

from shared.model.errors import ConflictError, NotFoundError
from shared.model.identity import Identity
from shared.model.suggestion import (
    Caution,
    Evidence,
    Suggestion,
    SuggestionState,
    suggestion_id,
)
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.listing import list_newest
from shared.store.table import Put, Table, TransactionRefusedError

MOST_PAIRS = 100  # of addresses, in one read


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is known of two addresses and of whether they are one person's."""

    suggestion: Suggestion | None
    one: Identity | None
    other: Identity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Open suggestions, newest first, and where to go on (None: the end)."""

    suggestions: tuple[Suggestion, ...]
    position: str | None


def get(table: Table, wanted: str) -> Suggestion:
    """One suggestion. Raises NotFoundError."""
    suggestion = find(table, wanted)
    if suggestion is None:
        raise NotFoundError("no such suggestion")
    return suggestion


def find(table: Table, wanted: str) -> Suggestion | None:
    """One suggestion, or None."""
    item = table.get(keys.pair(wanted))
    return _read(item) if item else None


def look(table: Table, one: str, other: str) -> Pair:
    """Two addresses by their keys, and the suggestion about them: one read."""
    pair_at, one_at, other_at = (
        keys.pair(suggestion_id(one, other)),
        keys.identity(one),
        keys.identity(other),
    )
    found = table.get_many([pair_at, one_at, other_at])
    return Pair(
        suggestion=_read(found[pair_at]) if pair_at in found else None,
        one=items.read_identity(found[one_at]) if one_at in found else None,
        other=items.read_identity(found[other_at]) if other_at in found else None,
    )


def between(table: Table, ones: Iterable[str], others: Iterable[str]) -> tuple[Suggestion, ...]:
    """What was suggested of any address of one contact and any of another, MOST_PAIRS at most."""
    pairs = (suggestion_id(one, other) for one, other in product(ones, others))
    found = table.get_many(keys.pair(pair) for pair in islice(pairs, MOST_PAIRS))
    return tuple(_read(item) for item in found.values())


def list_open(table: Table, *, limit: int, position: str | None = None) -> Page:
    """One page. Eventually consistent: it reads the index.

    `position` is what the page before gave.
    """
    found, position = list_newest(
        table, keys.suggestion_partition(SuggestionState.OPEN), limit=limit, position=position
    )
    return Page(suggestions=tuple(map(_read, found)), position=position)


def keep(table: Table, suggestion: Suggestion) -> None:
    """Write a suggestion over the one that was read. Raises ConflictError when that has changed."""
    try:
        table.write_when_free(*legs(suggestion))
    except TransactionRefusedError as error:
        raise ConflictError("this suggestion has changed; read it again") from error


def legs(suggestion: Suggestion) -> Iterable[Put]:
    """What writes a suggestion over the one that was read; a new one can be found by both sides."""
    key, item = keys.pair(suggestion.id), _item(suggestion)
    if suggestion.revision:
        yield Put(key, item, condition="revision = :seen", values={":seen": suggestion.revision})
        return
    yield Put(key, item)
    pointer = {"type": "suggested", "schema": items.SCHEMA}
    for address_key in suggestion.pair:
        yield Put(keys.suggested(address_key, suggestion.id), pointer, condition="")


def _item(suggestion: Suggestion) -> Item:
    item: Item = {
        "type": "suggestion",
        "schema": items.SCHEMA,
        "pair": list(suggestion.pair),
        "state": str(suggestion.state),
        "evidence": frozenset(suggestion.evidence),
        "cautions": frozenset(suggestion.cautions),
        "score": suggestion.score,
        "homes": dict(suggestion.homes),
        "at": keys.timestamp(suggestion.at),
        "by": suggestion.by,
        "decided_at": items.stored_time(suggestion.decided_at),
        "reason": suggestion.reason,
        "merge": suggestion.merge_id,
        "revision": suggestion.revision + 1,
    }
    if suggestion.state is SuggestionState.OPEN:
        index = keys.suggestion_index(suggestion.state, suggestion.at, suggestion.id)
        item |= {"GSI1PK": index.pk, "GSI1SK": index.sk}
    return item


def _read(item: Item) -> Suggestion:
    one, other = item["pair"]
    return Suggestion(
        pair=(one, other),
        state=SuggestionState(item["state"]),
        evidence=frozenset(map(Evidence, item.get("evidence", ()))),
        cautions=frozenset(map(Caution, item.get("cautions", ()))),
        score=item["score"],
        homes=item["homes"],
        at=keys.read_timestamp(item["at"]),
        by=item.get("by", ""),
        decided_at=items.optional_time(item.get("decided_at")),
        reason=item.get("reason", ""),
        merge_id=item.get("merge", ""),
        revision=item["revision"],
    )

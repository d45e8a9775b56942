"""Messages that may be a wish to be left alone: beside their address, and listed while open."""

from dataclasses import dataclass

from shared.model.consent import Medium
from shared.model.errors import NotFoundError
from shared.model.statement import ConsentRequest
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.listing import INDEX, list_newest
from shared.store.table import Delete, Leg, Put, Table, Update


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the key of the address that it came from."""

    address_key: str
    request: ConsentRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Open requests, newest first, and where to go on (None: the end)."""

    asked: tuple[Asked, ...]
    position: str | None


def request_leg(address_key: str, request: ConsentRequest) -> Put:
    """Keep that a message may be a wish to be left alone."""
    index = keys.consent_request_index(request.entry_id)
    return Put(
        keys.consent_request(address_key, request.at, request.entry_id),
        {
            "type": "consent_request",
            "schema": items.SCHEMA,
            "entry": request.entry_id,
            "at": keys.timestamp(request.at),
            "media": [str(medium) for medium in request.media],
            "words": request.words,
            "GSI1PK": index.pk,
            "GSI1SK": index.sk,
        },
    )


def decided_leg(address_key: str, request: ConsentRequest, medium: Medium) -> Leg:
    """Take a medium off a request; nothing is left of it once all are decided."""
    left = request.without(medium)
    if not left.media:
        return dismissed_leg(address_key, request)
    at = keys.consent_request(address_key, request.at, request.entry_id)
    media = [str(each) for each in left.media]
    return Update(at, "SET media = :media", "attribute_exists(PK)", {":media": media})


def dismissed_leg(address_key: str, request: ConsentRequest) -> Delete:
    """Take a request away, if it is still there."""
    at = keys.consent_request(address_key, request.at, request.entry_id)
    return Delete(at, "attribute_exists(PK)")


def read_request(item: Item) -> ConsentRequest:
    """The request in an item."""
    return ConsentRequest(
        entry_id=item["entry"],
        at=keys.read_timestamp(item["at"]),
        media=tuple(Medium(medium) for medium in item["media"]),
        words=item.get("words", ""),
    )


def list_open(table: Table, *, limit: int, position: str | None = None) -> Page:
    """One page of at most `limit` (up to 100). Eventually consistent: it reads the index.

    `position` is what the page before gave.
    """
    found, position = list_newest(table, keys.CONSENT_REQUESTS, limit=limit, position=position)
    return Page(asked=tuple(map(_asked, found)), position=position)


def find(table: Table, entry_id: str) -> Asked:
    """The open request that this message made. Raises NotFoundError.

    One that was made within the last second may not be found yet.
    """
    at = keys.consent_request_index(entry_id)
    found = table.query(at.pk, between=(at.sk, at.sk), limit=1, index=INDEX)
    item = table.get(keys.Key(found.items[0]["PK"], found.items[0]["SK"])) if found.items else None
    if item is None:
        raise NotFoundError("there is no such request")
    return _asked(item)


def _asked(item: Item) -> Asked:
    return Asked(keys.owner_of(item["PK"]), read_request(item))

"""What was said about who may be written to: an append-only log beside each address.

The identity carries what the log comes to. Both change in one transaction, which holds only if no
statement was made since: the states are always what folding the log gives.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import uniform
from time import sleep
from typing import Any

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, AuthorType
from shared.model.errors import UnavailableError
from shared.model.events import Change
from shared.model.identity import Identity
from shared.model.statement import ConsentChange, ConsentRequest, Statement
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.consent_requests import read_request
from shared.store.table import Leg, Put, Table, TransactionRefusedError, Update

_READ_AT_ONCE = 250
_TRIES = 6


class MovedError(Exception):
    """The address has changed since it was read; or, with `conflict`, is just being changed.

    `beside`: something that was to be written beside it has changed.
    """

    def __init__(self, *, conflict: bool, beside: bool) -> None:
        super().__init__("the address has changed since it was read")
        self.conflict = conflict
        self.beside = beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Parts of an update's expression."""

    sets: tuple[str, ...]
    removes: tuple[str, ...]
    adds: tuple[str, ...]
    deletes: tuple[str, ...]
    condition: str
    values: Mapping[str, Any]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What lies beside an address: its statements, oldest first, and the wishes to be judged."""

    statements: tuple[Statement, ...]
    requests: tuple[ConsentRequest, ...]


# ---- items


def statement_item(said: Statement, home: str, change: Change | None) -> Item:
    """A statement's item."""
    return {
        "type": "consent",
        "schema": items.SCHEMA,
        "id": said.id,
        "home": home,
        "at": keys.timestamp(said.at),
        "medium": str(said.medium),
        "purpose": str(said.purpose),
        "state": str(said.state),
        "own": said.own,
        "source": said.source,
        "by": {"type": str(said.by.type), "id": said.by.id, "name": said.by.name},
        "words": said.words,
        "message": said.message_id,
        "senders": said.senders,
        "change": items.stored_change(change),
    }


def read_statement(item: Item) -> Statement:
    """The statement in an item."""
    by = item["by"]
    return Statement(
        id=item["id"],
        at=keys.read_timestamp(item["at"]),
        medium=Medium(item["medium"]),
        purpose=Purpose(item["purpose"]),
        state=ConsentState(item["state"]),
        own=item["own"],
        source=item["source"],
        by=Author(AuthorType(by["type"]), by["id"], by["name"]),
        words=item.get("words", ""),
        message_id=item.get("message", ""),
        senders=item.get("senders", frozenset()),
    )


# ---- reading


def read(table: Table, address_key: str) -> Said:
    """What was said about an address: one Query in all but a very long history."""
    statements, requests = [], []
    partition = keys.identity(address_key).pk
    between = (keys.CONSENT, keys.CONSENT + keys.HIGHEST)
    for item in table.walk(partition, between=between, at_once=_READ_AT_ONCE):
        if item["type"] == "consent":
            statements.append(read_statement(item))
        else:
            requests.append(read_request(item))
    return Said(tuple(statements), tuple(requests))


# ---- writing


def change_legs(
    change: ConsentChange, home: str, address_key: str, cause: Change | None
) -> Iterator[Leg]:
    """The statement, and where it makes a difference the entry that tells of it.

    What it makes of the identity is the caller's to write, in the same transaction.
    """
    said, entry = change.statement, change.entry
    told = replace(cause, events=("ConsentChanged",)) if cause and entry else None
    key = keys.consent(address_key, said.at, said.id)
    yield Put(key, statement_item(said, home, told))
    if entry:
        recorded = replace(cause, events=("EntryRecorded",)) if cause else None
        at = keys.entry(entry.home, entry.occurred_at, entry.id)
        yield Put(at, items.entry_item(entry, recorded))


def identity_parts(change: ConsentChange) -> Parts:
    """What a statement makes of the identity, for an update of it.

    The condition holds only if no statement was made since the change was planned.
    """
    said = change.statement
    what = f"{said.medium}:{said.purpose}"
    values: dict[str, Any] = {
        ":consent": change.kept[what],
        ":consent_at": keys.timestamp(said.at),
    }
    condition = "attribute_not_exists(consent_at)"
    if change.last:
        condition = "consent_at = :last_consent"
        values[":last_consent"] = keys.timestamp(change.last)
    granted = said.state is ConsentState.GRANTED
    blocked = ("blocked_senders :senders",) if said.senders else ()
    if said.senders:
        values[":senders"] = said.senders
    return Parts(
        sets=("consent.#consent = :consent", "consent_at = :consent_at"),
        # Who wants mail there has put the mailbox right.
        removes=("bounced",) if granted and said.medium is Medium.EMAIL else (),
        adds=() if granted else blocked,
        deletes=blocked if granted else (),
        condition=condition,
        values=values,
        names={"#consent": what},
    )


def on_new_identity(change: ConsentChange, blocked: frozenset[str]) -> Item:
    """The same for an identity that is just made, or made anew on its tombstone."""
    said = change.statement
    granted = said.state is ConsentState.GRANTED
    return {
        "consent": dict(change.kept),
        "consent_at": keys.timestamp(said.at),
        "blocked_senders": blocked - said.senders if granted else blocked | said.senders,
    }


def write(
    table: Table,
    seen: Identity,
    change: ConsentChange,
    cause: Change,
    *,
    beside: Iterable[Leg] = (),
) -> None:
    """Write a statement about an address that is somebody's.

    Raises MovedError when the address, or what is written `beside` it, has changed since it was
    read, UnavailableError.
    """
    parts = identity_parts(change)
    _write(
        table,
        Update(
            keys.identity(seen.key),
            expression(parts.sets, ("#change", *parts.removes), parts.adds, parts.deletes),
            f"home = :home AND attribute_not_exists(erased_at) AND {parts.condition}",
            {**parts.values, ":home": seen.home},
            {**parts.names, "#change": "change"},
        ),
        *change_legs(change, seen.home, seen.key, cause),
        *beside,
    )


def write_bare(table: Table, seen: Identity, change: ConsentChange) -> None:
    """Keep what somebody says who was erased, or is being erased: the state alone.

    Raises as `write` does.
    """
    parts = identity_parts(change)
    _write(
        table,
        Update(
            keys.identity(seen.key),
            expression(parts.sets, parts.removes, parts.adds, parts.deletes),
            f"attribute_exists(PK) AND {parts.condition}",
            parts.values,
            parts.names,
        ),
    )


def mark_bounced(table: Table, address_key: str) -> None:
    """Keep that mail to an address comes back for good. Raises UnavailableError."""
    for attempt in range(_TRIES):
        try:
            return _write(
                table,
                Update(
                    keys.identity(address_key),
                    "SET bounced = :yes REMOVE #change",
                    "attribute_not_exists(erased_at) AND attribute_exists(PK)",
                    {":yes": True},
                    {"#change": "change"},
                ),
            )
        except MovedError as error:
            if not error.conflict:
                return None  # nobody's any more
            sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
    raise UnavailableError("the table stayed busy with this address")


def expression(
    sets: Iterable[str], removes: Iterable[str], adds: Iterable[str], deletes: Iterable[str]
) -> str:
    """An update's expression, of the clauses that have parts."""
    clauses = {"SET": sets, "REMOVE": removes, "ADD": adds, "DELETE": deletes}
    listed = ((verb, ", ".join(parts)) for verb, parts in clauses.items())
    return " ".join(f"{verb} {parts}" for verb, parts in listed if parts)


def _write(table: Table, *legs: Leg) -> None:
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        beside = any(at.sk.startswith(keys.CONSENT_REQUEST) for at in error.failed)
        raise MovedError(conflict=not error.failed, beside=beside) from error

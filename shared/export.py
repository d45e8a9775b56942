"""Everything held about a person, over all contacts they are, as lines of JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from shared.model.entry import Entry
from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import rfc3339
from shared.model.merge import DECISIONS
from shared.store import contacts, conversations, holdings, merging, splitting
from shared.store.bodies import Bodies
from shared.store.table import Table


def export(table: Table, bodies: Bodies, contact_id: str, *, now: datetime) -> Iterator[str]:
    """The lines, each with its `type`: first `export`, then the nouns of shared/model by name.

    Entries have their whole bodies; files and raw mail are named by their keys in the buckets.
    Times are RFC 3339, amounts micro-USD. Raises NotFoundError, GoneError, ConflictError (a split
    is under way), UnavailableError, before the first line or between any two.
    """
    contact = contacts.get_contact(table, contact_id)
    if any(member.moving or member.arriving for member in contact.members):
        raise ConflictError("a split of this contact is under way; try again when it is done")
    members = sorted(contact.root.members)
    yield _line("export", {"contact_id": contact.root.id, "members": members, "at": now})
    for profile in contact.members:
        yield _line("profile", profile)
    for identity in contact.identities:
        yield _line("identity", identity)
        for kind, held in holdings.with_address(table, identity.key):
            yield _line(kind, {"identity": identity.key, **held})
    seen = set(contact.root.open)
    decisions: set[str] = set()
    for member in members:
        for kind, held in holdings.with_contact(table, member):
            if isinstance(held, Entry):
                seen.add(held.conversation_id)
                if held.provider and held.provider.name == DECISIONS:
                    decisions.add(held.provider.id)
                yield _line(kind, bodies.restore(held))
            else:
                yield _line(kind, held)
    yield from _conversations(table, seen - {""}, contact.root.members)
    yield from _decisions(table, decisions)


_READ_AT_ONCE = 100


def _conversations(
    table: Table, conversation_ids: set[str], members: frozenset[str]
) -> Iterator[str]:
    """Their own; where they were somebody else's guest, the entry says so."""
    pending = sorted(conversation_ids)
    for start in range(0, len(pending), _READ_AT_ONCE):
        batch = pending[start : start + _READ_AT_ONCE]
        for conversation in conversations.get_several(table, batch):
            if conversation.home in members:
                yield _line("conversation", conversation)


def _decisions(table: Table, decision_ids: set[str]) -> Iterator[str]:
    for decision_id in sorted(decision_ids):
        try:
            if decision_id.startswith("mrg_"):
                yield _line("merge", merging.get(table, decision_id))
            else:
                yield _line("split", splitting.get(table, decision_id))
        except NotFoundError:
            continue  # the other side was erased, and this went with it


def _line(kind: str, held: Any) -> str:
    return json.dumps({"type": kind, **_plain(held)}, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    match value:
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case set() | frozenset():
            return sorted(_plain(part) for part in value)
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value

"""Erasing (T7): a flag that stops all else, tombstones that stop recording, then the sweep."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.model.contact import Profile
from shared.model.errors import ConflictError
from shared.model.identity import Identity
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.merging import MovedOnError
from shared.store.table import Delete, Put, Table, TransactionRefusedError, Update

_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one stretch of the sweep removed, and what it pointed at elsewhere.

    `object_keys` lie in the content bucket, `raw_keys` in the mail bucket, `conversation_ids`
    are those the entries were part of. `done`: nothing is left in the partition but the profile.
    """

    entries: int = 0
    object_keys: tuple[str, ...] = ()
    raw_keys: tuple[str, ...] = ()
    conversation_ids: frozenset[str] = frozenset()
    done: bool = False


def flag(table: Table, root: Profile, members: Iterable[Profile], at: datetime) -> None:
    """Mark all members at once: merging, undoing, splitting and attaching stop here.

    Raises ConflictError while a split is under way, MovedOnError when the contact has changed.
    """
    profiles = list(members)
    if any(profile.moving or profile.arriving for profile in profiles):
        raise ConflictError("a split of this contact is under way; try again when it is done")
    free = (
        "size(#moving) = :none AND size(arriving) = :none"
        " AND attribute_not_exists(erasing) AND #root = :root"
    )
    legs = []
    for profile in profiles:
        condition, values = free, {":none": 0, ":root": root.id, ":at": keys.timestamp(at)}
        values |= {":one": 1}
        if profile.id == root.id:
            condition += " AND rev = :seen"
            values |= {":seen": root.revision}
        legs.append(
            Update(
                keys.profile(profile.id),
                "SET erasing = :at, rev = rev + :one",
                condition,
                values,
                {"#root": "root", "#moving": "moving"},
            )
        )
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        raise MovedOnError from error


def bury(table: Table, identity: Identity, at: datetime) -> None:
    """Put a tombstone on the address's own key: nothing can be recorded for it any more.

    What it said about being written to stays, or the person would be written to again.
    """
    refused = {key: state for key, state in identity.consent.items() if state == "denied"}
    tombstone: Item = {
        "type": "tombstone",
        "schema": items.SCHEMA,
        "since": keys.timestamp(at),
        "seen": keys.timestamp(at),
        "erased_at": keys.timestamp(at),
        "consent": refused,
        "blocked_senders": identity.blocked_senders,
    }
    try:
        table.write(
            Put(
                keys.identity(identity.key),
                tombstone,
                condition="home = :home",
                values={":home": identity.home},
            )
        )
    except TransactionRefusedError:
        return


def sweep_some(table: Table, contact_id: str) -> Swept:
    """Remove a stretch of everything in a contact's partition but the profile itself."""
    found = table.query(keys.contact(contact_id), between=("", keys.ENTRY + "~"), limit=_AT_ONCE)
    if not found.items:
        return Swept(done=True)
    entries = [items.read_entry(item) for item in found.items if item["type"] == "entry"]
    table.write(*(Delete(keys.Key(item["PK"], item["SK"]), "attribute_exists(PK)") for item in found.items))
    return Swept(
        entries=len(entries),
        object_keys=tuple(
            key
            for entry in entries
            for key in (entry.body_key, *(a.object_key for a in entry.attachments))
            if key
        ),
        raw_keys=tuple(entry.raw_key for entry in entries if entry.raw_key),
        conversation_ids=frozenset(e.conversation_id for e in entries if e.conversation_id),
    )


def forget_conversation(table: Table, conversation_id: str, members: frozenset[str]) -> None:
    """Remove a conversation of the erased person, with its reference and its guests' rows."""
    partition = keys.conversation(conversation_id).pk
    found = table.query(partition, between=("", "~"), limit=_AT_ONCE)
    own = next((item for item in found.items if item["type"] == "conversation"), None)
    if own is None or own["home"] not in members:
        return
    legs = [Delete(keys.Key(item["PK"], item["SK"]), "") for item in found.items]
    table.write(*legs, Delete(keys.reference(own["reference"]), ""))


def certify(table: Table, contact_id: str, certificate: Item) -> None:
    """Leave of the profile only that it was erased: what, when, by whom, how much."""
    table.write(
        Update(
            keys.profile(contact_id),
            "SET certificate = :certificate, addresses_erased = :one"
            " REMOVE #name, locale, time_zone, preferred_channel, assignee, addresses",
            "attribute_exists(erasing)",
            {":certificate": certificate, ":one": 1},
            {"#name": "name"},
        )
    )

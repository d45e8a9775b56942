"""Erasing (T7): a flag that stops all else, tombstones that stop recording, then the sweep.

Whatever an item points at is removed before the item itself, so a sweep that was cut short finds
it again. What is removed is counted on the root's profile in the transaction that removes it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.model.contact import Profile
from shared.model.due import Task, TaskKind
from shared.model.entry import Direction, Entry, ProviderRef
from shared.model.erasure import Certificate
from shared.model.errors import ConflictError
from shared.model.events import Change
from shared.model.ledger import CostLine
from shared.model.merge import DECISIONS
from shared.model.receipt import Receipt
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.copies import of_entries
from shared.store.downloads import html_key
from shared.store.due import copy_leg, task_done_leg, task_leg
from shared.store.keys import Key
from shared.store.ledger import booking_legs, kept_leg, read_line
from shared.store.merging import MovedOnError
from shared.store.table import (
    Delete,
    Leg,
    Put,
    Table,
    TransactionRefusedError,
    Update,
    delete_as_read,
)

# An entry may leave a line, a task and itself: with room to spare below 100 legs.
_AT_ONCE = 25
_DELETED_AT_ONCE = 100
# Who keeps copies of messages that can be deleted there.
_KEEPERS = frozenset({"twilio"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of what lies with a contact, and what it points at elsewhere.

    `object_keys` lie in the content bucket, and perhaps `html_keys` too, which were made of them;
    `raw_keys` in the mail bucket. `copies` are the markers of mails that came more than once, as
    seen. `held`: a message is just being sent, and nobody knows yet what
    its provider will call it. `position` is where the next stretch begins; None: this is the last.
    """

    found: Sequence[Item]
    entries: Sequence[Entry]
    receipts: Sequence[Receipt]
    lines: Sequence[CostLine]
    copies: Sequence[Item]
    object_keys: Sequence[str]
    html_keys: Sequence[str]
    raw_keys: Sequence[str]
    held: bool
    position: str | None


def task_of(root_id: str) -> Task:
    """The task that brings an erasure to its end."""
    return Task(kind=TaskKind.ERASURE, home=keys.ERASED, id=root_id)


# ---- (1) the flag


def flag(table: Table, root: Profile, members: Iterable[Profile], *, by: str, at: datetime) -> None:
    """Mark all members at once: merging, undoing, splitting and attaching stop here.

    Raises ConflictError while a split is under way, MovedOnError when the contact has changed.
    """
    profiles = list(members)
    if any(profile.moving or profile.arriving for profile in profiles):
        raise ConflictError("a split of this contact is under way; try again when it is done")
    legs: list[Leg] = [task_leg(task_of(root.id), at)]
    for profile in profiles:
        condition = (
            "size(#moving) = :none AND size(arriving) = :none"
            " AND attribute_not_exists(erasing) AND #root = :root"
        )
        values = {
            ":none": 0,
            ":root": root.id,
            ":at": keys.timestamp(at),
            ":by": by,
            ":one": 1,
        }
        if profile.id == root.id:
            condition += " AND rev = :seen"
            values[":seen"] = root.revision
        legs.append(
            Update(
                keys.profile(profile.id),
                "SET erasing = :at, erasing_by = :by, rev = rev + :one REMOVE #change",
                condition,
                values,
                {"#root": "root", "#moving": "moving", "#change": "change"},
            )
        )
    _write_as_seen(table, *legs)


# ---- (2) the tombstones


def bury(table: Table, root: Profile, address_key: str, at: datetime) -> None:
    """Put a tombstone on the address's own key: nothing can be recorded for it any more.

    Where they do not want to be written to stays on it, or they would be written to again. An
    address that came back to life since is let be. Raises MovedOnError when it changed meanwhile.
    """
    key = keys.identity(address_key)
    seen = table.get(key)
    if seen is not None and "erased_at" not in seen:
        if seen["home"] not in root.members:
            return
        consent, blocked = seen.get("consent", {}), seen.get("blocked_senders", frozenset())
        condition, values = (
            "home = :home AND consent = :consent",
            {
                ":home": seen["home"],
                ":consent": consent,
            },
        )
        if blocked:
            condition += " AND blocked_senders = :blocked"
            values[":blocked"] = blocked
        else:
            condition += " AND attribute_not_exists(blocked_senders)"
        tombstone: Item = {
            "type": "tombstone",
            "schema": items.SCHEMA,
            "since": keys.timestamp(at),
            "seen": keys.timestamp(at),
            "erased_at": keys.timestamp(at),
            "consent": {what: state for what, state in consent.items() if state != "granted"},
            "consent_at": seen.get("consent_at"),
            "bounced": seen.get("bounced"),
            "blocked_senders": blocked,
        }
        _write_as_seen(
            table,
            Put(key, tombstone, condition=condition, values=values),
            _count_leg(root.id, addresses=1),
        )
    _forget_suggestions(table, address_key)
    _delete_others(table, key)


def _forget_suggestions(table: Table, address_key: str) -> None:
    """Remove what was suggested about an address, and what of it stands with the other."""
    found = table.query(
        keys.identity(address_key).pk,
        between=(keys.SUGGESTED, keys.SUGGESTED + keys.HIGHEST),
        limit=_DELETED_AT_ONCE,
    )
    for pointer in found.items:
        suggestion_id = pointer["SK"].removeprefix(keys.SUGGESTED)
        pair = keys.pair(suggestion_id)
        suggestion = table.get(pair) or {"pair": (), "homes": {}}
        others = {*suggestion["pair"]} - {address_key}
        for other in others:
            _withdraw_candidate(table, other, suggestion["homes"].get(address_key, ""))
        _delete(table, [*(keys.suggested(other, suggestion_id) for other in others), pair])
        _delete(table, [Key(pointer["PK"], pointer["SK"])])
    if found.last_key:
        _forget_suggestions(table, address_key)


def _withdraw_candidate(table: Table, address_key: str, contact_id: str) -> None:
    """An address that several people use may not concern this contact any more."""
    key = keys.identity(address_key)
    if contact_id in (table.get(key) or {}).get("candidates", ()):
        _write_as_seen(
            table,
            Update(
                key,
                "DELETE candidates :gone REMOVE #change",
                "attribute_exists(candidates)",
                {":gone": frozenset({contact_id})},
                {"#change": "change"},
            ),
        )


# ---- (3) the sweep


def look(table: Table, contact_id: str, position: str | None, now: datetime) -> Stretch:
    """The next stretch of everything that lies with a contact, but the profile itself."""
    found = table.query(
        keys.contact(contact_id),
        between=(keys.LOWEST, keys.ENTRY + keys.HIGHEST),
        limit=_AT_ONCE,
        ascending=True,
        after=position,
    )
    entries = [items.read_entry(item) for item in found.items if item["type"] == "entry"]
    receipts = [items.read_receipt(item) for item in found.items if item["type"] == "receipt"]
    copies = of_entries(table, found.items)
    return Stretch(
        found=found.items,
        entries=entries,
        receipts=receipts,
        lines=[
            line
            for item in found.items
            if item["type"] in ("entry", "cost_line") and (line := read_line(item))
        ],
        object_keys=[
            key
            for entry in entries
            for key in (entry.body_key, *(a.object_key for a in entry.attachments))
            if key
        ]
        + [key for copy in copies for key in sorted(copy.get("object_keys", ()))],
        html_keys=[html_key(entry.id) for entry in entries if entry.html or entry.body_key],
        raw_keys=[entry.raw_key for entry in entries if entry.raw_key]
        + [key for copy in copies for key in sorted(copy.get("raw_keys", ()))],
        copies=copies,
        held=any(receipt.is_held(now) for receipt in receipts),
        position=found.last_key["SK"] if found.last_key else None,
    )


def forget_pointers(table: Table, stretch: Stretch) -> None:
    """Remove the markers, pointers and threads that lead to these messages.

    Raises MovedOnError when one of these mails has come once more.
    """
    for copy in stretch.copies:
        others = [Key(pk, "DELIVERY") for pk in sorted(copy.get("deliveries", ()))]
        _delete(table, others)
        _write_as_seen(table, delete_as_read(copy))
    markers = [Key(item["marker"], "DELIVERY") for item in stretch.found if "marker" in item]
    markers += [
        keys.delivery(entry.provider.name, entry.provider.id)
        for entry in stretch.entries
        if entry.provider and entry.direction is Direction.INBOUND
    ]
    for receipt in stretch.receipts:
        if receipt.provider_id:
            markers.append(keys.delivery(receipt.provider, receipt.provider_id))
        # Chat's pointer stands under our own id, and before there was an answer.
        markers.append(keys.delivery(receipt.channel, receipt.key.entry_id))
    threads = {
        keys.thread(entry.message_id): entry.conversation_id
        for entry in stretch.entries
        if entry.message_id
    }
    for pointer in _get_all(table, markers):
        threads |= {
            keys.thread(message_id): pointer["conversation"]
            for message_id in pointer.get("message_ids", ())
        }
    ours = [
        Key(item["PK"], item["SK"])
        for item in _get_all(table, threads)
        if item["conversation"] == threads[Key(item["PK"], item["SK"])]
    ]
    # The pointers last: they name the threads.
    _delete(table, ours)
    _delete(table, markers)


def forget_decisions(table: Table, root: Profile, stretch: Stretch) -> None:
    """Remove the merges and splits that these entries tell of, with the twins they made."""
    for entry in stretch.entries:
        if entry.provider is None or entry.provider.name != DECISIONS:
            continue
        kind = keys.merge if entry.provider.id.startswith("mrg_") else keys.split
        record = table.get(kind(entry.provider.id))
        if record is None:
            continue
        for twin in record.get("twins", ()):
            forget_conversation(table, root, twin)
        _delete(table, [kind(entry.provider.id)])


def forget_conversation(table: Table, root: Profile, conversation_id: str) -> bool:
    """Remove a conversation of the erased person, with its reference and its guests' rows.

    False: it is somebody else's. Raises MovedOnError when it has changed meanwhile.
    """
    key = keys.conversation(conversation_id)
    seen = table.get(key)
    if seen is not None:
        if seen["home"] not in root.members:
            return False
        _write_as_seen(
            table,
            Delete(key, "home = :home", {":home": seen["home"]}),
            Delete(keys.reference(seen["reference"]), ""),
            _count_leg(root.id, closes=conversation_id, conversations=1),
        )
    # No guest is added to a conversation that is not there.
    _delete_others(table, key)
    return True


def withdraw(table: Table, conversation_id: str, entries: Iterable[Entry]) -> None:
    """Take the erased person out of somebody else's conversation.

    Raises MovedOnError when it has changed meanwhile.
    """
    written = [entry for entry in entries if entry.conversation_id == conversation_id]
    legs: list[Leg] = [
        Delete(keys.guest(conversation_id, entry.occurred_at, entry.id), "") for entry in written
    ]
    key = keys.conversation(conversation_id)
    seen = table.get(key) or {}
    gone = {entry.address_key for entry in written}
    parts, last_in = sorted(gone & seen.get("parts", {}).keys()), seen.get("last_in")
    names = {f"#gone{number}": address for number, address in enumerate(parts)}
    removes = [f"#parts.{name}" for name in names]
    condition, values = "attribute_exists(PK)", {}
    if last_in and last_in["address"] in gone:
        removes.append("last_in")
        condition, values = "last_in = :last_in", {":last_in": last_in}
    if removes:
        names |= {"#change": "change"} | ({"#parts": "parts"} if parts else {})
        expression = f"REMOVE {', '.join([*removes, '#change'])}"
        legs.append(Update(key, expression, condition, values, names))
    _write_as_seen(table, *legs)


def remove(
    table: Table,
    root: Profile,
    stretch: Stretch,
    *,
    kept: Iterable[CostLine],
    voided: Iterable[CostLine],
    now: datetime,
) -> None:
    """Remove a stretch that nothing depends on any more.

    What it cost is kept as `kept` has it, and what is not owed any more is `voided`. Raises
    MovedOnError when part of it has changed: look at it again.
    """
    if not stretch.found:
        return
    copies = _copies(stretch)
    legs: list[Leg] = [delete_as_read(item) for item in stretch.found]
    legs += [kept_leg(line) for line in kept]
    legs += [leg for line in voided for leg in booking_legs(line)]
    legs += [copy_leg(copy, now) for copy in copies]
    legs.append(
        _count_leg(
            root.id,
            entries=len(stretch.entries),
            objects=len(stretch.object_keys) + len(stretch.raw_keys),
            copies=len(copies),
        )
    )
    _write_as_seen(table, *legs)


# ---- the end


def certify(table: Table, root: Profile, certificate: Certificate, change: Change) -> None:
    """Leave of the profiles only that they were erased: whose ids, when, by whom, how much.

    `certificate` is finished. Raises MovedOnError when somebody else was faster.
    """
    at, finished_at = certificate.requested_at, certificate.finished_at
    legs: list[Leg] = [task_done_leg(task_of(root.id))]
    for member in certificate.members:
        is_root = member == root.id
        bare = Profile(
            id=member,
            root=root.id,
            first_seen_at=at,
            members=root.members if is_root else frozenset(),
            edges=root.edges if is_root else (),
            revision=root.revision + 1,
            erasing=at,
        )
        item = items.profile_item(bare)
        item["erased_at"] = items.stored_time(finished_at)
        if is_root:
            item |= {
                "erasing_by": certificate.by,
                "erased_addresses": certificate.addresses,
                "erased_conversations": certificate.conversations,
                "erased_entries": certificate.entries,
                "erased_objects": certificate.objects,
                "erased_copies": certificate.provider_copies,
                "revision": bare.revision,
                "change": items.stored_change(change),
            }
        legs.append(
            Put(
                keys.profile(member),
                item,
                condition="erasing = :at AND attribute_not_exists(erased_at)",
                values={":at": keys.timestamp(at)},
            )
        )
    _write_as_seen(table, *legs)


# ---- parts


def _count_leg(root_id: str, *, closes: str = "", **gone: int) -> Update:
    """Count what a transaction removes."""
    counts = {name: number for name, number in gone.items() if number}
    adds = ", ".join(f"erased_{name} :{name}" for name in counts)
    expression = (f"ADD {adds} " if adds else "") + "REMOVE #change"
    names = {"#change": "change"}
    if closes:
        expression += ", #open.#v"
        names |= {"#open": "open", "#v": closes}
    return Update(
        keys.profile(root_id),
        expression,
        "attribute_exists(erasing) AND attribute_not_exists(erased_at)",
        {f":{name}": number for name, number in counts.items()},
        names,
    )


def _copies(stretch: Stretch) -> list[ProviderRef]:
    """The messages whose providers keep copies, under the providers' own ids."""
    kept = {
        (entry.provider.name, entry.provider.id)
        for entry in stretch.entries
        if entry.provider and entry.direction is Direction.INBOUND
    }
    kept |= {(receipt.provider, receipt.provider_id) for receipt in stretch.receipts}
    return [
        ProviderRef(provider, provider_id)
        for provider, provider_id in sorted(kept)
        if provider in _KEEPERS and provider_id
    ]


def _get_all(table: Table, wanted: Iterable[Key]) -> list[Item]:
    pending = list(dict.fromkeys(wanted))
    found: list[Item] = []
    for start in range(0, len(pending), 100):
        found += table.get_many(pending[start : start + 100]).values()
    return found


def _delete_others(table: Table, key: Key) -> None:
    """Remove everything that lies beside an item."""
    while True:
        found = table.query(key.pk, between=(keys.LOWEST, keys.HIGHEST), limit=_DELETED_AT_ONCE)
        others = [Key(item["PK"], item["SK"]) for item in found.items if item["SK"] != key.sk]
        _delete(table, others)
        if found.last_key is None:
            return


def _delete(table: Table, unwanted: Iterable[Key]) -> None:
    """Remove these items, whatever they are; what is gone already does no harm."""
    pending = list(dict.fromkeys(unwanted))
    for start in range(0, len(pending), _DELETED_AT_ONCE):
        batch = pending[start : start + _DELETED_AT_ONCE]
        _write_as_seen(table, *(Delete(key, "") for key in batch))


def _write_as_seen(table: Table, *legs: Leg) -> None:
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        raise MovedOnError from error

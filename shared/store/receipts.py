"""Receipts, the small items beside outbound entries: reading them, and moving them on.

Every move is one write that holds only if the receipt is still as it was read. The rules decide on
what was read (rules/receipts.py); a refused write brings what is there instead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.due import Due
from shared.model.entry import Entry
from shared.model.errors import NotFoundError, UnavailableError
from shared.model.events import Change
from shared.model.identity import Identity, IdentityKind
from shared.model.ledger import CostLine
from shared.model.receipt import Receipt, ReceiptKey
from shared.store import contacts, items, keys
from shared.store.attributes import Item, to_wire
from shared.store.due import delete_leg, due_key, put_leg, read_due
from shared.store.ledger import booking_legs
from shared.store.moved import find_home
from shared.store.pointers import place_of, pointer_item, read_marked_entry, thread_leg
from shared.store.table import MOST_READ, Leg, Put, Table, TransactionRefusedError, Update

_BY_NUMBER = (IdentityKind.PHONE, IdentityKind.WHATSAPP)  # one account may be known by both


class OvertakenError(Exception):
    """Somebody else moved the receipt first; `receipt` is what it is now."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__("the receipt has moved since it was read")
        self.receipt = receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One outbound message as it lies in the table, with its due item, if it has one."""

    entry: Entry
    receipt: Receipt
    due: Due | None


# ---- reading


def get(table: Table, key: ReceiptKey) -> tuple[Entry, Receipt]:
    """The entry and the receipt of one message, in one read. Raises NotFoundError."""
    outbound = get_outbound(table, key)
    return outbound.entry, outbound.receipt


def get_outbound(table: Table, key: ReceiptKey) -> Outbound:
    """One message with all that is needed to decide its turn, in one strong read.

    A split may have moved it: then it is found at its new home. Raises NotFoundError.
    """
    entry_at, receipt_at = keys.entry(key.home, key.at, key.entry_id), keys.receipt(key)
    due_at = due_key(key)
    found = table.get_many((entry_at, receipt_at, due_at))
    if entry_at not in found or receipt_at not in found:
        if home := find_home(table, key.home, key.at, key.entry_id):
            return get_outbound(table, replace(key, home=home))
        raise NotFoundError("no such message")
    return Outbound(
        entry=items.read_entry(found[entry_at]),
        receipt=items.read_receipt(found[receipt_at]),
        due=read_due(found[due_at]) if due_at in found else None,
    )


def get_receipt(table: Table, key: ReceiptKey) -> Receipt | None:
    """One receipt, wherever a split has moved it, or None."""
    item = table.get(keys.receipt(key))
    if item is None and (home := find_home(table, key.home, key.at, key.entry_id)):
        item = table.get(keys.receipt(replace(key, home=home)))
    return items.read_receipt(item) if item else None


def find(table: Table, provider: str, provider_id: str) -> ReceiptKey | None:
    """The receipt of the message that a provider knows under this id, or None."""
    item = table.get(keys.delivery(provider, provider_id))
    if item is None:
        return None
    marked = read_marked_entry(item)
    return ReceiptKey(home=marked.home, at=marked.at, entry_id=marked.entry_id)


def find_many(table: Table, provider: str, provider_ids: Iterable[str]) -> dict[str, ReceiptKey]:
    """Where the messages lie that a provider knows under these ids, of those that are known."""
    ids = {keys.delivery(provider, provider_id): provider_id for provider_id in provider_ids}
    wanted, found = list(ids), dict[str, ReceiptKey]()
    for start in range(0, len(wanted), MOST_READ):
        for key, item in table.get_many(wanted[start : start + MOST_READ]).items():
            marked = read_marked_entry(item)
            found[ids[key]] = ReceiptKey(home=marked.home, at=marked.at, entry_id=marked.entry_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Whom a message goes to and what it belongs to.

    `others` are the addresses of the same contact that may speak for the one it goes to.
    """

    identity: Identity | None
    conversation: Conversation | None
    others: tuple[Identity, ...]


def get_parties(table: Table, entry: Entry) -> Parties:
    """The parties as they are now: one strong read, more where the contact has such addresses."""
    identity_at = keys.identity(entry.address_key)
    conversation_at = keys.conversation(entry.conversation_id)
    home_at = keys.profile(entry.home)
    found = table.get_many((identity_at, conversation_at, home_at))
    identity, conversation = found.get(identity_at), found.get(conversation_at)
    home = items.read_profile(found[home_at]) if home_at in found else None
    return Parties(
        identity=items.read_identity(identity) if identity else None,
        conversation=items.read_conversation(conversation) if conversation else None,
        others=_others(table, home, entry.address_key) if home else (),
    )


def _others(table: Table, home: Profile, address_key: str) -> tuple[Identity, ...]:
    if home.members - {home.id} or not home.is_root:
        whole = contacts.get_contact_or_remains(table, home.id).identities
        return tuple(each for each in whole if each.key != address_key)
    kind = keys.kind_of(address_key)
    kinds = _BY_NUMBER if kind in _BY_NUMBER else (kind,)
    wanted = {key for key in home.addresses if keys.kind_of(key) in kinds} - {address_key}
    return tuple(contacts.get_identities(table, sorted(wanted)).values()) if wanted else ()


# ---- moving on


def save(
    table: Table,
    before: Receipt,
    after: Receipt,
    *,
    change: Change | None = None,
    woken_by: Due | None = None,
    wake_at: Due | None = None,
    booking: CostLine | None = None,
) -> Receipt:
    """Write what became of a receipt; returns it with its new revision.

    In the same transaction the due item `woken_by` is removed, `wake_at` is set and `booking` is
    booked. Raises OvertakenError, NotFoundError, and UnavailableError when the table is down or
    stays busy.
    """
    after = replace(after, revision=before.revision + 1)
    legs: list[Leg] = [_move_leg(before, after, change)]
    if wake_at:
        legs.append(put_leg(wake_at, woken_by))
    elif woken_by:
        legs.append(delete_leg(woken_by))
    if booking:
        legs += booking_legs(booking)
    try:
        table.write_when_free(*legs)
    except TransactionRefusedError as error:
        at = keys.receipt(before.key)
        if at not in error.failed:
            raise UnavailableError("what belongs to the receipt has changed") from error
        item = error.failed[at]
        there = items.read_receipt(item) if item else get_receipt(table, before.key)
        if there is None:
            raise NotFoundError("no such receipt") from error
        raise OvertakenError(there) from error
    return after


def clear(table: Table, due: Due) -> None:
    """Remove a due item that has nothing left to do, unless it was set anew meanwhile."""
    _write_unless_changed(table, delete_leg(due))


def postpone(table: Table, due: Due, wake_at: Due) -> None:
    """Look at it again later, unless somebody else has dealt with it meanwhile."""
    _write_unless_changed(table, put_leg(wake_at, due))


def point(
    table: Table,
    entry: Entry,
    provider: str,
    provider_id: str,
    *,
    message_ids: Sequence[str] = (),
    conversation_home: str = "",
) -> None:
    """Let a provider's own id lead to the message, and the mail ids it gave to its conversation.

    Writing it again is harmless.
    """
    pointer = _pointer(entry) | {"message_ids": list(message_ids)}
    threads = (
        thread_leg(message_id, entry.conversation_id, conversation_home)
        for message_id in message_ids
    )
    table.write_when_free(
        Put(keys.delivery(provider, provider_id), pointer, condition=""), *threads
    )


def bind(table: Table, entry: Entry, provider: str, provider_id: str) -> bool:
    """Let a provider's own id lead to the message, unless it leads to another: then False."""
    pointer = _pointer(entry)
    free = "attribute_not_exists(PK) OR #entry = :entry"
    values, names = {":entry": pointer["entry"]}, {"#entry": "entry"}
    try:
        table.write_when_free(
            Put(keys.delivery(provider, provider_id), pointer, free, values, names)
        )
    except TransactionRefusedError:
        return False
    return True


def _pointer(entry: Entry) -> Item:
    return pointer_item(place_of(entry), address_key=entry.address_key)


def _move_leg(before: Receipt, after: Receipt, change: Change | None) -> Update:
    """Only what differs is written. The change of an earlier move is not announced again."""
    was, becomes = items.receipt_item(before), items.receipt_item(after, change)
    kept_before, kept_after = to_wire(was), to_wire(becomes)
    sets = [name for name, value in kept_after.items() if value != kept_before.get(name)]
    removes = [name for name in kept_before if name not in kept_after]
    if change is None:
        removes.append("change")
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in sets)
    expression += " REMOVE " + ", ".join(f"#{name}" for name in removes) if removes else ""
    return Update(
        keys.receipt(before.key),
        expression,
        "revision = :seen",
        {f":{name}": becomes[name] for name in sets} | {":seen": before.revision},
        {f"#{name}": name for name in (*sets, *removes)},
    )


def _write_unless_changed(table: Table, leg: Leg) -> None:
    try:
        table.write_when_free(leg)
    except TransactionRefusedError:
        return

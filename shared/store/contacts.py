"""Contacts: profiles, and the identities homed at them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.contact import Profile
from shared.model.conversation import Conversation
from shared.model.errors import ConflictError, GoneError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.store import items, keys
from shared.store.table import Delete, Put, Table, TransactionRefusedError, Update

# More addresses than this are no person; the transaction that adds one holds it.
ADDRESS_CAP = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One customer as the agent sees them: the root's profile, and all that is joined to it."""

    root: Profile
    members: tuple[Profile, ...]
    identities: tuple[Identity, ...]
    conversations: tuple[Conversation, ...]


def get_profile(table: Table, contact_id: str) -> Profile:
    """The profile of exactly this id. Raises NotFoundError."""
    item = table.get(keys.profile(contact_id))
    if item is None:
        raise NotFoundError("no such contact")
    return items.read_profile(item)


def get_identity(table: Table, address: Address) -> Identity | None:
    """What is kept about an address, or None."""
    return get_identity_by_key(table, table.address_key(address))


def get_identity_by_key(table: Table, key: str) -> Identity | None:
    """What is kept about the address that a key stands for, or None."""
    item = table.get(keys.identity(key))
    return items.read_identity(item) if item else None


def get_identities(table: Table, wanted: Iterable[str]) -> dict[str, Identity]:
    """What is kept about up to 100 addresses, by their keys: one read."""
    found = table.get_many(keys.identity(key) for key in wanted)
    identities = (items.read_identity(item) for item in found.values())
    return {identity.key: identity for identity in identities}


def get_claim(table: Table, home: str, key: str) -> Address | None:
    """The address of this key that somebody at this contact typed, or that it had no room for."""
    item = table.get(keys.claim(home, key))
    return items.read_address(item) if item else None


def held(profile: Profile) -> Counter[IdentityKind]:
    """How many addresses of each kind are homed at a contact."""
    return Counter(keys.kind_of(key) for key in profile.addresses)


def get_contact(table: Table, contact_id: str) -> Contact:
    """The contact that this id belongs to now, whole: three reads.

    Raises NotFoundError, and GoneError for one who was erased.
    """
    contact = get_contact_or_remains(table, contact_id)
    if contact.root.certificate:
        raise GoneError(contact.root.certificate)
    return contact


def get_contact_or_remains(table: Table, contact_id: str) -> Contact:
    """As `get_contact`, of one who is being erased what is there still. Raises NotFoundError."""
    asked = get_profile(table, contact_id)
    wanted = asked.members | {asked.root} if asked.is_root else frozenset({asked.root})
    profiles = _profiles(table, wanted - {asked.id})
    root = asked if asked.is_root else profiles[asked.root]
    profiles |= _profiles(table, root.members - profiles.keys() - {asked.id})
    profiles[asked.id] = asked
    members = tuple(profiles[member] for member in sorted(root.members))
    identity_keys = [key for member in members for key in sorted(member.addresses)]
    found = table.get_many(
        [keys.identity(key) for key in identity_keys]
        + [keys.conversation(conversation_id) for conversation_id in sorted(root.open)]
    )
    identities = (found.get(keys.identity(key)) for key in identity_keys)
    conversations = (found.get(keys.conversation(v)) for v in sorted(root.open, reverse=True))
    return Contact(
        root=root,
        members=members,
        identities=tuple(items.read_identity(item) for item in identities if item),
        conversations=tuple(items.read_conversation(item) for item in conversations if item),
    )


def _profiles(table: Table, contact_ids: Iterable[str]) -> dict[str, Profile]:
    found = table.get_many(keys.profile(contact_id) for contact_id in contact_ids)
    profiles = (items.read_profile(item) for item in found.values())
    return {profile.id: profile for profile in profiles}


def attach(table: Table, root: Profile, identity: Identity, change: Change) -> None:
    """Add a new address to a contact.

    Raises ConflictError when the contact is full, being erased or was merged meanwhile, or the
    address has come to belong to somebody.
    """
    item = items.identity_item(identity) | {"change": items.stored_change(change)}
    try:
        table.write_when_free(
            Put(keys.identity(identity.key), item),
            Update(
                keys.profile(root.id),
                "ADD addresses :added",
                "#root = :root AND attribute_not_exists(erasing)"
                " AND (attribute_not_exists(addresses) OR size(addresses) < :cap)",
                {":added": frozenset({identity.key}), ":root": root.id, ":cap": ADDRESS_CAP},
                {"#root": "root"},
            ),
        )
    except TransactionRefusedError as error:
        if keys.identity(identity.key) in error.failed:
            raise ConflictError("this address already belongs to somebody") from error
        raise ConflictError("this contact is full, erased or was just merged") from error


def mark_shared(table: Table, identity: Identity, candidate: str) -> None:
    """Record that several people use an address, `candidate` being one of their contacts.

    Raises ConflictError when it has moved meanwhile.
    """
    _amend_identity(
        table,
        identity,
        "SET #shared = :yes REMOVE #change ADD candidates :candidate",
        {":yes": True, ":candidate": frozenset({candidate})},
        {"#shared": "shared", "#change": "change"},
    )


def set_shared(table: Table, identity: Identity, shared: bool) -> None:
    """Record that several people use an address, or that one does, whoever it may have concerned.

    Raises ConflictError when it has moved meanwhile.
    """
    expression = "SET #shared = :yes REMOVE" if shared else "REMOVE #shared, candidates,"
    values = {":yes": True} if shared else {}
    names = {"#shared": "shared", "#change": "change"}
    _amend_identity(table, identity, f"{expression} #change", values, names)


def withdraw(table: Table, identity: Identity) -> None:
    """Take an address from its contact, which nothing ever went through.

    Raises ConflictError when something has since, or it moves to another contact.
    """
    try:
        table.write_when_free(
            Delete(
                keys.identity(identity.key),
                "home = :home AND n = :none AND attribute_not_exists(erased_at)"
                " AND attribute_not_exists(consent_at) AND size(consent) = :none"
                " AND attribute_not_exists(blocked_senders)",
                {":home": identity.home, ":none": 0},
            ),
            Update(
                keys.profile(identity.home),
                "DELETE addresses :gone",
                "contains(addresses, :key) AND attribute_not_exists(erasing)"
                " AND attribute_not_exists(arriving.#key)",
                {":gone": frozenset({identity.key}), ":key": identity.key},
                {"#key": identity.key},
            ),
        )
    except TransactionRefusedError as error:
        raise ConflictError("this address was just used or moved; split it off instead") from error


def remember_root(table: Table, identity: Identity, root: str) -> None:
    """Spare the address's next message a look-up. Raises ConflictError when it has moved."""
    _amend_identity(
        table,
        identity,
        "SET #root = :root REMOVE #change",
        {":root": root},
        {"#root": "root", "#change": "change"},
    )


def raise_trust(table: Table, identity: Identity, trust: Trust, evidence: str) -> None:
    """Record better proof for an address. Raises ConflictError when it has moved meanwhile."""
    _amend_identity(
        table,
        identity,
        "SET trust = :trust, evidence = :evidence REMOVE #change",
        {":trust": str(trust), ":evidence": evidence},
        {"#change": "change"},
    )


def _amend_identity(
    table: Table,
    seen: Identity,
    expression: str,
    values: Mapping[str, Any],
    names: Mapping[str, str],
) -> None:
    update = Update(
        keys.identity(seen.key),
        expression,
        "home = :home AND attribute_not_exists(erased_at)",
        {**values, ":home": seen.home},
        names,
    )
    try:
        table.write_when_free(update)
    except TransactionRefusedError as error:
        raise ConflictError("this address has just moved to another contact") from error


def patch_profile(table: Table, root: Profile, fields: Mapping[str, str]) -> Profile:
    """Set name, locale, time_zone, preferred_channel or assignee; "" removes one.

    Raises ConflictError when the contact was merged or erased meanwhile.
    """
    names = {f"#{name}": name for name in fields} | {"#root": "root"}
    sets = [f"#{name} = :{name}" for name, value in fields.items() if value]
    removes = [f"#{name}" for name, value in fields.items() if not value]
    expression = f"SET {', '.join(sets)}" if sets else ""
    expression += f" REMOVE {', '.join(removes)}" if removes else ""
    try:
        table.write_when_free(
            Update(
                keys.profile(root.id),
                expression.strip(),
                "#root = :root AND attribute_not_exists(erasing)",
                {f":{name}": value for name, value in fields.items() if value} | {":root": root.id},
                names,
            )
        )
    except TransactionRefusedError as error:
        raise ConflictError("this contact was just merged or erased") from error
    return get_profile(table, root.id)

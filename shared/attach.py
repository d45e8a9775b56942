"""What agents say of a contact's addresses: that one is theirs, is not, or is others' too."""

from datetime import datetime

from shared.model.errors import ConflictError, NotFoundError
from shared.model.events import Change
from shared.model.identity import Address, Identity, Trust
from shared.rules.ordering import to_milliseconds
from shared.store import contacts
from shared.store.contacts import Contact
from shared.store.table import Table


def attach(table: Table, contact_id: str, address: Address, *, now: datetime, by: str) -> Contact:
    """The contact with the address, asserted unless it was better proven; repeating is harmless.

    Raises NotFoundError, ConflictError (the address is another contact's or erased; the contact is
    full, being erased or was just merged), UnavailableError.
    """
    contact = contacts.get_contact(table, contact_id)
    known = contacts.get_identity(table, address)
    evidence = f"agent:{by}"
    if known is None:
        identity = Identity(
            key=table.address_key(address),
            address=address,
            home=contact.root.id,
            root=contact.root.id,
            trust=Trust.ASSERTED,
            evidence=evidence,
            since=to_milliseconds(now),
            seen=to_milliseconds(now),
        )
        change = Change(
            events=("IdentityLinked",), cause=evidence, correlation=contact.root.id, by=by
        )
        contacts.attach(table, contact.root, identity, change)
    elif known.erased_at:
        raise ConflictError("this address was erased; it comes back when they write from it")
    elif known.home not in contact.root.members:
        raise ConflictError("this address belongs to another contact")
    elif known.trust.rank < Trust.ASSERTED.rank:
        contacts.raise_trust(table, known, Trust.ASSERTED, evidence)
    else:
        return contact
    return contacts.get_contact(table, contact_id)


def share(table: Table, contact_id: str, address: Address, *, shared: bool) -> Contact:
    """The contact, one of whose addresses several people use, or do not; repeating is harmless.

    Raises NotFoundError (no such contact, or address of theirs), GoneError, ConflictError (it has
    just moved), UnavailableError.
    """
    contact, identity = _of(table, contact_id, address)
    if identity.shared is shared:
        return contact
    contacts.set_shared(table, identity, shared)
    return contacts.get_contact(table, contact_id)


def withdraw(table: Table, contact_id: str, address: Address) -> Contact:
    """The contact without an address through which nothing ever went.

    Raises as `share` does, and ConflictError where something went through it or was allowed.
    """
    _, identity = _of(table, contact_id, address)
    if identity.messages:
        raise ConflictError("messages went through this address; split it off instead")
    if identity.consent_at or identity.consent or identity.blocked_senders:
        raise ConflictError("this address has a consent on record; split it off instead")
    contacts.withdraw(table, identity)
    return contacts.get_contact(table, contact_id)


def _of(table: Table, contact_id: str, address: Address) -> tuple[Contact, Identity]:
    contact = contacts.get_contact(table, contact_id)
    key = table.address_key(address)
    for identity in contact.identities:
        if identity.key == key and not identity.erased_at:
            return contact, identity
    raise NotFoundError("this contact has no such address")

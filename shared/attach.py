"""Put down, on an agent's word, that an address is a contact's."""

from datetime import datetime

from shared.model.errors import ConflictError
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

"""Contacts: looking one up, changing what is kept of them, and whose addresses are whose."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes, shaping
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared import attach
from shared.model.errors import GoneError, InvalidRequestError
from shared.model.identity import Address, IdentityKind
from shared.rules.addresses import parse_address
from shared.store import contacts

if TYPE_CHECKING:
    from functions.timeline_api.bodies import AddressIn, ContactPatch, IdentityPatch


def find(request: Request, hub: Hub) -> shapes.ContactPage:
    """Look a contact up by any address.

    An address that is nobody's, or of somebody who was erased, gives an empty list.
    """
    kind, _, value = request.query.literal("identity").partition(":")
    address = _address(kind, value, hub, "identity")
    identity = contacts.get_identity(hub.table, address)
    if identity is None or identity.erased_at:
        return {"items": [], "next_cursor": None}
    try:
        found = contacts.get_contact(hub.table, identity.home)
    except GoneError:
        return {"items": [], "next_cursor": None}
    return {"items": [shaping.contact(found)], "next_cursor": None}


def get(request: Request, hub: Hub) -> shapes.Contact:
    """Read a contact: profile, addresses, open conversations, cost.

    The id of a contact that was merged away answers with the one it belongs to now.
    """
    return shaping.contact(contacts.get_contact(hub.table, request.id), asked=request.id)


def patch(request: Request, hub: Hub, body: "ContactPatch") -> shapes.Contact:
    """Change what is kept about a contact."""
    found = contacts.get_contact(hub.table, request.id)
    fields = {name: getattr(body, name) or "" for name in body.model_fields_set}
    if fields:
        contacts.patch_profile(hub.table, found.root, fields)
        found = contacts.get_contact(hub.table, request.id)
    return shaping.contact(found, asked=request.id)


def assert_identity(request: Request, hub: Hub, body: "AddressIn") -> shapes.Contact:
    """Put down, on your word, that an address is this contact's.

    It is `asserted` from now on, unless it was proven already. Repeating it is harmless; an address
    of another contact is a conflict.
    """
    address = parse_address(body.kind, body.value, hub.default_region)
    found = attach.attach(hub.table, request.id, address, now=hub.now, by=request.agent.id)
    return shaping.contact(found, asked=request.id)


def patch_identity(request: Request, hub: Hub, body: "IdentityPatch") -> shapes.Contact:
    """Say that several people use an address of this contact, or that it is theirs alone.

    Where several use it, its messages stay where they are, and nothing they prove joins anybody.
    """
    address = _address(request.parts["kind"], request.parts["value"], hub, "value")
    found = attach.share(hub.table, request.id, address, shared=body.shared)
    return shaping.contact(found, asked=request.id)


def withdraw_identity(request: Request, hub: Hub) -> shapes.Contact:
    """Take back that an address is this contact's; who writes from it next is somebody new.

    An address that messages went through, or that somebody allowed or denied something for, is a
    conflict: split it off, and its history goes with it.
    """
    address = _address(request.parts["kind"], request.parts["value"], hub, "value")
    return shaping.contact(attach.withdraw(hub.table, request.id, address), asked=request.id)


def _address(kind: str, value: str, hub: Hub, field: str) -> Address:
    if kind not in list(IdentityKind) or not value:
        raise InvalidRequestError(
            f"write it as kind and value, with one of {', '.join(IdentityKind)}", field
        )
    return parse_address(IdentityKind(kind), value, hub.default_region, field=field)

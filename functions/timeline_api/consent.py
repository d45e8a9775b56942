"""What contacts want to be written to about."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.consent import Decision, Wish, decide, overview
from shared.model.consent import ConsentState, Purpose
from shared.model.events import rfc3339
from shared.model.identity import Identity
from shared.model.statement import Statement
from shared.rules.addresses import parse_address

if TYPE_CHECKING:
    from functions.timeline_api.bodies import ConsentIn


def get(request: Request, hub: Hub) -> shapes.Consents:
    """Read what a contact wants to be written to about.

    Where nothing is said, they may be answered and told what concerns them where they wrote from,
    and are sent no advertising and no surveys.
    """
    return consents_of(hub, request.id)


def put(request: Request, hub: Hub, body: "ConsentIn") -> shapes.Consents:
    """Put down, on your word, what a contact wants to be written to about at one address.

    It takes effect at once; asked for twice within a day, it is kept once. What they
    stopped themselves, by a STOP, a click or a complaint, only they can start again.
    """
    address = parse_address(
        body.identity.kind, body.identity.value, hub.default_region, field="identity.value"
    )
    decision = Decision(
        address_key=hub.table.address_key(address),
        medium=body.medium,
        purpose=Purpose(body.purpose),
        state=ConsentState(body.state),
        source=body.source,
        by=request.agent,
        words=body.words,
        request_id=body.request_id,
    )
    decide(hub.table, request.id, decision, now=hub.now, correlation=request.request_id)
    return consents_of(hub, request.id)


def consents_of(hub: Hub, contact_id: str) -> shapes.Consents:
    """All that is known of a contact's consent."""
    found = overview(hub.table, contact_id)
    return {
        "items": [_consent(*each) for each in found.current],
        "history": [_consent(*each) for each in found.history],
        "requests": [shape_request(wish) for wish in found.wishes],
        "next_cursor": None,
    }


def _consent(identity: Identity, said: Statement) -> shapes.Consent:
    return {
        "identity": _address(identity),
        "medium": said.medium,
        "purpose": said.purpose,
        "state": "granted" if said.state is ConsentState.GRANTED else "denied",
        "own": said.own,
        "source": said.source,
        "words": said.words,
        "by": {"type": said.by.type, "id": said.by.id or None, "name": said.by.name},
        "at": rfc3339(said.at),
        "message_id": said.message_id or None,
    }


def shape_request(wish: Wish) -> shapes.ConsentRequest:
    """A wish with the very bodies that grant it."""
    request = wish.request
    return {
        "id": request.entry_id,
        "contact_id": wish.contact_id,
        "identity": _address(wish.sender),
        "media": list(request.media),
        "words": request.words,
        "at": rfc3339(request.at),
        "proposals": [
            {
                "identity": _address(identity),
                "medium": medium,
                "purpose": Purpose.EVERY,
                "state": "denied",
                "source": f"asked in a message ({wish.sender.address.kind})",
                "words": request.words,
                "request_id": request.entry_id,
            }
            for medium, identity in wish.addresses
        ],
    }


def _address(identity: Identity) -> shapes.Address:
    return {"kind": identity.address.kind, "value": identity.address.value}

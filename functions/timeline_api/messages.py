"""Writing: a message to the contact, a note about them."""

from functools import partial
from typing import TYPE_CHECKING

from functions.timeline_api import shapes, shaping
from functions.timeline_api.errors import ForbiddenError
from functions.timeline_api.files import Files
from functions.timeline_api.hub import Hub
from functions.timeline_api.idempotency import marker
from functions.timeline_api.request import Request
from shared.model.consent import Purpose
from shared.model.entry import Channel, Template
from shared.model.events import Change
from shared.model.identity import Address
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.note import NewPromise, NoteRequest, note
from shared.rate_card import rate_card
from shared.rules.addresses import parse_address
from shared.rules.prices import price_outbound
from shared.send import SendRequest, Sent, send

if TYPE_CHECKING:
    from functions.timeline_api.bodies import AddressIn, NewMessage, NewNote

_OVERRIDE = "messages:override"


def post_message(request: Request, hub: Hub, body: "NewMessage") -> shapes.Entry:
    """Write to a contact, on the channel they last wrote on or another.

    The entry is on the timeline when this answers; the message leaves right after, and the entry's
    receipt says what became of it. To somebody who does not want it nothing is sent: the answer is
    409 and says why.
    """
    once = marker(request, body, hub.now)
    files = Files.read(body.attachments, once)
    sent = send(
        SendRequest(
            contact_id=request.id,
            author=request.agent,
            marker=once,
            change=_recorded(request),
            purpose=_purpose(request, body),
            text=body.text,
            html=body.html,
            subject=body.subject,
            channel=None if body.channel == "auto" else Channel(body.channel),
            conversation_id=body.conversation_id,
            to=_address(body.to, hub.default_region) if body.to else None,
            attachments=files.attachments,
            template=Template(body.template.id, body.template.variables) if body.template else None,
            keep_files=partial(files.keep, hub.attachments),
        ),
        table=hub.table,
        bodies=hub.bodies,
        now=hub.now,
        price=partial(price_outbound, rate_card()),
        mail_domain=hub.mail_domain,
    )
    return shaping.entry(sent.entry, _queued(sent), contact_id=sent.contact_id, keys=hub.keys)


def post_note(request: Request, hub: Hub, body: "NewNote") -> shapes.Entry:
    """Put a note on a contact's timeline, for agents' eyes.

    It may tell of a promise that was made, and of promises that were kept.
    """
    noted = note(
        NoteRequest(
            contact_id=request.id,
            author=request.agent,
            marker=marker(request, body, hub.now),
            change=_recorded(request),
            text=body.text,
            promise=NewPromise(text=body.promise.text, due=body.promise.due)
            if body.promise
            else None,
            keeps=frozenset(body.keeps),
        ),
        table=hub.table,
        bodies=hub.bodies,
        now=hub.now,
    )
    return shaping.entry(noted.entry, None, contact_id=noted.contact_id, keys=hub.keys)


def _address(given: "AddressIn", default_region: str) -> Address:
    return parse_address(given.kind, given.value, default_region, field="to.value")


def _purpose(request: Request, body: "NewMessage") -> Purpose:
    purpose = Purpose(body.purpose)
    if purpose is Purpose.LEGAL and _OVERRIDE not in request.scopes:
        raise ForbiddenError(f"the purpose legal takes the scope {_OVERRIDE}")
    return purpose


def _recorded(request: Request) -> Change:
    by = request.agent.id
    return Change(
        events=("EntryRecorded",), cause=f"agent:{by}", correlation=request.request_id, by=by
    )


def _queued(sent: Sent) -> Receipt:
    """The receipt as it was born: a repeated request is answered like the first."""
    at, cost = sent.entry.occurred_at, sent.entry.cost
    return Receipt(
        key=ReceiptKey(home=sent.entry.home, at=at, entry_id=sent.entry.id),
        state=ReceiptState.QUEUED,
        steps={str(ReceiptState.QUEUED): at},
        booked_micro_usd=cost.total_micro_usd if cost else 0,
    )

"""Write one message to a customer. It is written here, and leaves by deliver_message."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from shared.model.consent import Purpose
from shared.model.conversation import Conversation, Joined, LastIn
from shared.model.cost import Cost
from shared.model.entry import Attachment, Author, Channel, Direction, Entry, Kind, Template
from shared.model.errors import ConflictError, InvalidRequestError, NotFoundError, UnwantedError
from shared.model.events import Change
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.ids import NewId, new_id
from shared.model.notification import Release
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.recording import MarkedEntry, Marker, Proof
from shared.rules import whatsapp
from shared.rules.consent import MEDIA, denial
from shared.rules.ordering import to_milliseconds
from shared.rules.subjects import subject_hash
from shared.rules.threading import Facts
from shared.settle import Draft, settle
from shared.store import contacts, conversations, receipts, recording
from shared.store.bodies import Bodies
from shared.store.contacts import Contact
from shared.store.table import Table

KINDS = {
    Channel.EMAIL: (IdentityKind.EMAIL,),
    Channel.SMS: (IdentityKind.PHONE,),
    Channel.WHATSAPP: (IdentityKind.PHONE, IdentityKind.WHATSAPP),
    Channel.CHAT: (IdentityKind.CHAT,),
}
# A chat's site takes words alone. https://www.twilio.com/docs/whatsapp/api#sending-media
MOST_FILES = {Channel.EMAIL: 10, Channel.SMS: 10, Channel.WHATSAPP: 1}
_CHANNELS = {
    IdentityKind.EMAIL: Channel.EMAIL,
    IdentityKind.PHONE: Channel.SMS,
    IdentityKind.WHATSAPP: Channel.WHATSAPP,
    IdentityKind.CHAT: Channel.CHAT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """One message to the contact `contact_id` names.

    `channel` None answers where they last wrote. `conversation_id` (or reference) puts it on that
    conversation; without one it goes on where the address is. `to` must be an address of the
    contact. The same `marker` sends once. `attachments` are kept by `keep_files`, which is called
    when nothing speaks against the message and before it is written. A `template` is sent by
    WhatsApp in the place of `text`. What `purpose` it is for decides whether they want it.
    `release` goes with the message of a notification.
    """

    contact_id: str
    author: Author
    marker: Marker
    change: Change
    text: str
    html: str = ""
    subject: str = ""
    channel: Channel | None = None
    conversation_id: str = ""
    to: Address | None = None
    attachments: tuple[Attachment, ...] = ()
    keep_files: Callable[[], None] = lambda: None
    template: Template | None = None
    kind: Kind = Kind.MESSAGE
    purpose: Purpose = Purpose.CONVERSATION
    automatic: bool = False
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message on its way. `replayed`: the same request had been made before."""

    entry: Entry
    contact_id: str
    state: ReceiptState
    replayed: bool = False


def send(
    request: SendRequest,
    *,
    table: Table,
    bodies: Bodies,
    now: datetime,
    price: Callable[[Entry], Cost],
    mail_domain: str,
    make_id: NewId = new_id,
) -> Sent:
    """Write a message for delivery, with its queued receipt, in one transaction.

    Raises NotFoundError (contact, conversation), InvalidRequestError (no such address or channel;
    WhatsApp's 24 hours are over; files or a template that the channel does not take; an idempotency
    key used for another request), ConflictError (the conversation is somebody else's),
    UnwantedError (they do not want it), UnavailableError; RecordingRefusedError when its `release`
    holds no more.
    """
    contact = contacts.get_contact(table, request.contact_id)
    named = _named(table, contact, request)
    target, channel = _target(table, contact, named, request)
    _allow_template(request, channel)
    if len(request.attachments) > (most := MOST_FILES.get(channel, 0)):
        files = {0: "no files", 1: "one file a message"}.get(most, f"{most} files a message")
        raise InvalidRequestError(f"{channel} takes {files}", "attachments")
    is_free = channel is Channel.WHATSAPP and request.template is None
    if is_free and not whatsapp.takes_free_text(contact.identities, now):
        raise InvalidRequestError(
            "WhatsApp takes a free text within 24 hours of their last message only, after that an"
            " approved template: name one, or choose another channel",
            "channel",
        )
    continued = named or _continued(table, target, request)
    entry = _entry(
        request, target, channel, continued, now=now, mail_domain=mail_domain, make_id=make_id
    )
    entry = replace(entry, cost=price(entry))

    def read() -> recording.Known:
        return recording.look(table, request.marker, [target.key], now=now)

    known = read()
    reason = denial(contact.identities, target, MEDIA[channel], request.purpose)
    if reason and not known.marked:
        raise UnwantedError(reason)
    if not known.marked:
        request.keep_files()
        entry = bodies.offload(entry, request.marker)
    draft = Draft(
        marker=request.marker,
        entry=entry,
        sender=Proof(
            key=target.key,
            address=target.address,
            trust=target.trust,
            evidence=target.evidence,
        ),
        facts=Facts(
            channel=channel,
            now=to_milliseconds(now),
            fresh_id=make_id("cnv", now),
            reopens=not request.automatic,
            named=Joined(continued.id, continued.home) if continued else None,
            subject_hash=subject_hash(entry.subject) if channel is Channel.EMAIL else "",
        ),
        read_again=read,
        message_ids=(entry.message_id,) if entry.message_id else (),
        change=request.change,
        release=request.release,
    )
    settled = settle(table, draft, known, make_id=make_id)
    if settled.marked:
        return _replayed(table, bodies, request, settled.marked)
    if settled.entry is None:
        raise ConflictError("this contact is being erased")
    if settled.entry.guest:
        raise ConflictError("the conversation belongs to another contact")
    return Sent(entry=settled.entry, contact_id=settled.contact_id, state=ReceiptState.QUEUED)


def _allow_template(request: SendRequest, channel: Channel) -> None:
    if request.template is None:
        return
    if channel is not Channel.WHATSAPP:
        raise InvalidRequestError("templates are WhatsApp's alone: name that channel", "template")
    if request.attachments:
        raise InvalidRequestError("a template has its own files", "attachments")


# ---- to whom, and where


def _named(table: Table, contact: Contact, request: SendRequest) -> Conversation | None:
    if not request.conversation_id:
        return None
    conversation = conversations.find(table, request.conversation_id)
    if conversation.home not in contact.root.members:
        raise ConflictError("the conversation belongs to another contact")
    return conversation


def _target(
    table: Table, contact: Contact, named: Conversation | None, request: SendRequest
) -> tuple[Identity, Channel]:
    """The address a message goes to, and how (table.md, decision 7)."""
    if request.to:
        return _wanted(contact, table.address_key(request.to), request.channel)
    last_in = named.last_in if named else None
    if last_in and request.channel in (None, last_in.channel):
        for identity in contact.identities:
            if identity.key == last_in.address_key:
                return identity, last_in.channel
    candidates = [i for i in contact.identities if i.home == request.contact_id]
    candidates = candidates or list(contact.identities)
    if request.channel:
        kinds = KINDS.get(request.channel)
        if kinds is None:
            raise InvalidRequestError(f"messages cannot be sent by {request.channel}", "channel")
        candidates = [i for i in candidates if i.address.kind in kinds]
    candidates = [i for i in candidates if i.address.kind in _CHANNELS]
    if not candidates:
        raise InvalidRequestError("this contact has no address for that channel", "channel")
    by_whatsapp = request.channel is Channel.WHATSAPP
    best = max(candidates, key=_heard_there if by_whatsapp else _heard)
    return best, request.channel or _last_channel(table, best)


def _heard(identity: Identity) -> tuple[bool, datetime, int]:
    """By what of several addresses the one is taken that was last heard from."""
    return identity.messages > 0, identity.seen, identity.trust.rank


def _heard_there(identity: Identity) -> tuple[bool, datetime]:
    """The same, by WhatsApp."""
    at = identity.whatsapp_at
    return at is not None, at or identity.seen


def _wanted(contact: Contact, key: str, channel: Channel | None) -> tuple[Identity, Channel]:
    for identity in contact.identities:
        if identity.key == key:
            kind = identity.address.kind
            by = channel or _CHANNELS.get(kind)
            if by is None or kind not in KINDS.get(by, ()):
                raise InvalidRequestError(
                    f"an address of kind {kind} is not for that channel", "to"
                )
            return identity, by
    raise InvalidRequestError("this contact has no such address; add it first", "to")


def _last_channel(table: Table, identity: Identity) -> Channel:
    """How they last wrote from this address: a phone number may mean SMS or WhatsApp."""
    if identity.address.kind is IdentityKind.PHONE and identity.conversation:
        try:
            conversation = conversations.get(table, identity.conversation.conversation_id)
        except NotFoundError:
            return Channel.SMS
        last_in = conversation.last_in
        if last_in and last_in.address_key == identity.key:
            return last_in.channel
    return _CHANNELS[identity.address.kind]


def _continued(table: Table, target: Identity, request: SendRequest) -> Conversation | None:
    """The conversation the address was last in, unless the message brings its own subject."""
    if request.subject or target.conversation is None:
        return None
    try:
        return conversations.get(table, target.conversation.conversation_id)
    except NotFoundError:
        return None


# ---- what is written


def _entry(
    request: SendRequest,
    target: Identity,
    channel: Channel,
    conversation: Conversation | None,
    *,
    now: datetime,
    mail_domain: str,
    make_id: NewId,
) -> Entry:
    entry_id = make_id("ent", now)
    by_mail = channel is Channel.EMAIL
    last_in = conversation.last_in if conversation else None
    return Entry(
        id=entry_id,
        home="",
        kind=request.kind,
        channel=channel,
        direction=Direction.OUTBOUND,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=request.author,
        address=target.address,
        trust=_trust(target, last_in),
        subject=_subject(request, conversation) if by_mail else "",
        text=request.text,
        html=request.html if by_mail else "",
        attachments=request.attachments,
        template=request.template,
        purpose=request.purpose,
        automatic=request.automatic,
        message_id=f"{entry_id.lower()}@{mail_domain}" if by_mail else "",
        in_reply_to=last_in.message_id if by_mail and _is_mail(last_in) else "",
    )


def _is_mail(last_in: LastIn | None) -> TypeGuard[LastIn]:
    return last_in is not None and last_in.channel is Channel.EMAIL


def _trust(target: Identity, last_in: LastIn | None) -> Trust:
    """How far it is proven whom we answer: no further than the message that is answered."""
    if last_in and last_in.address_key == target.key:
        return min(target.trust, last_in.trust, key=lambda trust: trust.rank)
    return target.trust


def _subject(request: SendRequest, conversation: Conversation | None) -> str:
    if request.subject:
        return request.subject
    if conversation and conversation.subject:
        subject = conversation.subject
        return subject if subject.lower().startswith("re:") else f"Re: {subject}"
    return "A message from us"


def _replayed(table: Table, bodies: Bodies, request: SendRequest, marked: MarkedEntry) -> Sent:
    if marked.request_hash != request.marker.request_hash:
        raise InvalidRequestError(
            "this Idempotency-Key was used for another request", "Idempotency-Key"
        )
    key = ReceiptKey(home=marked.home, at=marked.at, entry_id=marked.entry_id)
    entry, receipt = receipts.get(table, key)
    profile = contacts.get_profile(table, entry.home)
    return Sent(
        entry=bodies.restore(entry),
        contact_id=profile.root,
        state=receipt.state,
        replayed=True,
    )

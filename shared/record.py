"""Record what somebody sent us, exactly once, on the timeline of the contact they are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from shared.consent import say
from shared.model.conversation import Joined
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind, ProviderRef
from shared.model.events import Change
from shared.model.identity import Address, Trust
from shared.model.ids import NewId, new_id
from shared.model.message import InboundMessage
from shared.model.recording import Claim, MarkedEntry, Marker, Proof
from shared.rules import opt_out, reply_tokens
from shared.rules.erasure import is_late
from shared.rules.opt_out import Heard
from shared.rules.ordering import occurred_at, to_milliseconds
from shared.rules.subjects import subject_hash
from shared.rules.threading import Facts
from shared.settle import Draft, Settled, settle
from shared.store import recording
from shared.store.bodies import Bodies
from shared.store.copies import add_delivery
from shared.store.table import Table

_THREADS_READ = 50
_VOUCHED = 4
_WISH = "may ask for no more messages by {}: decide it in their consent"


class Outcome(StrEnum):
    """What became of a delivery; each value is also the name of a metric."""

    RECORDED = "MessagesRecorded"
    DUPLICATE = "DuplicateDeliveries"
    ERASED = "LateAfterErasure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a delivery came to lie; `entry` is None unless this very call recorded it.

    `elsewhere` are the vouched addresses that, as far as was read, are not this contact's.
    """

    outcome: Outcome
    entry_id: str = ""
    conversation_id: str = ""
    contact_id: str = ""
    entry: Entry | None = None
    elsewhere: tuple[Address, ...] = ()


def record(
    message: InboundMessage,
    *,
    table: Table,
    bodies: Bodies,
    now: datetime,
    price: Callable[[InboundMessage], Cost],
    reply_keys: reply_tokens.Keys | None = None,
    make_id: NewId = new_id,
) -> Recorded:
    """Record one delivery: one batch read, one transaction when nothing moved meanwhile.

    A repeated delivery is a normal outcome and changes nothing. Raises UnavailableError when the
    table is down or stays busy; nothing is half-done then.
    """
    marker = Marker(provider=message.delivery.provider, id=message.delivery.id)
    sender = _proof(table, message)
    copies = _copies(message, sender)
    vouched = tuple(
        replace(sender, key=table.address_key(address), address=address)
        for address in message.vouched[:_VOUCHED]
    )
    named_by_token = (
        reply_tokens.read(reply_keys, message.reply_token)
        if reply_keys and message.reply_token
        else None
    )
    references = message.references[-_THREADS_READ:]

    def read() -> recording.Known:
        return recording.look(
            table,
            marker,
            [sender.key, *(proof.key for proof in vouched)],
            now=now,
            message_ids=references,
            conversation_id=named_by_token or "",
            copies=copies,
        )

    def once_more(first: MarkedEntry, body_key: str = "") -> Recorded:
        files = [attachment.object_key for attachment in message.attachments]
        if copies:
            add_delivery(
                table,
                marker,
                copies,
                first,
                raw_key=message.raw_key,
                object_keys=[*files, body_key],
            )
        return _duplicate(first, known, sender, vouched)

    known = read()
    if known.marked:
        return _duplicate(known.marked, known, sender, vouched)
    if known.copied:
        return once_more(known.copied)
    by_mail = message.channel is Channel.EMAIL
    heard = opt_out.hear(message)
    entry = _entry(message, heard, now, make_id, price(message))
    before = known.identities.get(sender.key)
    if before is None or not is_late(before, entry.occurred_at):
        entry = bodies.offload(entry, marker)
    draft = Draft(
        marker=marker,
        entry=entry,
        sender=sender,
        facts=Facts(
            channel=message.channel,
            now=to_milliseconds(now),
            fresh_id=make_id("cnv", now),
            automatic=message.automatic,
            named=_named(known, references),
            subject_hash=subject_hash(message.subject) if by_mail else "",
        ),
        read_again=read,
        vouched=tuple(proof for proof in vouched if proof.key != sender.key),
        claims=tuple(
            Claim(key=table.address_key(address), address=address) for address in message.claims
        ),
        message_ids=(message.message_id,) if by_mail and message.message_id else (),
        copies=copies,
        name=message.author_name if message.trust is not Trust.CLAIMED else "",
        said=opt_out.statement(heard, message, entry, make_id("ent", now)),
        asked=opt_out.request(heard, message, entry),
        texted=message.senders if message.channel is Channel.SMS else frozenset(),
        change=Change(
            events=("EntryRecorded",),
            cause=f"delivery:{message.delivery.provider}",
            correlation=entry.id,
        ),
    )
    settled = settle(table, draft, known, make_id=make_id)
    if settled.marked:
        return _duplicate(settled.marked, known, sender, vouched)
    if settled.copied:
        return once_more(settled.copied, entry.body_key)
    if settled.entry is None and draft.said:
        say(table, sender.key, draft.said, cause=f"delivery:{message.delivery.provider}")
    return _recorded(settled)


def _copies(message: InboundMessage, sender: Proof) -> Marker | None:
    """What marks a mail, however often it is delivered: who it is from, as proven, and its words.

    So a forged one never stands for the genuine one, whichever comes first.
    """
    if not message.fingerprint:
        return None
    words = f"{sender.key} {message.trust} {message.fingerprint}"
    return Marker(provider="mail", id=sha256(words.encode()).hexdigest())


def _proof(table: Table, message: InboundMessage) -> Proof:
    return Proof(
        key=table.address_key(message.sender),
        address=message.sender,
        trust=message.trust,
        evidence=message.evidence,
    )


def _named(known: recording.Known, references: tuple[str, ...]) -> Joined | None:
    """The conversation the reply token names, else the one its nearest ancestor lies in."""
    if known.conversation:
        return Joined(known.conversation.id, known.conversation.home)
    hits = (
        known.threads[reference] for reference in reversed(references) if reference in known.threads
    )
    return next(hits, None)


def _entry(
    message: InboundMessage, heard: Heard, now: datetime, make_id: NewId, cost: Cost
) -> Entry:
    return Entry(
        id=make_id("ent", now),
        home="",
        kind=Kind.MESSAGE,
        channel=message.channel,
        direction=Direction.INBOUND,
        occurred_at=occurred_at(message.occurred_at, message.received_at),
        received_at=to_milliseconds(message.received_at),
        author=Author(AuthorType.CUSTOMER, name=message.author_name),
        address=message.sender,
        trust=message.trust,
        subject=message.subject,
        text=message.text,
        html=message.html,
        quoted_text=message.quoted_text,
        attachments=message.attachments,
        automatic=message.automatic,
        provider=ProviderRef(message.delivery.provider, message.delivery.id),
        message_id=message.message_id,
        in_reply_to=message.references[-1] if message.references else "",
        raw_key=message.raw_key,
        defects=(*message.defects, *(_WISH.format(medium) for medium in heard.media)),
        cost=cost,
    )


def _recorded(settled: Settled) -> Recorded:
    if settled.entry is None:
        return Recorded(outcome=Outcome.ERASED)
    return Recorded(
        outcome=Outcome.RECORDED,
        entry_id=settled.entry.id,
        conversation_id=settled.entry.conversation_id,
        contact_id=settled.contact_id,
        entry=settled.entry,
        elsewhere=settled.elsewhere,
    )


def _duplicate(
    marked: MarkedEntry, known: recording.Known, sender: Proof, vouched: Iterable[Proof]
) -> Recorded:
    found = known.identities
    root = found[sender.key].root if sender.key in found else ""
    return Recorded(
        outcome=Outcome.DUPLICATE,
        entry_id=marked.entry_id,
        conversation_id=marked.conversation_id,
        elsewhere=tuple(p.address for p in vouched if p.key in found and found[p.key].root != root),
    )

"""Tell a customer about something that happened: decide, and write a message (outbound.md §4).

Nothing is sent from here. The message is one more entry, which leaves like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.model.consent import Purpose
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Entry, Kind
from shared.model.events import Change
from shared.model.ids import NewId, new_id, show_reference
from shared.model.recording import Marker
from shared.rules.notification import (
    Request,
    choose_target,
    objection_to_cause,
    objection_to_target,
)
from shared.send import SendRequest, send
from shared.store import contacts, conversations
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.templates import templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """The entry that stands for it, or why there is none (`stopped`).

    `repeated`: the same event had led to the same notification before.
    """

    entry_id: str = ""
    stopped: str = ""
    repeated: bool = False


def notify(
    request: Request,
    *,
    table: Table,
    bodies: Bodies,
    now: datetime,
    price: Callable[[Entry], Cost],
    mail_domain: str,
    make_id: NewId = new_id,
) -> Notified:
    """Write the notification an event leads to, at most once for each rule, event and contact.

    Raises RejectedError (no such template), NotFoundError, ConflictError, UnavailableError.
    """
    cause = request.cause
    if reason := objection_to_cause(cause, now):
        return Notified(stopped=reason)
    contact = contacts.get_contact(table, cause.home)
    target = choose_target(request.ladder, contact.identities)
    if target is None:
        return Notified(stopped="no_target")
    if reason := objection_to_target(target):
        return Notified(stopped=reason)
    conversation = conversations.get(table, cause.conversation_id)
    facts = {"reference": show_reference(conversation.reference), "name": contact.root.name}
    words = templates().render(request.template, target.channel, contact.root.locale, facts)
    sent = send(
        SendRequest(
            contact_id=cause.home,
            author=Author(AuthorType.SYSTEM, id=request.rule),
            marker=Marker(provider=f"once#{request.rule}", id=f"{cause.id}#{cause.home}"),
            change=Change(
                events=("EntryRecorded",),
                cause=cause.id,
                correlation=cause.correlation,
                depth=cause.depth + 1,
                by=f"rule:{request.rule}",
            ),
            text=words.text,
            html=words.html,
            subject=words.subject,
            channel=target.channel,
            conversation_id=conversation.id,
            to=target.identity.address,
            kind=Kind.NOTIFICATION,
            purpose=Purpose(request.purpose),
            automatic=True,
        ),
        table=table,
        bodies=bodies,
        now=now,
        price=price,
        mail_domain=mail_domain,
        make_id=make_id,
    )
    return Notified(entry_id=sent.entry.id, repeated=sent.replayed)

"""Declare one conversation to be part of another."""

from datetime import datetime

from shared.model.conversation import Conversation, State
from shared.model.entry import Author, Channel, Direction, Entry, Kind
from shared.model.errors import ConflictError
from shared.model.events import Change
from shared.model.ids import NewId, new_id, show_reference
from shared.model.recording import Marker
from shared.rules.ordering import to_milliseconds
from shared.store import conversations, notes
from shared.store.contacts import get_profile
from shared.store.joining import join_legs
from shared.store.roots import root_of
from shared.store.table import Table


def join(
    table: Table,
    conversation_id: str,
    other_id: str,
    *,
    author: Author,
    reason: str,
    now: datetime,
    make_id: NewId = new_id,
) -> Conversation:
    """The conversation (id or reference) that now answers for the other too; repeating is harmless.

    The timeline tells who joined them and why. Raises NotFoundError, GoneError, ConflictError (they
    are two contacts', or not both open, or changed meanwhile), UnavailableError.
    """
    into = conversations.find(table, conversation_id)
    seen = conversations.find(table, other_id)
    if seen.id == into.id:
        return into
    root = root_of(table, get_profile(table, into.home))
    if seen.home not in root.members:
        raise ConflictError("these are two contacts' conversations; merge the contacts first")
    if State.RESOLVED in (seen.state, into.state):
        raise ConflictError("a resolved conversation has to be opened to be joined")
    names = f"{show_reference(seen.reference)} is part of {show_reference(into.reference)}"
    entry = Entry(
        id=make_id("ent", now),
        home=into.home,
        kind=Kind.JOIN,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=to_milliseconds(now),
        received_at=to_milliseconds(now),
        author=author,
        conversation_id=into.id,
        text=f"{names}: {reason}",
    )
    told = Change(
        events=("EntryRecorded",), cause=f"agent:{author.id}", correlation=into.id, by=author.id
    )
    joined = Change(
        events=("ConversationJoined",), cause=told.cause, correlation=seen.id, by=author.id
    )
    marker = Marker(provider="joined", id=seen.id)  # it is joined once and for all
    legs = join_legs(seen, into, root.id, joined, now)
    notes.write(table, entry, marker, told, now=now, beside=legs)
    return conversations.get(table, into.id)

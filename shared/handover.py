"""What an agent needs to know of somebody who has just changed channels, in one go."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Entry
from shared.model.promise import Promise
from shared.rules.handover import Advice, Facts, advise, last_spoken_to
from shared.store import contacts, promises
from shared.store.contacts import Contact
from shared.store.table import Table
from shared.store.timeline import Shown, read_page

ENTRIES = 10
SHORT = 280  # characters of a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Who it is, what is open, what was said and promised last, and where to go on.

    `recent` are the newest entries over all channels, newest first, with the beginning of their
    texts. `promises` are those that are open, the most urgent first.
    """

    contact: Contact
    recent: tuple[Shown, ...]
    promises: tuple[Promise, ...]
    spoke_to: Entry | None
    advice: Advice


def hand_over(table: Table, contact_id: str) -> Handover:
    """The pack for one contact: its three reads, a page, and a Query a member.

    Raises NotFoundError, GoneError, UnavailableError.
    """
    contact = contacts.get_contact(table, contact_id)
    recent = read_page(table, contact.root.id, limit=ENTRIES).shown
    made = [
        promise
        for member in sorted(contact.root.members)
        for promise in promises.open_with(table, member)
    ]
    return Handover(
        contact=contact,
        recent=recent,
        promises=tuple(sorted(made, key=_urgency)),
        spoke_to=last_spoken_to(shown.entry for shown in recent),
        advice=advise(
            Facts(
                profile=contact.root,
                identities=contact.identities,
                conversations=contact.conversations,
                recent=[(shown.entry, shown.receipt) for shown in recent],
            )
        ),
    )


def _urgency(promise: Promise) -> tuple[bool, datetime]:
    """Those with a date before those without, then the oldest."""
    return promise.due is None, promise.due or promise.at

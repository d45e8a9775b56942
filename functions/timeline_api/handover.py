"""The hand-over pack, for the agent who picks up the phone."""

from dataclasses import replace

from functions.timeline_api import shapes, shaping
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.handover import SHORT, hand_over
from shared.model.entry import Entry
from shared.model.events import rfc3339
from shared.model.promise import Promise
from shared.rules.handover import Advice


def get(request: Request, hub: Hub) -> shapes.Handover:
    """Read all it takes to go on with somebody who has just changed channels.

    Who they are, what is open and promised, what was said last over all channels and to whom, and
    where to write next and why. By plain rules: the same facts give the same pack.
    """
    pack = hand_over(hub.table, request.id)
    contact_id = pack.contact.root.id
    return {
        "contact": shaping.contact(pack.contact, asked=request.id),
        "recent": [
            shaping.entry(_short(shown.entry), shown.receipt, contact_id=contact_id, keys=hub.keys)
            for shown in pack.recent
        ],
        "promises": [_promise(promise) for promise in pack.promises],
        "spoke_to": _spoke_to(pack.spoke_to) if pack.spoke_to else None,
        "next": _next(pack.advice),
        "avoid": [
            {
                "channel": way.channel,
                "kind": way.identity.address.kind,
                "value": way.identity.address.value,
                "why": why_not,
            }
            for way, why_not in pack.advice.avoid
        ],
    }


def _short(entry: Entry) -> Entry:
    return replace(entry, text=entry.text[:SHORT], quoted_text="")


def _promise(made: Promise) -> shapes.Promise:
    return {
        "id": made.id,
        "text": made.text,
        "by": made.by,
        "at": rfc3339(made.at),
        "due": rfc3339(made.due) if made.due else None,
    }


def _spoke_to(entry: Entry) -> shapes.SpokenTo:
    return {
        "id": entry.author.id,
        "name": entry.author.name,
        "channel": entry.channel,
        "at": rfc3339(entry.occurred_at),
    }


def _next(advice: Advice) -> shapes.NextWay | None:
    if advice.next is None:
        return None
    way, why = advice.next
    address = way.identity.address
    return {"channel": way.channel, "kind": address.kind, "value": address.value, "why": why}

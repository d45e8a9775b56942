"""Who is who: merging contacts, taking that back, and splitting an address off."""

from typing import TYPE_CHECKING

from functions.timeline_api import shapes, shaping
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared import merge as merging
from shared import split as splitting
from shared.merge import Decision
from shared.model.errors import InvalidRequestError
from shared.model.events import rfc3339
from shared.model.merge import Merge, Split
from shared.rules.addresses import parse_address
from shared.store import contacts

if TYPE_CHECKING:
    from functions.timeline_api.bodies import DecisionIn, MergeIn, SplitIn


def merge(request: Request, hub: Hub, body: "MergeIn") -> shapes.MergeDecision:
    """Say that another contact is the same person.

    All that is theirs is on one timeline at once; no entry moves, and every message, address and
    cost goes back where it came from when it is undone. The other's id keeps answering. With
    `preview=true` nothing is changed, and the answer says who would be joined and what both have.
    """
    if request.query.flag("preview"):
        seen = merging.preview(hub.table, request.id, body.other)
        return {
            "merge": None,
            "contact": shaping.contact(seen.survivor),
            "other": shaping.contact(seen.other),
            "conflicts": [
                {"field": field, "survivor": of_survivor, "other": of_other}
                for field, (of_survivor, of_other) in seen.conflicts.items()
            ],
        }
    if not body.reason:
        raise InvalidRequestError("say why: other agents read it when they wonder", "reason")
    decision = Decision(by=request.agent.id, reason=body.reason)
    made = merging.merge(hub.table, request.id, body.other, decision, now=hub.now)
    contact = shaping.contact(contacts.get_contact(hub.table, request.id))
    return {"merge": _merge(made), "contact": contact, "other": None, "conflicts": []}


def undo(request: Request, hub: Hub, body: "DecisionIn") -> shapes.MergeDecision:
    """Take a merge back, whenever and in whatever order.

    Both are as if it had never been, with what came to each meanwhile.
    """
    decision = Decision(by=request.agent.id, reason=body.reason)
    undone = merging.undo(hub.table, request.id, decision, now=hub.now)
    survivor, other = (
        shaping.contact(contacts.get_contact(hub.table, contact_id))
        for contact_id in (undone.survivor, undone.other)
    )
    return {"merge": _merge(undone), "contact": survivor, "other": other, "conflicts": []}


def split(request: Request, hub: Hub, body: "SplitIn") -> shapes.SplitDecision:
    """Say that an address is another person's: it becomes a contact with its own history.

    Both timelines are right at once, though moving a long history takes a while behind them.
    """
    given = body.identity
    address = parse_address(given.kind, given.value, hub.default_region, field="identity.value")
    decision = Decision(by=request.agent.id, reason=body.reason)
    made = splitting.split(hub.table, request.id, address, decision, now=hub.now)
    contact, other = (
        shaping.contact(contacts.get_contact(hub.table, contact_id))
        for contact_id in (made.source, made.target)
    )
    return {"split": _split(made), "contact": contact, "other": other}


def _merge(made: Merge) -> shapes.Merge:
    return {
        "id": made.id,
        "survivor": made.survivor,
        "merged": made.other,
        "state": made.state,
        "by": made.by,
        "at": rfc3339(made.at),
        "reason": made.reason,
        "undone_by": made.undone_by or None,
        "undone_at": rfc3339(made.undone_at) if made.undone_at else None,
        "undone_reason": made.undone_reason,
    }


def _split(made: Split) -> shapes.Split:
    return {
        "id": made.id,
        "source": made.source,
        "target": made.target,
        "by": made.by,
        "at": rfc3339(made.at),
        "reason": made.reason,
    }

"""What a contact has cost, line by line and summed."""

from collections import Counter
from datetime import UTC, datetime

from functions.timeline_api import shapes
from functions.timeline_api.errors import MalformedRequestError
from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request
from shared.model.cursor import Cursor
from shared.model.events import rfc3339
from shared.model.ledger import CostLine
from shared.rules import cursors
from shared.store.ledger import read_ledger

DEFAULT_LIMIT = 100
MOST = 500

_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def get(request: Request, hub: Hub) -> shapes.CostPage:
    """Read what a contact has cost, newest line first: all that was merged into them together.

    Every message's estimate is a line, and so is what turned out otherwise later: nothing is
    changed afterwards. A line belongs to the month it was booked in. The sums are of all lines from
    `from` to before `to`, not of this page alone; without either they are the contact's whole cost.
    """
    query, binding = request.query, request.query.binding(request.path)
    since, until = query.time("from"), query.time("to")
    until = min(until, _LATEST) if until else None
    if since and until and since >= until:
        raise MalformedRequestError("from is not before to", "from")
    token = query.text("cursor")
    after = cursors.unseal(hub.keys, token, binding).position if token else None
    limit = query.whole("limit", default=DEFAULT_LIMIT, most=MOST)
    lines = read_ledger(hub.table, request.id, since, until)
    left = [line for line in lines if after is None or _position(line) < after]
    page = left[:limit]
    more = Cursor(_position(page[-1])) if len(left) > limit else None
    by_channel, by_month = Counter[str](), Counter[str]()
    for line in lines:
        by_channel[line.channel] += line.cost.total_micro_usd
        by_month[rfc3339(line.at)[:7]] += line.cost.total_micro_usd
    return {
        "items": [_line(line) for line in page],
        "next_cursor": cursors.seal(hub.keys, more, binding) if more else None,
        "currency": "USD",
        "total_micro_usd": sum(by_channel.values()),
        "by_channel": dict(sorted(by_channel.items())),
        "by_month": dict(sorted(by_month.items())),
    }


def _position(line: CostLine) -> str:
    return f"{rfc3339(line.at)}#{line.id}"


def _line(line: CostLine) -> shapes.CostLine:
    return {
        "id": line.id,
        "amount_micro_usd": line.cost.total_micro_usd,
        "provider_micro_usd": line.cost.provider_micro_usd,
        "carrier_fee_micro_usd": line.cost.carrier_fee_micro_usd,
        "own_micro_usd": line.cost.own_micro_usd,
        "kind": line.kind,
        "category": line.cost.category,
        "units": line.cost.units,
        "channel": line.channel,
        "direction": line.direction,
        "entry_id": line.entry_id or None,
        "entry_at": rfc3339(line.entry_at) if line.entry_at else None,
        "rate": line.cost.rate,
        "at": rfc3339(line.at),
        "actual": line.actual,
        "billed": {"amount": line.native.amount, "currency": line.native.currency}
        if line.native
        else None,
    }

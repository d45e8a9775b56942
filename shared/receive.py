"""Take in a message that may tell more of its sender than the address it came from."""

from collections.abc import Callable
from datetime import datetime

from shared.link import LinkOutcome, link
from shared.model.cost import Cost
from shared.model.message import InboundMessage
from shared.record import Recorded, record
from shared.rules.matching import Policy, screen
from shared.store.bodies import Bodies
from shared.store.table import Table


def receive(
    message: InboundMessage,
    *,
    table: Table,
    bodies: Bodies,
    now: datetime,
    price: Callable[[InboundMessage], Cost],
    policy: Policy,
) -> tuple[Recorded, LinkOutcome]:
    """Record it, then link its sender as the policy says; a repeated delivery changes nothing.

    Raises UnavailableError. The message may be recorded then; the same call again does the rest.
    """
    message = screen(message, policy)
    recorded = record(message, table=table, bodies=bodies, now=now, price=price)
    return recorded, link(message, recorded, table=table, now=now, policy=policy)

"""How long an erased person's late messages are kept from making them anew."""

from datetime import datetime, timedelta

from shared.model.identity import Identity

# Meta redelivers for seven days, longer than any other provider (channels.md §3.1).
GRACE = timedelta(days=7)


def is_late(identity: Identity, occurred_at: datetime) -> bool:
    """Whether a message belongs to the life its sender had erased."""
    return identity.erased_at is not None and occurred_at <= identity.erased_at + GRACE

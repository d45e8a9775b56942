"""A conversation that goes on apart, for those who leave it by an undone merge or a split."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.conversation import Conversation, State
from shared.model.ids import new_reference
from shared.rules.ordering import to_milliseconds


def twin_of(
    conversation: Conversation, parts: Mapping[str, str], *, at: datetime, twin_id: str
) -> Conversation:
    """The twin for the participants `parts` (address key to home), so nobody's message is lost."""
    last_in = conversation.last_in
    stays = last_in is not None and last_in.address_key in parts
    return replace(
        conversation,
        id=twin_id,
        home=min(parts.values()),
        reference=new_reference(),
        state=State.OPEN,
        opened_at=to_milliseconds(at),
        last_activity_at=to_milliseconds(at),
        revision=1,
        parts=dict(parts),
        last_in=last_in if stays else None,
        waiting_since=conversation.waiting_since if stays else None,
        breached_at=conversation.breached_at if stays else None,
        continued_from=conversation.id,
    )

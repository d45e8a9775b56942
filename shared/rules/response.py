"""How long customers wait for an answer, in business hours, and how long they were promised to.

A wait begins with a customer's message and ends with an agent's; what machines write, on either
side, neither begins nor ends one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.model.conversation import Conversation, WaitingOn
from shared.model.entry import Channel
from shared.rules.business_hours import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An agent's answer, `at`, to what a customer wrote by `channel`, `since`.

    `first` is the first one of its conversation.
    """

    conversation: Conversation
    channel: Channel
    first: bool
    since: datetime
    at: datetime

    @property
    def id(self) -> str:
        """The same however often it is met."""
        return f"{self.conversation.id}:{self.since.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """Within which business time customers are promised a first and a next answer; 0: none is."""

    calendar: Calendar
    first: timedelta
    next: timedelta

    @classmethod
    def parse(cls, calendar: Calendar, *, first_minutes: str, next_minutes: str) -> Self:
        """What the settings promise. Raises ValueError for what is no number of minutes."""
        return cls(
            calendar=calendar,
            first=timedelta(minutes=int(first_minutes)),
            next=timedelta(minutes=int(next_minutes)),
        )

    def until(self, conversation: Conversation) -> datetime | None:
        """When the answer a conversation waits for is due (UTC), if one is promised."""
        promised = self.next if conversation.first_response_at else self.first
        if conversation.waiting_since is None or not promised:
            return None
        return self.calendar.after(conversation.waiting_since, promised)


def response(before: Conversation | None, after: Conversation) -> Response | None:
    """The answer that one write to a conversation was, if it was one."""
    if before is None or before.waiting_since is None or before.last_in is None:
        return None
    if after.waiting_since is not None or after.waiting_on is not WaitingOn.CUSTOMER:
        return None  # it goes on, or was resolved without an answer
    return Response(
        conversation=after,
        channel=before.last_in.channel,
        first=before.first_response_at is None,
        since=before.waiting_since,
        at=after.last_activity_at,
    )

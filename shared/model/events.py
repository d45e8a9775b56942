"""What happened, past tense: ids and facts, never a message's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a write stamps on its item for the relay to publish.

    `events` are the names of what happened, `cause` the event or request that led to it, `depth`
    how many rules of ours lie between it and a person, `by` who did it.
    """

    events: tuple[str, ...]
    cause: str = ""
    correlation: str = ""
    depth: int = 0
    by: str = ""

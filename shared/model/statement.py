"""What was said about who may be written to, as the log keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement about one address; the log keeps them all.

    `id` is also that of the entry that tells of it. `state` is granted or denied. `own`: the
    person's own act, as a STOP is. `words` are what they wrote, or what they were shown; `source`
    says how we know, `message_id` names the message that says so. `senders` are our numbers
    (or services of numbers) that the carrier blocks or unblocks with it.
    """

    id: str
    at: datetime
    medium: Medium
    purpose: Purpose
    state: ConsentState
    own: bool
    source: str
    by: Author
    words: str = ""
    message_id: str = ""
    senders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """A statement, and what is kept of its address with it.

    `entry` tells of it; None where it makes no difference. `last` is when the statement before was
    made: the change counts only if there was none since.
    """

    statement: Statement
    last: datetime | None
    kept: Mapping[str, str]
    entry: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What reads like a wish not to be written to by `media`: an agent is to decide what it means.

    `entry_id` names the message that says so, and the request.
    """

    entry_id: str
    at: datetime
    media: tuple[Medium, ...]
    words: str

    def without(self, medium: Medium) -> "ConsentRequest":
        """What is left of it once one medium is decided."""
        return replace(self, media=tuple(each for each in self.media if each is not medium))

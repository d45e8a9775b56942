"""What somebody wants to be written to about, and by what means (outbound.md §5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.entry import Author


class Medium(StrEnum):
    """By what means somebody may be reached."""

    TEXT = "text"
    WHATSAPP = "whatsapp"
    VOICE = "voice"
    EMAIL = "email"
    CHAT = "chat"


class Purpose(StrEnum):
    """What a message is for.

    `EVERY` stands in consent only. `LEGAL` stands on messages only: the law wants them sent
    whatever somebody consented to.
    """

    CONVERSATION = "conversation"
    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"
    SURVEY = "survey"
    EVERY = "*"
    LEGAL = "legal"


class ConsentState(StrEnum):
    """How consent for one medium and purpose stands at one address."""

    GRANTED = "granted"
    DENIED = "denied"  # on an agent's word
    STOPPED = "stopped"  # by the person's own act, which nobody else's word lifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One statement about one address; the log keeps them all.

    `own`: the person's own act, as a STOP is. `words` are what they wrote, or what they were shown;
    `source` says how we know, `entry_id` names the message that says so.
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
    entry_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What reads like a wish not to be written to by `media`: an agent is to decide what it means.

    `entry_id` names the message that says so, and the request.
    """

    entry_id: str
    at: datetime
    media: tuple[Medium, ...]
    words: str

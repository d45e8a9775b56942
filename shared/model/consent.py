"""What somebody wants to be written to about, and by what means (outbound.md §5)."""

from enum import StrEnum


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

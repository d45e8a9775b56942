"""One thing on the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.consent import Purpose
from shared.model.cost import Cost
from shared.model.identity import Address, Trust


class Channel(StrEnum):
    """How an entry travelled."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    CHAT = "chat"
    VOICE = "voice"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    WEB = "web"
    ORDER = "order"
    INTERNAL = "internal"


class Kind(StrEnum):
    """What an entry is."""

    MESSAGE = "message"
    CALL = "call"
    NOTE = "note"
    NOTIFICATION = "notification"
    PAGE_VIEW = "page_view"
    ORDER = "order"
    EVENT = "event"
    MERGE = "merge"
    ASSIGNMENT = "assignment"
    JOIN = "join"


class Direction(StrEnum):
    """Which way an entry went, seen from us."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class AuthorType(StrEnum):
    """Who wrote an entry."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote an entry: a customer, an agent (`id` from the token's `sub`), or a rule."""

    type: AuthorType
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a message, kept in the content bucket under `object_key`.

    `source_url` is set while the file is still at its provider (an MMS's media); one that has
    neither could not be had.
    """

    name: str
    media_type: str
    size_bytes: int = 0
    object_key: str = ""
    source_url: str = ""
    inline: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether it still is at its provider."""
        return bool(self.source_url) and not self.object_key


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message, and its bytes."""

    attachment: Attachment
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderRef:
    """A provider, and its own id of one message."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Template:
    """A text that WhatsApp has approved, by its provider's id, and what stands in its blanks."""

    id: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing on the timeline, kept in its home contact's partition.

    `purpose` is what a message to them is for. `text` is what the person wrote now, `quoted_text`
    the older mail below it, `html` the mail's own HTML, unsanitised. `address_key` stands for
    `address` in keys. `body_key` is set when the body is too large for the table. `data` is JSON
    that an app sent with an event. A `template` is sent in the place of `text`, which then says
    what it comes to.
    """

    id: str
    home: str
    kind: Kind
    channel: Channel
    direction: Direction
    occurred_at: datetime
    received_at: datetime
    author: Author
    conversation_id: str = ""
    address: Address | None = None
    address_key: str = ""
    trust: Trust = Trust.VERIFIED
    subject: str = ""
    text: str = ""
    html: str = ""
    quoted_text: str = ""
    body_key: str = ""
    attachments: tuple[Attachment, ...] = ()
    purpose: Purpose | None = None
    automatic: bool = False
    guest: bool = False
    opens_conversation: bool = False
    provider: ProviderRef | None = None
    message_id: str = ""
    in_reply_to: str = ""
    raw_key: str = ""
    defects: tuple[str, ...] = ()
    cost: Cost | None = None
    data: str = ""
    template: Template | None = None

"""What agent apps may send. Imported where a body is read: pydantic costs 144 ms."""

from base64 import b64decode
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    StringConstraints,
)

from shared.model.consent import Medium
from shared.model.conversation import State
from shared.model.identity import IdentityKind

Text = Annotated[str, StringConstraints(min_length=1, max_length=50_000, pattern=r"\S")]
Time = Annotated[AwareDatetime, Strict()]
Channels = Literal["email", "sms", "whatsapp", "chat", "voice", "messenger", "instagram"]


_MOST_BYTES = 4_000_000


def _base64(text: str) -> str:
    try:
        b64decode(text, validate=True)
    except ValueError:
        raise ValueError("this is not base64") from None
    return text


def _not_too_much(files: "tuple[NewAttachment, ...]") -> "tuple[NewAttachment, ...]":
    if (
        sum(len(file.content) // 4 * 3 - file.content[-2:].count("=") for file in files)
        > _MOST_BYTES
    ):
        raise ValueError(f"all files together may have {_MOST_BYTES} bytes")
    return files


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("this is no IANA time zone, like Europe/Berlin")
    return name


class Body(BaseModel):
    """Whatever else it holds is refused, and what it held is never repeated in an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # a number is no truth value, and no time
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class AddressIn(Body):
    """One point at which a contact is known."""

    kind: IdentityKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    """Phone numbers without a country code are those of the deployment's own region."""


class IdentityPatch(Body):
    """What is to be different about an address of a contact."""

    shared: bool
    """Whether several people use it: from then on it tells of nobody who they are."""


class ContactPatch(Body):
    """What is to be different about a contact; null takes it away, what is left out stays."""

    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    locale: (
        Annotated[
            str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)
        ]
        | None
    ) = None
    """BCP 47, like `de-AT`."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] | None = None
    """An IANA name, like `Europe/Vienna`."""
    preferred_channel: Channels | None = None


class NewAttachment(Body):
    """A file to be sent with a message."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """Only the last step of a path is kept of it."""
    media_type: Annotated[
        str,
        StringConstraints(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}$",
            to_lower=True,
        ),
    ]
    """Without parameters, like `application/pdf`."""
    content: Annotated[
        str,
        StringConstraints(min_length=1),
        AfterValidator(_base64),
        Field(json_schema_extra={"contentEncoding": "base64"}),
    ]
    """The bytes in base64 (RFC 4648, 4)."""


class TemplateIn(Body):
    """A text that WhatsApp has approved."""

    id: Annotated[str, StringConstraints(pattern=r"^HX[0-9a-fA-F]{32}$")]
    """Its Content SID at Twilio."""
    variables: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,16}$")],
            Annotated[str, StringConstraints(min_length=1, max_length=1_024)],
        ],
        Field(max_length=20),
    ] = {}
    """What stands in its blanks, by their names."""


class NewMessage(Body):
    """A message to a contact."""

    channel: Literal["auto", "email", "sms", "whatsapp", "chat"] = "auto"
    """`auto` answers where they last wrote. WhatsApp takes a free text within 24 hours of what they
    last wrote there, and a `template` at any time."""
    text: Text
    """With a template: what it comes to, as the timeline is to show it."""
    html: Annotated[str, StringConstraints(max_length=200_000)] = ""
    """E-mail only, beside the text."""
    subject: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\r\n]*$")] = ""
    """E-mail only; a subject of its own begins a conversation of its own."""
    conversation_id: Annotated[str, StringConstraints(max_length=64)] = ""
    """The conversation it belongs to, by id or reference; without one, where the address is."""
    purpose: Literal["conversation", "legal"] = "conversation"
    """`legal` is what the law wants sent whatever they consented to; it takes the scope
    `messages:override` too, and is shown on the entry."""
    to: AddressIn | None = None
    """One of the contact's addresses; without it, the one they last wrote from."""
    template: TemplateIn | None = None
    """WhatsApp only: sent in the place of the text."""
    attachments: Annotated[
        tuple[NewAttachment, ...], Field(max_length=10), AfterValidator(_not_too_much)
    ] = ()
    """By e-mail, and by text as an MMS: up to 10 files, together at most 4 MB. WhatsApp takes one,
    chat none."""


class ConsentIn(Body):
    """What somebody wants to be written to about at one of their addresses, on your word."""

    identity: AddressIn
    """One of the contact's addresses."""
    medium: Medium
    purpose: Literal["conversation", "transactional", "marketing", "survey", "*"] = "*"
    """`*` is every purpose."""
    state: Literal["granted", "denied"]
    """What they stopped themselves only they can start again (409)."""
    source: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
    """How you know, like `asked on the phone` or the name of a form."""
    words: Annotated[str, StringConstraints(max_length=2_000)] = ""
    """What they were shown or said."""
    request_id: Annotated[str, StringConstraints(max_length=64)] = ""
    """The request that this decides."""


class NewPromise(Body):
    """What was promised to the contact."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]
    due: Time | None = None
    """When it is to be kept by."""


class NewNote(Body):
    """An agent's note."""

    text: Text
    promise: NewPromise | None = None
    """A promise the note tells of; the hand-over pack shows it until a note says it was kept."""
    keeps: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    """Ids of open promises that were kept."""


class NewEvent(Body):
    """Something that happened at a site or in an app."""

    kind: Literal["order", "page_view", "event"]
    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,49}$")]
    """Who tells of it, like `shop`."""
    id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x22\x24-\x7e]{1,255}$")]
    """What the source calls it: told again, it is the same event."""
    occurred_at: Time
    data: dict[str, JsonValue] = {}
    """Anything else about it, of 16 KB at most."""


class ConversationPatch(Body):
    """What is to be different about a conversation."""

    assignee: Annotated[str, StringConstraints(max_length=256)] | None = None
    """An agent's `sub`; null for nobody."""
    state: State | None = Field(default=None)
    last_activity_at: Time | None = None
    """The last activity you saw; if there was one since, the answer is 409."""


class AvailabilityIn(Body):
    """Whether an agent is there."""

    available: bool
    until: Time | None = None
    """Until when they are; needed for one who is there, and a time to come."""


Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]


class DecisionIn(Body):
    """Why an agent decides so."""

    reason: Reason
    """Other agents read it when they wonder."""


class JoinIn(Body):
    """Which conversation is part of another, and why."""

    other: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The conversation that is part of it, by id or reference."""
    reason: Reason
    """Other agents read it when they wonder."""


class MergeIn(Body):
    """Who is the same person, and why."""

    other: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The contact to be joined."""
    reason: Reason | None = None
    """Other agents read it when they wonder; only a preview needs none."""


class SplitIn(Body):
    """Which address is another person's, and why."""

    identity: AddressIn
    reason: Reason
    """Other agents read it when they wonder."""

"""What the API answers with. Fields are added here, never renamed or taken away.

A text that is not there is "", everything else that is not there is null. openapi.json is made of
these classes and what stands below their fields; at run time they are plain dicts.
"""

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from shared.model.consent import Medium, Purpose
from shared.model.conversation import State, WaitingOn
from shared.model.entry import AuthorType, Channel, Direction, Kind
from shared.model.identity import IdentityKind, Trust
from shared.model.ledger import LineKind
from shared.model.merge import MergeState
from shared.model.receipt import ReceiptState
from shared.model.suggestion import Caution, Evidence, SuggestionState
from shared.rules.handover import Why, WhyNot


class DateTime:
    """Marks a text as a time for what makes openapi.json."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "format": "date-time"}


Time = Annotated[str, DateTime()]


class Address(TypedDict):
    """One point at which a contact is known."""

    kind: IdentityKind
    value: str
    """An e-mail address, a phone number in E.164, or the channel's own id."""


class Identity(TypedDict):
    """An address of a contact, and how far it is known to be theirs."""

    kind: IdentityKind
    value: str
    """An e-mail address, a phone number in E.164, or the channel's own id."""
    trust: Trust
    evidence: str
    """What proved it: a signature, a DMARC pass, an agent's word."""
    since: Time
    """When it became this contact's."""
    shared: bool
    """Several people use it: it proves nothing about who is who."""
    candidates: list[str]
    """Other contacts that its messages may concern."""


class Conversation(TypedDict):
    """Entries about one matter, over any channels."""

    id: str
    reference: str
    """What people write and read out, `#7Q4K-2M`; it names the conversation in paths too."""
    contact_id: str
    subject: str
    state: State
    assignee: str | None
    """The agent who has it, by their token's `sub`."""
    channels: list[str]
    opened_at: Time
    last_activity_at: Time
    resolved_at: Time | None
    first_response_at: Time | None
    """When an agent first answered."""
    waiting_on: WaitingOn | None
    """Whose turn it is."""


class Availability(TypedDict):
    """Whether an agent is there to be given conversations."""

    agent: str
    """By their token's `sub`."""
    available: bool
    until: Time | None
    """Null for one who is away."""


class Cost(TypedDict):
    """What a contact has cost so far, estimates replaced by real prices as they come in."""

    currency: str
    total_micro_usd: int
    """1 000 000 is 1 USD."""
    by_channel: dict[str, int]
    """The same in parts, micro-USD."""


class Contact(TypedDict):
    """One customer, with all that was merged into them."""

    id: str
    name: str
    locale: str | None
    """BCP 47."""
    time_zone: str | None
    """An IANA name."""
    preferred_channel: Channel | None
    identities: list[Identity]
    open_conversations: list[Conversation]
    """Newest first."""
    assignee: str | None
    """The agent they are used to, by their token's `sub`."""
    cost: Cost
    first_seen_at: Time
    last_seen_at: Time
    """When they last wrote."""
    merged_into: str | None
    """This contact's id, where the id asked for was merged into it."""
    merged_from: list[str]
    """Ids of contacts that were merged into this one; they still answer, with this one."""


class Author(TypedDict):
    """Who wrote an entry."""

    type: AuthorType
    id: str | None
    """An agent's `sub`, or a rule's name."""
    name: str


class Attachment(TypedDict):
    """A file that came with a message."""

    id: str
    name: str
    media_type: str
    """As its sender called it."""
    bytes: int
    url: str | None
    """A path of this API that leads to the file; null unless it is available."""
    state: Literal["available", "pending", "unavailable"]
    """`pending`: it is still to be fetched from its provider; `unavailable`: it could not be."""


class Receipt(TypedDict):
    """What became of an outbound message."""

    state: ReceiptState
    at: Time
    """When it came to be so."""
    error: str | None
    """The provider's code, or our own word for why."""
    advice: str | None
    """What to tell the agent, where a state alone would leave them guessing."""


class Provider(TypedDict):
    """Who carried a message, and what they call it."""

    name: str
    id: str


class Template(TypedDict):
    """A text that WhatsApp has approved, by its Content SID, and what stands in its blanks."""

    id: str
    variables: dict[str, str]


class Entry(TypedDict):
    """One thing on the timeline."""

    id: str
    contact_id: str
    home_contact_id: str
    """The contact it came through, before merges."""
    conversation_id: str | None
    kind: Kind
    channel: Channel
    direction: Direction
    occurred_at: Time
    """When it happened, by the provider's clock where that can be believed. Entries are in order
    of this and their ids."""
    received_at: Time
    identity: Address | None
    """The address it came through, or went to: a reply goes back there."""
    trust: Trust
    """How far the sender is proven by this very entry."""
    author: Author
    subject: str
    text: str
    """What the person wrote now."""
    html_url: str | None
    """A path of this API that leads to the mail's own HTML, made harmless."""
    attachments: list[Attachment]
    receipt: Receipt | None
    """Null unless outbound."""
    cost_micro_usd: int
    """1 000 000 is 1 USD."""
    purpose: Purpose | None
    """What a message to them is for; `legal` was sent whatever they consented to."""
    automatic: bool
    """Whether a machine sent it."""
    guest: bool
    """Whether its author has no part in its conversation: shown there, changing nothing."""
    quoted_text: str
    """The older mail below what the person wrote."""
    provider: Provider | None
    data: dict[str, Any] | None
    """What an app sent with an event."""
    defects: list[str]
    """What was broken about the message as it came in, or is left out here (`text_cut`)."""
    template: Template | None
    """What was sent by WhatsApp in the place of the text."""


class SuggestionSide(TypedDict):
    """One of two addresses that may be one person's."""

    contact_id: str | None
    """Whose it is; null where it is nobody's yet."""
    kind: IdentityKind
    value: str
    """An e-mail address, a phone number in E.164, or the channel's own id."""
    trust: Trust


class Suggestion(TypedDict):
    """A question to agents: are these two addresses one person's?"""

    id: str
    state: SuggestionState
    score: int
    """How likely it is, 1 to 99; only to sort by."""
    evidence: list[Evidence]
    """What speaks for it. New evidence opens a suggestion again that was decided."""
    cautions: list[Caution]
    """Why proof did not join them by itself."""
    sides: list[SuggestionSide]
    """Both addresses, but for one that was erased."""
    suggested_at: Time
    decided_by: str | None
    """The agent, by their token's `sub`, or `policy`."""
    decided_at: Time | None
    reason: str
    """Why it was decided so."""
    merge_id: str | None
    """The merge that accepting it made; undo that to take it back."""


class Merge(TypedDict):
    """That two contacts were declared to be one person."""

    id: str
    """What to undo."""
    survivor: str
    """The contact whose id answers for both."""
    merged: str
    """The contact whose id keeps answering, with the survivor."""
    state: MergeState
    by: str
    """The agent, by their token's `sub`, or `policy`."""
    at: Time
    reason: str
    undone_by: str | None
    undone_at: Time | None
    undone_reason: str


class Conflict(TypedDict):
    """What both contacts have, and differently; the survivor's stays, until it is undone."""

    field: str
    survivor: str
    other: str


class MergeDecision(TypedDict):
    """What became of two contacts, or would."""

    merge: Merge | None
    """Null in a preview."""
    contact: Contact
    """The survivor; in a preview as they are now."""
    other: Contact | None
    """Who is, or still is, somebody else; null once they are one."""
    conflicts: list[Conflict]
    """In a preview."""


class Split(TypedDict):
    """That an address was declared to be another person's."""

    id: str
    source: str
    """The contact that had it."""
    target: str
    """The contact that it has become."""
    by: str
    """The agent, by their token's `sub`."""
    at: Time
    reason: str


class SplitDecision(TypedDict):
    """What became of a contact that lost an address."""

    split: Split
    contact: Contact
    """Who keeps the rest."""
    other: Contact
    """The new contact."""


class Promise(TypedDict):
    """What an agent promised, and nobody has kept yet."""

    id: str
    """What a note says that it was kept by."""
    text: str
    by: str
    """The agent, by their token's `sub`."""
    at: Time
    due: Time | None
    """When it is to be kept by."""


class SpokenTo(TypedDict):
    """The agent who spoke to a contact last."""

    id: str
    """Their token's `sub`."""
    name: str
    channel: Channel
    at: Time


class NextWay(TypedDict):
    """Where to write to a contact next."""

    channel: Channel
    kind: IdentityKind
    value: str
    """The address: an e-mail address, a phone number in E.164, or the channel's own id."""
    why: Why
    """`preferred`: they asked for it; `last_wrote`: they last wrote there; `known`: it is the
    address of theirs that was last heard from."""


class AvoidedWay(TypedDict):
    """Where a contact would have been written to, but for a reason."""

    channel: Channel
    kind: IdentityKind
    value: str
    """The address: an e-mail address, a phone number in E.164, or the channel's own id."""
    why: WhyNot
    """`opted_out`: they do not want it; `blocked`: the carrier takes nothing from us to them;
    `not_reached`: our last message there failed."""


class Handover(TypedDict):
    """All it takes to go on with a contact."""

    contact: Contact
    recent: list[Entry]
    """The newest ten entries over all channels, newest first, with the first 280 characters of
    their texts."""
    promises: list[Promise]
    """Those that are open, the most urgent first."""
    spoke_to: SpokenTo | None
    """Null when no agent is among the newest entries."""
    next: NextWay | None
    """Null when they can be written to nowhere."""
    avoid: list[AvoidedWay]
    """What was passed over for `next`."""


class Billed(TypedDict):
    """An amount as its provider billed it."""

    amount: str
    """A decimal number, with the provider's own sign."""
    currency: str
    """ISO 4217."""


class CostLine(TypedDict):
    """One amount: a message's estimate, or what it later differed by."""

    id: str
    amount_micro_usd: int
    """1 000 000 is 1 USD; the sum of the three below. Negative where something is taken back."""
    provider_micro_usd: int
    """The provider's price."""
    carrier_fee_micro_usd: int
    """What carriers charge beside it: always an estimate, corrected daily on nobody's account."""
    own_micro_usd: int
    """Our own share of AWS, modelled."""
    kind: LineKind
    """`estimate`: by the rate card, when the message was recorded; `void`: it was never sent;
    `change`: it failed on the way; `price`: what the provider billed over the estimate; `fees`: a
    day's carriers' fees."""
    category: str
    """What was priced, like `sms.segment`."""
    units: int
    """How many of them; 0 where they were priced before."""
    channel: Channel
    direction: Direction
    entry_id: str | None
    entry_at: Time | None
    """When the message occurred."""
    rate: str
    """The rate, or the exchange rate, of the rate card."""
    at: Time
    """When it was booked, which decides its month."""
    actual: bool
    """Whether a bill stands behind it."""
    billed: Billed | None


class CostPage(TypedDict):
    """Cost lines, where the list goes on, and the sums of all lines asked for."""

    items: list[CostLine]
    next_cursor: str | None
    """Null at the end."""
    currency: str
    total_micro_usd: int
    by_channel: dict[str, int]
    by_month: dict[str, int]
    """By the month (UTC) in which the lines were booked, `2026-11`."""


class ConsentProposal(TypedDict):
    """What to send to decide a request."""

    identity: Address
    medium: Medium
    purpose: Purpose
    state: Literal["granted", "denied"]
    source: str
    words: str
    request_id: str


class Consent(TypedDict):
    """What somebody wants to be written to about at one address."""

    identity: Address
    medium: Medium
    purpose: Purpose
    """`*` is every purpose."""
    state: Literal["granted", "denied"]
    own: bool
    """By their own act, a STOP or START: if it is denied so, only they can grant it again."""
    source: str
    """How we know."""
    words: str
    """What they wrote, or were shown."""
    by: Author
    at: Time
    message_id: str | None
    """The entry of the message that says so."""


class ConsentRequest(TypedDict):
    """A message that may be a wish not to be written to: somebody is to decide what it means."""

    id: str
    """What a decision names; also the entry of the message."""
    contact_id: str
    identity: Address
    """The address it came from."""
    media: list[Medium]
    """What it may be about."""
    words: str
    at: Time
    proposals: list[ConsentProposal]
    """What to `PUT` to grant the wish, as it stands, one for each medium they have an address
    for."""


class Consents(TypedDict):
    """What a contact wants to be written to about, at all of their addresses."""

    items: list[Consent]
    """What counts now. A denial counts for all addresses that the same medium reaches."""
    history: list[Consent]
    """All that was ever said, oldest first."""
    requests: list[ConsentRequest]
    """What is to be decided."""
    next_cursor: str | None
    """Always null: it is all there is."""


class ContactPage(TypedDict):
    """Contacts, and where the list goes on."""

    items: list[Contact]
    next_cursor: str | None
    """Null at the end."""


class EntryPage(TypedDict):
    """Entries in order, and where the timeline goes on."""

    items: list[Entry]
    next_cursor: str | None
    """Null at the end; a page may be shorter than asked before that."""


class ConversationPage(TypedDict):
    """Conversations, and where the list goes on."""

    items: list[Conversation]
    next_cursor: str | None
    """Null at the end; a page may be shorter than asked before that."""


class SuggestionPage(TypedDict):
    """Suggestions, and where the list goes on."""

    items: list[Suggestion]
    next_cursor: str | None
    """Null at the end; a page may be shorter than asked before that."""


class ConsentRequestPage(TypedDict):
    """What is to be decided about consent, and where the list goes on."""

    items: list[ConsentRequest]
    next_cursor: str | None
    """Null at the end; a page may be shorter than asked before that."""

"""A message on its way out, and what a provider answered to it."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Channel, Direction, File, Template
from shared.model.identity import Address
from shared.model.receipt import ReceiptKey


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message to one address, ready for its provider.

    `sender` is our own number or mail address. For e-mail `message_id`, `in_reply_to` and
    `references` are RFC 5322 ids without angle brackets and `reply_to` carries the reply token.
    `status_url` is where the provider reports to; `automatic` mail says so in its headers, and by
    `unsubscribe_url` how to get no more of it. A mail carries its `files`; a text's the provider
    fetches from `media_urls`. A `template` is sent in the place of the text.
    """

    key: ReceiptKey
    channel: Channel
    to: Address
    sender: str
    text: str
    template: Template | None = None
    html: str = ""
    subject: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: str = ""
    automatic: bool = False
    unsubscribe_url: str = ""
    status_url: str = ""
    media_urls: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    queued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it under its own id; `message_ids` are the RFC 5322 ids it may go by."""

    provider_id: str
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no, and nothing left. `final`: asking again would get the same answer.

    `misconfigured`: the refusal is about our account, not this message (credentials). `opted_out`:
    the provider knows that they want nothing from this sender.
    """

    reason: str
    final: bool
    misconfigured: bool = False
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or none that says whether it left."""

    reason: str


SendResult = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What a provider says became of a message: one step of a receipt.

    `opted_out`: they want nothing from us, by this `sender` of ours where it makes a difference.
    """

    provider: str
    provider_id: str
    state: str
    error: str = ""
    at: datetime | None = None
    opted_out: bool = False
    sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMessage:
    """One message in a provider's own list, whoever sent it.

    `state` and `error` are as a report would bring them. `price` is what the provider charges, its
    own decimal string in `currency`; empty until it is known.
    """

    provider_id: str
    direction: Direction
    to: str
    sender: str
    text: str
    state: str
    created_at: datetime
    updated_at: datetime
    error: str = ""
    price: str = ""
    currency: str = ""

    def report(self, provider: str) -> StatusReport:
        """What the list says of it, as a callback would have said it."""
        return StatusReport(
            provider=provider,
            provider_id=self.provider_id,
            state=self.state,
            error=self.error,
            at=self.updated_at,
        )

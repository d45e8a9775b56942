"""An entry as its provider gets it: addresses, ids and where the answer goes."""

from shared.model.conversation import Conversation
from shared.model.entry import Channel, Entry, File
from shared.model.errors import InvalidRequestError
from shared.model.receipt import Receipt, ReceiptState
from shared.model.sending import OutboundMessage
from shared.rules import reply_tokens

_REPLY_MAILBOX = "support"  # with a token it stays below the 64 octets of a local part


def outbound_message(
    entry: Entry,
    receipt: Receipt,
    conversation: Conversation | None,
    *,
    sender: str,
    status_url: str,
    unsubscribe_url: str = "",
    mail_domain: str,
    reply_keys: reply_tokens.Keys,
    media_urls: tuple[str, ...] = (),
    files: tuple[File, ...] = (),
) -> OutboundMessage:
    """The message to send. `sender` is our own address, the entry carries its whole body.

    Raises InvalidRequestError for an entry that goes to nobody.
    """
    if entry.address is None:
        raise InvalidRequestError("the entry has no address")
    reply_to = ""
    if entry.channel is Channel.EMAIL:
        token = reply_tokens.make(reply_keys, entry.conversation_id)
        reply_to = f"{_REPLY_MAILBOX}+{token}@{mail_domain}"
    return OutboundMessage(
        key=receipt.key,
        channel=entry.channel,
        to=entry.address,
        sender=sender,
        text=entry.text,
        template=entry.template,
        html=entry.html,
        subject=entry.subject,
        message_id=entry.message_id,
        in_reply_to=_in_reply_to(entry, conversation),
        reply_to=reply_to,
        automatic=entry.automatic,
        unsubscribe_url=unsubscribe_url,
        status_url=status_url,
        media_urls=media_urls,
        files=files,
        queued_at=receipt.steps.get(ReceiptState.QUEUED),
    )


def _in_reply_to(entry: Entry, conversation: Conversation | None) -> str:
    """What it answers: a mail's id, a chat's session. Ids of other channels mean nothing here."""
    last_in = conversation.last_in if conversation else None
    if entry.in_reply_to or last_in is None or last_in.channel is not entry.channel:
        return entry.in_reply_to
    return last_in.message_id

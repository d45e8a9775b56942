"""An outbound mail as bytes."""

import re
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

from shared.model.errors import InvalidRequestError
from shared.model.sending import OutboundMessage
from shared.providers.mime.automatic import ENTRY_HEADER
from shared.providers.mime.charsets import clean, one_line

MAX_SUBJECT = 500

# SES takes ASCII only before the `@`, and a quoted local part is more trouble than it is mail
# (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html).
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{1,253}")
# A mail within a mail may not be encoded (RFC 2046, 5.2.1), so it travels as any bytes do.
_STRUCTURED = ("message", "multipart")
_UNFOLDED = frozenset({"Message-ID", "In-Reply-To", "References", "List-Unsubscribe"})


class _Policy(EmailPolicy):
    """The library encodes a word longer than a line, and SES's message ids have 84 characters."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name in _UNFOLDED:
            return f"{name}: ".encode() + b"\r\n ".join(str(value).encode().split()) + b"\r\n"
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def compose(message: OutboundMessage) -> bytes:
    """The mail, to one recipient. Raises InvalidRequestError for an address SES cannot send to.

    SES overwrites Message-ID but leaves References alone: our own id stands first there, so that
    an answer can be told whichever of the two it names
    (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html).
    """
    to = message.to.routable
    if not _ADDRESS.fullmatch(to):
        raise InvalidRequestError("SES cannot send to this address", "to")
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = message.sender
    mail["To"] = to
    mail["Subject"] = one_line(message.subject, MAX_SUBJECT)
    references = dict.fromkeys((message.message_id, *message.references, message.in_reply_to))
    ids = {
        "Message-ID": [message.message_id],
        "In-Reply-To": [message.in_reply_to],
        "References": list(references),
    }
    for name, named in ids.items():
        if value := " ".join(f"<{one}>" for one in named if one):
            mail[name] = one_line(value, len(value))
    if message.reply_to:
        mail["Reply-To"] = message.reply_to
    mail[ENTRY_HEADER] = message.key.entry_id
    if message.automatic:
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834
        mail["X-Auto-Response-Suppress"] = "All"  # Exchange's way of saying it
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail.set_content(clean(message.text), cte="quoted-printable")
    if message.html:
        mail.add_alternative(clean(message.html), subtype="html", cte="quoted-printable")
    for file in message.files:
        kind, _, subtype = file.attachment.media_type.partition("/")
        if kind in _STRUCTURED:
            kind, subtype = "application", "octet-stream"
        mail.add_attachment(
            file.content, maintype=kind, subtype=subtype, filename=file.attachment.name
        )
    return mail.as_bytes()

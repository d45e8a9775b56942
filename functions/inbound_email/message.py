"""A stored mail as a message to record."""

from dataclasses import replace
from datetime import timedelta

from shared.model.message import InboundMessage
from shared.providers.mime.parse import parse_mail
from shared.providers.ses.mailbox import StoredMail
from shared.store.attachments import Attachments


def to_message(
    mail: StoredMail, *, mail_domain: str, attachments: Attachments, offset: timedelta
) -> InboundMessage:
    """The message, after its files are stored: what is recorded is whole.

    It was received when SES stored it, shifted by `offset`. Raises UnavailableError.
    """
    parsed = parse_mail(
        mail.raw,
        received_at=mail.stored_at + offset,
        mail_domain=mail_domain,
        raw_key=mail.key,
        delivery_id=mail.id,
    )
    message = parsed.message
    kept = tuple(
        attachments.keep(file.attachment, file.content, delivery=message.delivery, number=number)
        for number, file in enumerate(parsed.files)
    )
    return replace(message, attachments=kept)

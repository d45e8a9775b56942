"""One stored mail, put on its sender's timeline."""

from dataclasses import replace
from functools import cache, partial

from shared.model.message import InboundMessage
from shared.providers.mime.parse import ParsedMail, parse_mail
from shared.providers.ses.mailbox import Mailbox, StoredMail
from shared.rate_card import rate_card
from shared.record import Recorded, record
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now, parse_offset
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import InboundEmailSettings
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.table import Table


@cache
def settings() -> InboundEmailSettings:
    return InboundEmailSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


def mailbox() -> Mailbox:
    """Where SES puts mail."""
    return Mailbox(clients.s3(), settings().mail_bucket)


def record_mail(mail: StoredMail) -> Recorded:
    """Record a mail, after its files are stored: nothing is ever half visible.

    A repeated one changes nothing. Raises UnavailableError.
    """
    parsed = parse_mail(
        mail.raw,
        received_at=mail.stored_at + parse_offset(settings().clock_offset),
        mail_domain=settings().mail_domain,
        raw_key=mail.key,
        delivery_id=mail.id,
    )
    return record(
        _with_files(parsed),
        table=table(),
        bodies=Bodies(clients.s3, settings().content_bucket),
        now=now(settings().clock_offset),
        price=partial(price_inbound, rate_card()),
        reply_keys=signing_keys(settings().keys_secret).keys,
    )


def _with_files(parsed: ParsedMail) -> InboundMessage:
    attachments = Attachments(clients.s3, settings().content_bucket)
    delivery = parsed.message.delivery
    kept = tuple(
        attachments.keep(file.attachment, file.content, delivery=delivery, number=number)
        for number, file in enumerate(parsed.files)
    )
    return replace(parsed.message, attachments=kept)

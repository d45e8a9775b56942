"""When WhatsApp takes a free text: within 24 hours of the person's last message to us.

https://www.twilio.com/docs/api/errors/63016 (read 2026-11-22). Later it takes approved templates
alone, and fails anything else minutes after it was accepted.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.model.identity import Identity

WINDOW = timedelta(hours=24)


def takes_free_text(identities: Iterable[Identity], now: datetime) -> bool:
    """Whether one of a contact's addresses was heard from by WhatsApp within the window.

    A number and a business-scoped id are one person's there, and here perhaps two addresses: it is
    never closed here while it is open there.
    """
    heard = (each.whatsapp_at for each in identities)
    return any(at and now - at < WINDOW for at in heard)

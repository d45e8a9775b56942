"""When WhatsApp takes a free text: within 24 hours of the person's last message to us.

https://www.twilio.com/docs/api/errors/63016 (read 2026-11-22). Later it takes approved templates
alone, and fails anything else minutes after it was accepted.
"""

from datetime import datetime, timedelta

from shared.model.identity import Identity

WINDOW = timedelta(hours=24)


def takes_free_text(identity: Identity, now: datetime) -> bool:
    """Whether the window may be open.

    A phone number may have been heard from by SMS alone; then WhatsApp has the last word, and the
    receipt fails with 63016. It is never closed here while it is open there.
    """
    return identity.messages > 0 and now - identity.seen < WINDOW

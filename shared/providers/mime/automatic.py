"""Whether a machine wrote a mail: no acknowledgement, no reopening, no notification for it.

X-Auto-Response-Suppress is no sign of it: Exchange adds that to what people write, too.
"""

import re

from shared.providers.mime.sender import Sender
from shared.providers.mime.structure import Headers, Part
from shared.providers.mime.verdicts import Verdicts

ENTRY_HEADER = "X-Throughline-Entry"  # on every mail we send, so that our own is known again

_SIGNS = (
    "list-id",
    "list-unsubscribe",
    "x-autoreply",
    "x-autorespond",
    "x-autoreply-from",
    "x-loop",
    ENTRY_HEADER.lower(),
)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_DAEMON = re.compile(r"(?:mailer-daemon|postmaster)@", re.IGNORECASE)


def is_automatic(mail: Part, sender: Sender, verdicts: Verdicts) -> bool:
    """Whether any sign of a machine is on the mail (RFC 3834; RFC 2919; RFC 3462)."""
    headers = mail.headers
    return (
        any(sign in headers for sign in _SIGNS)
        or _word(headers, "auto-submitted") not in ("", "no")
        or _word(headers, "precedence") in _BULK
        or mail.media_type == "multipart/report"
        or verdicts.return_path == "<>"
        or bool(_DAEMON.match(sender.address.value))
    )


def _word(headers: Headers, name: str) -> str:
    return headers.first(name).partition(";")[0].strip().lower()

"""What a mail says about the conversation it belongs to. None of it is proof."""

import re
from collections.abc import Iterable

from shared.providers.mime.structure import Headers
from shared.providers.mime.verdicts import Verdicts

MAX_REFERENCES = 50

# On the raw header: parsers cut `<a b@c>` short and fail on `<[a]@b>`.
_ID = re.compile(r"<([^<>\s]{1,400})>")


def read_message_id(headers: Headers) -> str:
    """The mail's own id without angle brackets, or nothing."""
    return next(iter(_ID.findall(headers.first("message-id"))), "")


def read_references(headers: Headers) -> tuple[str, ...]:
    """The ids this mail answers, oldest first, the one it answers directly last; at most 50."""
    named = [value for field in ("references", "in-reply-to") for value in headers.ends(field)]
    newest_first = dict.fromkeys(reversed(_ID.findall(" ".join(named))))
    return tuple(reversed(newest_first))[-MAX_REFERENCES:]


def read_recipients(headers: Headers, verdicts: Verdicts, mail_domain: str) -> list[str]:
    """The addresses at our own domain this mail was sent to, the envelope's first."""
    ours = re.compile(
        rf"(?<![^\s<>,;:\"])([^\s\"(),:;<>@\[\]\\]{{1,64}}@{re.escape(mail_domain)})(?![\w.@-])",
        re.IGNORECASE,
    )
    named: Iterable[str] = (
        value
        for field in ("delivered-to", "x-original-to", "to", "cc")
        for value in headers.all(field)
    )
    found = [address for text in (verdicts.recipient, *named) for address in ours.findall(text)]
    return list(dict.fromkeys(found))


def read_reply_token(recipients: Iterable[str]) -> str:
    """The token in the first of our addresses that carries one: `support+<token>@…`."""
    tokens = (address.rpartition("@")[0].partition("+")[2] for address in recipients)
    return next(filter(None, tokens), "")

"""What people wrote and where they are reached, looked for in logs in every form it may take."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

_PIECE = 24  # characters of a line that tell it from any other
_GRAM = 8  # characters that a log is searched by
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|\+\d{8,15}|\d{11}")
_SHORTEST = 8  # characters of what is nobody's else by chance


def leaks(log: str, told: Iterable[str]) -> dict[str, str]:
    """What of the texts and addresses `told` is in a log, and the form in which it is."""
    log = log.lower()
    grams = {log[at : at + _GRAM] for at in range(len(log) - _GRAM + 1)}
    return {
        piece: form
        for text in told
        for piece in pieces(text)
        for form in forms(piece)
        if form[:_GRAM] in grams and form in log
    }


def pieces(text: str) -> set[str]:
    """The beginnings of a text's lines: a leak may be cut. Nothing of what is too common."""
    lines = {line.strip()[:_PIECE].strip() for line in text.splitlines()}
    return {line for line in lines if len(line) >= _SHORTEST and is_personal(line)}


def is_personal(text: str) -> bool:
    """Whether a text is an address or several words; one word may be a code of ours."""
    return bool(_ADDRESS.fullmatch(text)) or " " in text


def forms(piece: str) -> set[str]:
    """How a piece of text may be written, all in lower case."""
    raw = piece.encode(errors="replace")
    in_json = json.dumps(piece)[1:-1]
    made = {
        piece,
        in_json,
        json.dumps(in_json)[1:-1],
        json.dumps(piece, ensure_ascii=False)[1:-1],
        repr(piece)[1:-1],
        repr(raw)[2:-1],
        quote(piece, errors="replace"),
        quote_plus(piece, errors="replace"),
        quote(piece, safe="@", errors="replace"),
        html.escape(piece),
        raw.hex(),
        *_in_base64(raw),
    }
    if _ADDRESS.fullmatch(piece):
        made |= {piece.removeprefix("+"), *_hashed(piece), *_hashed(piece.lower())}
    return {form.lower() for form in made if len(form) >= _SHORTEST}


def _in_base64(raw: bytes) -> Iterator[str]:
    """As it is within the base64 of something longer, wherever it begins there."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        whole = (before + len(raw)) * 8 // 6
        inner = encoded[-(-before * 8 // 6) : whole]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _hashed(piece: str) -> Iterator[str]:
    """Hashed without a key, an address can be found out by trying all there are."""
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, piece.encode()).digest()
        yield digest.hex()
        yield base64.b64encode(digest).decode().rstrip("=")


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for member in value.values() for text in texts(member))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (text for member in value for text in texts(member))


def said_in(body: bytes) -> Iterator[str]:
    """Every text in a request's body: JSON, a form, or itself."""
    try:
        yield from texts(json.loads(body))
    except (ValueError, RecursionError):
        text = body.decode(errors="replace")
        yield from (value for _, value in parse_qsl(text)) if "=" in text else (text,)


def said_in_mail(source: bytes) -> Iterator[str]:
    """A mail's addresses, names, subject and words."""
    mail = message_from_bytes(source, policy=default)
    for header in ("From", "To", "Subject"):
        written = str(mail[header] or "")
        yield written
        yield from _ADDRESS.findall(written.replace("<", " ").replace(">", " "))
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            yield str(part.get_content())

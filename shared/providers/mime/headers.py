"""One header's text: encoded words (RFC 2047) and parameters (RFC 2045, RFC 2231)."""

import binascii
import re
import string
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from shared.providers.mime.charsets import decode, guess

MAX_HEADER = 8 * 1024

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?(.{0,1000}?)\?=", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(
    r';\s*+([^\s=;"]{1,64}+)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^;\s]*+))', re.DOTALL
)
_PARAMETER_NAME = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BASE64 = f"{string.ascii_letters}{string.digits}+/".encode()
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded; what cannot be decoded stays as it is."""
    pieces: list[str] = []
    run: list[bytes] = []  # words of one charset: a character may begin in one, end in the next
    run_charset = ""
    position = 0
    for word in _WORD.finditer(text):
        charset = word[1].partition("*")[0].lower()
        between = text[position : word.start()]
        adjacent = bool(run) and not between.strip()  # the space between two words is dropped
        if not adjacent or charset != run_charset:
            pieces += [_joined(run, run_charset), "" if adjacent else between]
            run, run_charset = [], charset
        run.append(_word_bytes(word[2], word[3]))
        position = word.end()
    return "".join((*pieces, _joined(run, run_charset), text[position:]))


def _joined(run: list[bytes], charset: str) -> str:
    data = b"".join(run)
    text = decode(data, charset)
    return guess(data) if text is None else text


def _word_bytes(encoding: str, payload: str) -> bytes:
    data = payload.encode(errors="replace")
    return decode_base64(data)[0] if encoding in "bB" else binascii.a2b_qp(data, header=True)


def decode_base64(data: bytes | memoryview) -> tuple[bytes, bool]:
    """The bytes that base64 `data` stands for, and whether none are missing."""
    try:
        return binascii.a2b_base64(data), True
    except binascii.Error:
        letters = bytes(data).translate(None, delete=_NOT_BASE64)
        rest = len(letters) % 4
        padded = letters[:-1] if rest == 1 else letters + b"=" * (-rest % 4)
        return binascii.a2b_base64(padded), False


def parameters(header: str) -> Mapping[str, str]:
    """The parameters of a structured header, by lower-case name; the extended form wins."""
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(header[:MAX_HEADER]):
        value = match[3] if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        name = _PARAMETER_NAME.fullmatch(match[1].lower())
        if name is None:
            continue
        base, number, encoded = name.groups()
        if number or encoded:
            extended.setdefault(base, {})[int(number or 0)] = (value, bool(encoded))
        else:
            plain.setdefault(base, decode_words(value))
    return plain | {name: _extended(pieces) for name, pieces in extended.items()}


def _extended(pieces: Mapping[int, tuple[str, bool]]) -> str:
    """A parameter cut in pieces, some percent-encoded, the first naming the charset."""
    charset, data = "", b""
    for _, (piece, encoded) in sorted(pieces.items()):
        value = piece
        if encoded and not data and piece.count("'") >= 2:
            charset, _, value = piece.split("'", 2)
        data += unquote_to_bytes(value) if encoded else value.encode(errors="replace")
    return _joined([data], charset)

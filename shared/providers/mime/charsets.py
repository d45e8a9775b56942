"""Bytes to characters, and which characters are kept."""

import re

# What mail is labelled, and the superset that those who label it so really write
# (WHATWG Encoding Standard, section 4.2).
_REALLY = {
    "ascii": "",
    "us-ascii": "",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-8-i": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "cp-850": "cp850",
    "unicode-1-1-utf-7": "utf-7",
}
# Codecs of Python's own that no mail is written in; some take quadratic time.
_REFUSED = re.compile(r"idna|punycode|undefined|mbcs|oem|.*unicode.*escape.*", re.IGNORECASE)
_NAME = re.compile(r"[\w.:+-]{1,40}")

_DROPPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff]")
# Marks that turn the direction of text, so that `exe.fdp` reads as a harmless name.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def decode(data: bytes, charset: str) -> str | None:
    """The characters of `data`, or None when there is no such charset. No charset: a guess."""
    label = charset.strip().lower()
    name = _REALLY.get(label, label)
    if not name:
        return guess(data)
    if not _NAME.fullmatch(name) or _REFUSED.fullmatch(name):
        return None
    try:
        return data.decode(name, errors="replace")
    except (LookupError, UnicodeError):
        return None


def guess(data: bytes) -> str:
    """The characters of unlabelled `data`: UTF-8 where it is that, else Western European."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def clean(text: str) -> str:
    """`text` with line feeds only, without control characters and lone surrogates."""
    return _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters, without marks of direction."""
    return _DIRECTIONS.sub("", _DROPPED.sub("", " ".join(text.split())))[:limit].strip()

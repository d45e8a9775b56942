"""A mail's headers and parts, found without recursion that an attacker could deepen.

Nothing is copied: a part is a view into the raw mail, so a mail of 40 MB (the most SES stores)
takes little more memory than itself and its decoded files.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.providers.mime.charsets import guess
from shared.providers.mime.defects import Defect
from shared.providers.mime.headers import MAX_HEADER, decode_base64, parameters

MAX_DEPTH = 20
MAX_PARTS = 200
_MAX_HEADERS_BYTES = 256 * 1024

_BLANK_LINE = re.compile(rb"\n\r?\n")
_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,100})[ \t]*")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_ENCODED = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a mail or part in their order: lower-case name, raw unfolded value."""

    fields: tuple[tuple[str, bytes], ...]

    def all(self, name: str) -> list[str]:
        """The values of all headers of that name, undecoded, each cut at 8 K characters."""
        return [text(value)[:MAX_HEADER] for field, value in self.fields if field == name]

    def ends(self, name: str) -> list[str]:
        """Like `all`, but of a longer value its last 8 K: where the newest references are."""
        return [text(value)[-MAX_HEADER:] for field, value in self.fields if field == name]

    def first(self, name: str) -> str:
        """The first header of that name, or nothing."""
        return next(iter(self.all(name)), "")

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)


@dataclass(frozen=True, slots=True)
class Part:
    """A mail or one of its parts. A multipart has `children`, unless it lies too deep."""

    headers: Headers
    body: memoryview
    children: tuple["Part", ...] = ()

    @property
    def media_type(self) -> str:
        """`type/subtype` in lower case; text/plain where none is named (RFC 2045, 5.2)."""
        named = self.headers.first("content-type").partition(";")[0].strip().lower()
        return named if _MEDIA_TYPE.fullmatch(named) else "text/plain"

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or nothing (RFC 2183)."""
        return self.headers.first("content-disposition").partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The file's name as the sender wrote it: not safe to use."""
        disposed = parameters(self.headers.first("content-disposition")).get("filename", "")
        return disposed or parameters(self.headers.first("content-type")).get("name", "")

    @property
    def charset(self) -> str:
        """The charset named for its text, or nothing."""
        return parameters(self.headers.first("content-type")).get("charset", "")

    def content(self) -> tuple[bytes, bool]:
        """The part's bytes without their transfer encoding, and whether none are missing."""
        encoding = self.headers.first("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return decode_base64(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body), True
        return bytes(self.body), encoding in _NOT_ENCODED


def text(value: bytes) -> str:
    """A header's characters: UTF-8 (RFC 6532), or what old programs put there instead."""
    return guess(value).replace("\x00", "").replace("\r", " ").strip()


def read(raw: bytes, defects: set[Defect]) -> Part:
    """The whole mail."""
    return _Reader(raw, defects).part(0, len(raw), depth=0)


class _Reader:
    def __init__(self, raw: bytes, defects: set[Defect]) -> None:
        self._raw = raw
        self._view = memoryview(raw)
        self._defects = defects
        self._parts = 0

    def part(self, start: int, end: int, depth: int) -> Part:
        headers, body = self._headers(
            start, end, Defect.MIME_BROKEN if depth else Defect.HEADER_BROKEN
        )
        whole = Part(headers, self._view[body:end])
        if not whole.media_type.startswith("multipart/"):
            return whole
        if depth == MAX_DEPTH:
            self._defects.add(Defect.MIME_TOO_DEEP)
            return whole
        boundary = parameters(headers.first("content-type")).get("boundary", "").strip()
        children = tuple(self._children(body, end, boundary, depth)) if boundary else ()
        if not children:  # whatever it is, it is shown
            self._defects.add(Defect.MIME_BROKEN)
            children = (Part(Headers(()), whole.body),)
        return Part(headers, whole.body, children)

    def _children(self, start: int, end: int, boundary: str, depth: int) -> Iterator[Part]:
        for section in _sections(self._raw, start, end, boundary.encode(errors="replace")):
            if self._parts == MAX_PARTS:
                self._defects.add(Defect.MIME_TOO_MANY_PARTS)
                return
            self._parts += 1
            yield self.part(*section, depth + 1)

    def _headers(self, start: int, end: int, broken: Defect) -> tuple[Headers, int]:
        """The headers from `start`, and where the body begins."""
        if self._raw.startswith((b"\n", b"\r\n"), start, end):
            return Headers(()), self._raw.index(b"\n", start) + 1
        blank = _BLANK_LINE.search(self._raw, start, end)
        stop, body = blank.span() if blank else (end, end)
        if stop - start > _MAX_HEADERS_BYTES:  # a second From may be in what is not read
            self._defects |= {Defect.HEADER_TOO_LONG, broken}
        block = self._raw[start : min(stop, start + _MAX_HEADERS_BYTES)]
        return self._fields(block, broken), body

    def _fields(self, block: bytes, broken: Defect) -> Headers:
        fields: list[tuple[str, list[bytes]]] = []
        if block.startswith(b"From "):  # an mbox's separator
            block = block.partition(b"\n")[2]
        for line in block.split(b"\n"):
            content = line.rstrip(b"\r")
            if content[:1] in (b" ", b"\t") and fields:
                fields[-1][1].append(content)
                continue
            before, colon, value = content.partition(b":")
            if before.startswith(_BYTE_ORDER_MARK):
                self._defects.add(broken)
                before = before.removeprefix(_BYTE_ORDER_MARK)
            name = _NAME.fullmatch(before)
            if colon and name:
                fields.append((name[1].decode("ascii").lower(), [value]))
            elif content:
                self._defects.add(broken)
        joined = tuple((name, b"".join(pieces)) for name, pieces in fields)
        if any(len(value) > MAX_HEADER for _, value in joined):
            self._defects.add(Defect.HEADER_TOO_LONG)
        return Headers(joined)


def _sections(raw: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts between a multipart's delimiter lines begin and end (RFC 2046, 5.1.1)."""
    delimiter = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]*+\r?(?=\n|\Z)")
    opened = -1
    for found in delimiter.finditer(raw, start - 1, end):
        if opened >= 0:
            line_end = found.start()
            carriage_return = raw[line_end - 1 : line_end] == b"\r"
            yield opened, max(opened, line_end - carriage_return)
        opened = found.end() + 1
        if found[1] or opened > end:
            return
    if opened >= 0:
        yield opened, end

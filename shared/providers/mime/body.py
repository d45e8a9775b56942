"""Which parts of a mail are its text, and which are files."""

import re
from dataclasses import dataclass

from shared.providers.mime import markup
from shared.providers.mime.charsets import clean, decode, guess, one_line
from shared.providers.mime.defects import Defect
from shared.providers.mime.structure import Part

MAX_BODY = 1024 * 1024  # bytes of one text, characters of all
_MAX_PREVIEW = 64 * 1024

# Further renderings of the text, for programs that are not ours.
_RENDERINGS = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched"})
_EVENT_LINE = re.compile(r"^(SUMMARY|DTSTART)[^:\n]{0,200}:(.{0,500})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Body:
    """A mail's text and HTML as written (either may be empty), and the parts that are files."""

    text: str
    html: str
    files: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Passage:
    """A stretch of the body, as text, as HTML, or as both."""

    text: str = ""
    html: str = ""


def read_body(mail: Part, defects: set[Defect]) -> Body:
    """The body of `mail`. A mail without one gets what its first text file says."""
    reader = _Reader(defects)
    passages = reader.passages(mail)
    text = _as_text(passages) or _from_files(reader.files)
    html = "\n".join(passage.html for passage in passages if passage.html)
    if max(len(text), len(html)) > MAX_BODY:
        defects.add(Defect.BODY_TRUNCATED)
    return Body(text[:MAX_BODY], html[:MAX_BODY], tuple(reader.files))


class _Reader:
    def __init__(self, defects: set[Defect]) -> None:
        self.files: list[Part] = []
        self._defects = defects

    def passages(self, part: Part) -> list[_Passage]:
        """The body's passages in `part`, in their order; its files are put with the others."""
        if part.children:
            groups = [self.passages(child) for child in part.children]
            if part.media_type == "multipart/alternative":
                return [_chosen(groups)]
            return [passage for group in groups for passage in group]
        if _is_file(part):
            self.files.append(part)
            return []
        if part.media_type in _RENDERINGS:
            return []
        text = self._text(part)
        return [_Passage(html=text) if part.media_type == "text/html" else _Passage(text=text)]

    def _text(self, part: Part) -> str:
        content, whole = part.content()
        if not whole:
            self._defects.add(Defect.ENCODING_BROKEN)
        if len(content) > MAX_BODY:
            self._defects.add(Defect.BODY_TRUNCATED)
            self.files.append(part)
        text = decode(content[:MAX_BODY], part.charset)
        if text is None:
            self._defects.add(Defect.CHARSET_UNKNOWN)
            text = guess(content[:MAX_BODY])
        return clean(text)


def _is_file(part: Part) -> bool:
    if part.disposition == "attachment":
        return True
    if part.media_type in ("text/plain", "text/html"):
        return bool(part.filename)
    return part.media_type not in _RENDERINGS


def _chosen(groups: list[list[_Passage]]) -> _Passage:
    """Of alternative bodies the plainest text and the richest HTML (RFC 2046, 5.1.4)."""
    texts = ("\n".join(p.text for p in group if p.text.strip()) for group in groups)
    htmls = ["\n".join(p.html for p in group if p.html.strip()) for group in groups]
    return _Passage(next(filter(None, texts), ""), next(filter(None, reversed(htmls)), ""))


def _as_text(passages: list[_Passage]) -> str:
    """The passages as one text; where one has HTML only, what a reader sees of it."""
    texts: list[str] = []
    left = markup.MAX_HTML
    for passage in passages:
        if passage.text.strip():
            texts.append(passage.text.strip("\n"))
        elif passage.html:
            texts.append(markup.to_text(passage.html[:left]))
            left = max(0, left - len(passage.html))
    return "\n".join(filter(None, texts))


def _from_files(files: list[Part]) -> str:
    for part in files:
        if part.media_type.startswith("text/"):
            content = part.content()[0][:_MAX_PREVIEW]
            text = clean(decode(content, part.charset) or guess(content))
            as_text = {"text/calendar": _event, "text/html": markup.to_text}
            return as_text.get(part.media_type, str)(text)
    return ""


def _event(calendar: str) -> str:
    """What a calendar file (RFC 5545) is about, and when: `Standup, 20260105T100000Z`."""
    event = calendar.partition("BEGIN:VEVENT")[2].replace("\n ", "")
    lines = dict(reversed(_EVENT_LINE.findall(event)))
    return one_line(", ".join(lines[name] for name in ("SUMMARY", "DTSTART") if name in lines), 500)

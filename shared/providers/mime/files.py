"""The files of a mail: their bytes, and names and media types that are safe to show."""

import re
from collections.abc import Iterable

from shared.model.entry import Attachment, File
from shared.providers.mime.charsets import one_line
from shared.providers.mime.defects import Defect
from shared.providers.mime.headers import decode_words
from shared.providers.mime.structure import Part

MAX_NAME = 120

_FOLDERS = re.compile(r"[/\\]")
_ENDINGS = {
    "application/pdf": ".pdf",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "message/delivery-status": ".txt",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
}


def read_files(parts: Iterable[Part], defects: set[Defect]) -> tuple[File, ...]:
    """The files in these parts, no two of the same name."""
    files: list[File] = []
    taken: set[str] = set()
    for number, part in enumerate(parts, start=1):
        content, whole = part.content()
        if not whole:
            defects.add(Defect.ENCODING_BROKEN)
        name = safe_name(decode_words(part.filename), part.media_type, number, taken)
        attachment = Attachment(
            name=name,
            media_type=part.media_type,
            size_bytes=len(content),
            inline="content-id" in part.headers and part.disposition != "attachment",
        )
        files.append(File(attachment, content))
    return tuple(files)


def safe_name(written: str, media_type: str, number: int, taken: set[str]) -> str:
    """The last step of the path that was written, on one line, its ending kept when cut.

    It is like none that is `taken`, and is taken from now on.
    """
    name = _FOLDERS.split(one_line(written, 1000))[-1].strip(" .")
    stem, ending = _split_ending(name)
    name = stem[: MAX_NAME - len(ending)] + ending
    if not name:
        name = f"attachment-{number}{_ENDINGS.get(media_type, '')}"
    if name.lower() in taken:
        stem, ending = _split_ending(name)
        name = f"{stem} ({number}){ending}"
    taken.add(name.lower())
    return name


def _split_ending(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending) <= 16 else (name, "")

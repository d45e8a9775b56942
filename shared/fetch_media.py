"""Bring the files of a message from its provider, and keep them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model.entry import Attachment
from shared.model.errors import NotFoundError, RejectedError, UnavailableError
from shared.model.message import Delivery
from shared.store import entries
from shared.store.attachments import Attachments, place
from shared.store.objects import Objects
from shared.store.table import Table

TRIES = 5  # as many as the queue makes (template.yaml, held by a test)
_MOST_FILES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry lies."""

    home: str
    at: datetime
    entry_id: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many of the files are kept now, and how many can not be had."""

    kept: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFetcher:
    """What fetching takes.

    `read` raises RejectedError for a file that is never to be had, NotFoundError for one that is
    not there, perhaps not yet, UnavailableError where nobody knows.
    """

    table: Table
    attachments: Attachments
    content: Objects
    read: Callable[[str], bytes]

    def fetch(self, at: Place, *, last_try: bool) -> Fetched:
        """Keep what is still at the provider; what is kept or given up already is left alone.

        On the last try a file that is not there is given up: the message stays, without it. Of an
        entry that was erased nothing stays that an earlier try has kept. Raises UnavailableError:
        ask again later.
        """
        try:
            entry = entries.get(self.table, at.home, at.at, at.entry_id)
        except NotFoundError:
            self.content.forget(_keys(at.entry_id))
            return Fetched()
        kept = lost = left = 0
        for index, attachment in enumerate(entry.attachments):
            if not attachment.is_elsewhere:
                continue
            try:
                content = self.read(attachment.source_url)
            except UnavailableError:
                left += 1
                continue
            except (NotFoundError, RejectedError) as error:
                if isinstance(error, NotFoundError) and not last_try:
                    left += 1
                    continue
                had, lost = replace(attachment, source_url=""), lost + 1
            else:
                had = self._keep(attachment, content, entry.id, index)
                kept += 1
            entries.set_attachment(self.table, entry, index, had)
        if left:
            raise UnavailableError(f"{left} files are still at their provider")
        return Fetched(kept, lost)

    def _keep(
        self, attachment: Attachment, content: bytes, entry_id: str, index: int
    ) -> Attachment:
        known = replace(attachment, size_bytes=len(content), source_url="")
        return self.attachments.keep(known, content, delivery=_named(entry_id), number=index)


def _named(entry_id: str) -> Delivery:
    """By the entry, so that the keys are known when the entry is no more."""
    return Delivery("entry", entry_id)


def _keys(entry_id: str) -> list[str]:
    nameless = Attachment(name="", media_type="")
    return [place(nameless, _named(entry_id), n).object_key for n in range(_MOST_FILES)]

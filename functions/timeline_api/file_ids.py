"""The ids of files: signed, and saying themselves where the file lies, for no index knows it."""

import json
from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Entry
from shared.model.errors import NotFoundError
from shared.model.events import rfc3339
from shared.rules import signed_tokens
from shared.rules.signed_tokens import Keys

_PURPOSE = "file"


@dataclass(frozen=True, slots=True)
class FileId:
    """An entry's attachment by its number, or (None) the entry's own HTML."""

    home: str
    at: datetime
    entry_id: str
    number: int | None

    @classmethod
    def of(cls, entry: Entry, number: int | None) -> "FileId":
        """The id of one file of an entry."""
        return cls(entry.home, entry.occurred_at, entry.id, number)


def seal(keys: Keys, file: FileId) -> str:
    """The id as clients know it."""
    payload = [file.home, rfc3339(file.at), file.entry_id, file.number]
    return signed_tokens.sign(keys, _PURPOSE, json.dumps(payload))


def unseal(keys: Keys, text: str) -> FileId:
    """The file that an id names. Raises NotFoundError for an id that is not ours."""
    payload = signed_tokens.read(keys, _PURPOSE, text)
    if payload is None:
        raise NotFoundError("no such attachment")
    home, at, entry_id, number = json.loads(payload)
    return FileId(home, datetime.fromisoformat(at), entry_id, number)

"""Where a list goes on: a position in the table, signed and bound to the query it belongs to."""

import json
from dataclasses import dataclass

from shared.model.errors import InvalidCursorError
from shared.rules import signed_tokens
from shared.rules.signed_tokens import Keys

_PURPOSE = "cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The sort key a list goes on behind.

    `alone`: the contact had no other members when its timeline was first read, so going on in its
    own partition needs no look at its profile.
    """

    position: str
    alone: bool = False


def seal(keys: Keys, cursor: Cursor, query: str) -> str:
    """The cursor as clients carry it, good for `query` (its path and filters) alone."""
    return signed_tokens.sign(keys, _PURPOSE, json.dumps([cursor.position, cursor.alone]), query)


def unseal(keys: Keys, token: str, query: str) -> Cursor:
    """The cursor in a token. Raises InvalidCursorError unless we made it for this very query."""
    payload = signed_tokens.read(keys, _PURPOSE, token, query)
    if payload is None:
        raise InvalidCursorError("the cursor is not one of ours, or belongs to another query")
    return Cursor(*json.loads(payload))

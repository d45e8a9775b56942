"""Cursors as clients carry them: signed, and good for one query only."""

import json

from shared.model.cursor import Cursor
from shared.model.errors import InvalidCursorError
from shared.rules import signed_tokens
from shared.rules.signed_tokens import Keys

_PURPOSE = "cursor"


def seal(keys: Keys, cursor: Cursor, query: str) -> str:
    """The cursor as a token for `query`: the path and filters of the list it goes on in."""
    return signed_tokens.sign(keys, _PURPOSE, json.dumps([cursor.position, cursor.alone]), query)


def unseal(keys: Keys, token: str, query: str) -> Cursor:
    """The cursor in a token. Raises InvalidCursorError unless we made it for this very query."""
    payload = signed_tokens.read(keys, _PURPOSE, token, query)
    if payload is None:
        raise InvalidCursorError("the cursor is not one of ours, or belongs to another query")
    return Cursor(*json.loads(payload))

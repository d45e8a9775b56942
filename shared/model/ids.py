"""Identifiers: what they look like, and how new ones are made."""

import secrets
from collections.abc import Callable
from datetime import datetime

from ulid import ULID

NewId = Callable[[str, datetime], str]

# Crockford's base 32: no I, L, O or U, so a reference survives being read out on the phone.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 6
_HEARD_AS = str.maketrans("ILO", "110")


def new_id(prefix: str, at: datetime) -> str:
    """A new `<prefix>_<ULID>` that sorts by `at` (UTC, milliseconds)."""
    return f"{prefix}_{ULID.from_datetime(at)}"


def new_reference() -> str:
    """A new conversation reference as stored: six characters, 30 random bits."""
    return "".join(secrets.choice(_CROCKFORD) for _ in range(_REFERENCE_LENGTH))


def show_reference(reference: str) -> str:
    """The reference as people read it: `#7Q4K-2M`."""
    return f"#{reference[:4]}-{reference[4:]}"


def read_reference(text: str) -> str | None:
    """The stored form of a reference a person typed, or None when it is none."""
    plain = text.strip().lstrip("#").replace("-", "").upper().translate(_HEARD_AS)
    if len(plain) == _REFERENCE_LENGTH and all(c in _CROCKFORD for c in plain):
        return plain
    return None

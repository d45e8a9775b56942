"""The token in a reply address: it names a conversation, and nobody can make one up.

`support+<conversation><key id><mac>@…`, lower-case Crockford base 32 throughout, because mail
systems change the case of local parts. At most 64 octets of local part (RFC 5321 §4.5.3.1.1).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

Keys = Mapping[str, bytes]

_MAC_BITS = 80
_MAC_LENGTH = _MAC_BITS // 5
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TOKEN = re.compile(rf"^([0-9a-z]{{26}})k(\d{{1,3}})x([0-9a-z]{{{_MAC_LENGTH}}})$")


def make(keys: Keys, conversation_id: str) -> str:
    """The token for a conversation, signed by the newest key (`k1`, `k2`, …)."""
    key_id = max(keys, key=_number)
    ulid = conversation_id.removeprefix("cnv_").lower()
    return f"{ulid}k{_number(key_id)}x{_mac(keys[key_id], ulid)}"


def read(keys: Keys, token: str) -> str | None:
    """The conversation a token names, in whatever case it came back; None if it is not ours."""
    match = _TOKEN.match(token.lower())
    if not match:
        return None
    ulid, number, mac = match.groups()
    key = keys.get(f"k{number}")
    if key is None or not hmac.compare_digest(_mac(key, ulid), mac):
        return None
    return f"cnv_{ulid.upper()}"


def _number(key_id: str) -> int:
    return int(key_id.removeprefix("k"))


def _mac(key: bytes, ulid: str) -> str:
    digest = hmac.new(key, b"reply:" + ulid.encode(), hashlib.sha256).digest()
    bits = int.from_bytes(digest[: _MAC_BITS // 8], "big")
    return "".join(_ALPHABET[bits >> shift & 31] for shift in range(_MAC_BITS - 5, -1, -5))

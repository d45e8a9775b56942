"""Short texts that only we can have written: cursors, and ids that carry what they name.

`<key id>.<payload>.<mac>` in base64url. The payload is signed, not hidden.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

Keys = Mapping[str, bytes]

_MAC_BYTES = 16


def sign(keys: Keys, purpose: str, payload: str, context: str = "") -> str:
    """A token for `payload`, by the newest key (`k1`, `k2`, …).

    It is good for this purpose and this context only; neither is in the token.
    """
    key_id = max(keys, key=lambda known: (len(known), known))
    signed = f"{key_id}.{_encode(payload.encode())}"
    return f"{signed}.{_mac(keys[key_id], purpose, signed, context)}"


def read(keys: Keys, purpose: str, token: str, context: str = "") -> str | None:
    """The payload of a token we made for this purpose and context; None for anything else."""
    signed, _, mac = token.rpartition(".")
    key_id, _, payload = signed.partition(".")
    key = keys.get(key_id)
    # The texts are compared, not the bytes they stand for: base64 has several texts for some bytes.
    if key is None or not hmac.compare_digest(
        _mac(key, purpose, signed, context).encode(), mac.encode("utf-8", "replace")
    ):
        return None
    try:
        return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _mac(key: bytes, purpose: str, signed: str, context: str) -> str:
    derived = hmac.digest(key, f"throughline:{purpose}".encode(), hashlib.sha256)
    bound = hashlib.sha256(context.encode()).digest() + signed.encode("utf-8", "replace")
    return _encode(hmac.digest(derived, bound, hashlib.sha256)[:_MAC_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

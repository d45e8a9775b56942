"""The link in a mail that a rule sent: one click, and that mail's purpose is over (RFC 8058).

The token names an address by its key and a purpose, and nobody can make one up.
"""

from shared.model.consent import Purpose
from shared.rules import signed_tokens
from shared.rules.signed_tokens import Keys

_USE = "unsubscribe"


def url(public_url: str, keys: Keys, address_key: str, purpose: Purpose) -> str:
    """The link that denies mail of this purpose to this address."""
    token = signed_tokens.sign(keys, _USE, f"{address_key}/{purpose}")
    return f"{public_url}/webhooks/unsubscribe/{token}"


def read(keys: Keys, token: str) -> tuple[str, Purpose] | None:
    """The address and the purpose that a token names; None if it is not ours."""
    named = signed_tokens.read(keys, _USE, token)
    if named is None:
        return None
    address_key, _, purpose = named.partition("/")
    return address_key, Purpose(purpose)

"""Addresses as people and programs write them, turned into the one form that is kept."""

import re

from shared.model.errors import InvalidRequestError
from shared.model.identity import Address, IdentityKind

_LONGEST = {IdentityKind.EMAIL: 254, IdentityKind.PHONE: 40}  # RFC 5321 §4.5.3.1.3, less <>
_LONGEST_OTHER = 200
# What forms and phone systems write when they know nobody; it would join strangers.
NOBODY = frozenset({"null", "none", "undefined", "nan", "0", "anonymous", "unknown", "n/a"})
_LOCAL_PART = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x20\x7f]{1,64}")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}")


def parse_address(
    kind: IdentityKind, value: str, default_region: str, *, field: str = "value"
) -> Address:
    """The address that `value` means. Phone numbers without a country code are `default_region`'s.

    Phone numbers become E.164. Raises InvalidRequestError, naming `field`, for what is no address
    of its kind.
    """
    text = value.strip()
    if not text or text.lower() in NOBODY or not text.isprintable():
        raise InvalidRequestError("this is no one's address", field)
    if len(text) > _LONGEST.get(kind, _LONGEST_OTHER):
        raise InvalidRequestError("the address is too long", field)
    if kind is IdentityKind.EMAIL:
        return Address(kind, _email(text, field))
    if kind is IdentityKind.PHONE:
        return Address(kind, _phone(text, default_region, field))
    return Address(kind, text)


def _email(text: str, field: str) -> str:
    local, _, domain = text.rpartition("@")
    if not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise InvalidRequestError("this is no e-mail address", field)
    return text


def _phone(text: str, default_region: str, field: str) -> str:
    import phonenumbers  # 69 ms that only those pay who read what people typed

    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        raise InvalidRequestError("this is no phone number", field) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidRequestError("this is no phone number", field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

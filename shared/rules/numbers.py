"""What a phone number alone tells, by Google's metadata: https://pypi.org/project/phonenumbers."""

import phonenumbers
from phonenumbers import timezone

_UNKNOWN = "Etc/Unknown"
_LINES = 4  # digits; numbers that differ in them alone are rented together


def country_of(number: str) -> str:
    """The country (ISO 3166, two letters) of an E.164 number; empty where it has none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def zones_of(number: str) -> tuple[str, ...]:
    """The names of all zones that a number may be in; none where nothing is known."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in zones if zone != _UNKNOWN)


def block_of(number: str) -> str:
    """The block a number is rented in: whoever pumps texts for money uses one after another."""
    return number[:-_LINES]

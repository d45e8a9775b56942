"""Whom the From header names: exactly one mailbox, or nobody."""

import re
import unicodedata
from dataclasses import dataclass

from shared.model.identity import Address, IdentityKind
from shared.providers.mime.charsets import one_line
from shared.providers.mime.defects import Defect
from shared.providers.mime.headers import MAX_HEADER, decode_words
from shared.providers.mime.structure import Headers

MAX_NAME = 200

# Who is in nobody's address book: mail whose From names no mailbox, or several, goes to the
# timeline of this one contact, unproven. `.invalid` can never send or receive (RFC 6761, 6.4).
UNKNOWN_SENDER = Address(IdentityKind.EMAIL, "unknown-sender@mail.invalid")

_MAILBOX = r"[^\s\"(),:;<>@\[\]\\]{1,64}@[^\s\"(),:;<>@\[\]\\]{1,253}"
_DOMAIN = re.compile(r"[\w](?:[\w-]{0,61}[\w])?(?:\.[\w](?:[\w-]{0,61}[\w])?)*")
# What no two programs read differently: an address, or a phrase and an address in brackets.
_PLAIN = re.compile(
    rf'(?:(?P<name>(?:"(?:[^"\\]|\\.)*+"|[^"<>@,:;()\\\[\]])*+)<(?P<angle>{_MAILBOX})>'
    rf"|(?P<bare>{_MAILBOX}))"
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)')
_ANGLE = re.compile(r"<([^<>]*+)>")
_SOMEWHERE = re.compile(_MAILBOX)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a mail says it is from: `address`, and the name shown with it, which proves nothing."""

    address: Address
    name: str = ""

    @property
    def domain(self) -> str:
        """The domain as mail servers write it: lower case, punycode."""
        return self.address.routable.rpartition("@")[2]


def read_sender(headers: Headers, defects: set[Defect]) -> Sender:
    """The one mailbox in the one From header, else UNKNOWN_SENDER with what was written as name.

    Reply-To and Sender are not read: they would let anyone answer in another's name. A From that
    names one mailbox in a way that programs may read differently keeps it, as FROM_MALFORMED.
    """
    values = headers.all("from")
    shown = one_line(decode_words(", ".join(values)), MAX_NAME)
    if len(values) != 1:
        defects.add(Defect.FROM_REPEATED if values else Defect.FROM_MISSING)
        return Sender(UNKNOWN_SENDER, shown)
    value = values[0] if len(values[0]) < MAX_HEADER else ""  # who knows what was cut off
    plain = _PLAIN.fullmatch(value)
    address = _address(plain["angle"] or plain["bare"]) if plain else None
    if plain and address:
        return Sender(address, _name(plain["name"] or ""))
    address = _only_mailbox(value)
    if address is None:
        defects.add(Defect.FROM_UNREADABLE)
        return Sender(UNKNOWN_SENDER, shown)
    defects.add(Defect.FROM_MALFORMED)
    return Sender(address, _name(value.partition("<")[0] if "<" in value else ""))


def _address(mailbox: str) -> Address | None:
    composed = unicodedata.normalize("NFC", mailbox)
    local, _, domain = composed.rpartition("@")
    if not local or not composed.isprintable() or not _DOMAIN.fullmatch(domain):
        return None
    return Address(IdentityKind.EMAIL, f"{local}@{domain.lower()}")


def _only_mailbox(value: str) -> Address | None:
    """The mailbox of a From that is not plain, if there is one only; of a group there is none."""
    bare = _QUOTED.sub(" ", value)
    if bare.rstrip().endswith(";"):
        return None
    found = [
        angle[-1] if (angle := _ANGLE.findall(member)) else member
        for member in bare.split(",")
        if "@" in member
    ]
    if len(found) != 1 or found[0].count("@") != 1 or bare.count("<") > 1:
        return None
    mailbox = _SOMEWHERE.search(found[0])
    return _address(mailbox[0]) if mailbox else None


def _name(phrase: str) -> str:
    written = phrase.strip()
    if len(written) > 1 and written[0] == written[-1] == '"':
        written = re.sub(r"\\(.)", r"\1", written[1:-1])
    return one_line(decode_words(written), MAX_NAME)

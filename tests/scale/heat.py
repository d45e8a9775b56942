"""How hot every key gets: the population's messages through the product's own key functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey
from shared.store import keys
from tests.builders import NOW
from tests.scale.population import Happening

# Units of one item, counted in docs/costs.md: a transaction writes twice, a mail's entry is larger.
_LEG = 2
_MAIL_ENTRY = 4
_RECEIPTS = 5  # claim, result and three reports, a plain write each
_SECRET = b"a key for simulations"
_DUE_SHARE = 50  # one message out in so many waits for something, and is looked at again


@dataclass(slots=True)
class Heat:
    """Peaks by family of keys (`CONTACT`, `INBOX#open` …), in units of the busiest second."""

    writes: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    hottest: dict[str, str] = field(default_factory=dict)
    total_writes: int = 0
    index_writes: int = 0
    total_reads: int = 0
    changes: int = 0
    messages: int = 0
    out: int = 0
    mails: int = 0
    address_messages: int = 0
    seconds: int = 0


@dataclass(slots=True)
class _Second:
    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    addresses: Counter[int] = field(default_factory=Counter)


def heat_of(messages: Iterable[Happening]) -> Heat:
    """The peaks over a stretch of time."""
    heat, now, conversations = Heat(), _Second(), defaultdict[int, int](int)
    second = 0
    last_minute: dict[str, str] = {}
    for number, message in enumerate(messages):
        if message.second != second:
            _close(heat, now)
            now, second = _Second(), message.second
        if message.opens:
            conversations[message.contact] = number
        _one(heat, now, message, number, conversations[message.contact], last_minute)
    _close(heat, now)
    heat.seconds = second + 1
    return heat


def _one(  # noqa: PLR0917 what is counted, and what is counted of it
    heat: Heat,
    now: _Second,
    message: Happening,
    number: int,
    matter: int,
    last_minute: dict[str, str],
) -> None:
    """What recording one message writes and reads; where it leaves, its receipts too."""
    at = NOW + timedelta(seconds=message.second, microseconds=number % 1000 * 1000)
    home, entry = f"ctc_{message.contact:026d}", f"ent_{number:026d}"
    conversation = f"cnv_{message.contact:013d}{matter:013d}"
    identity = keys.identity(_address(message.contact, message.kind)).pk
    marker = keys.delivery("api" if message.kind == "out" else "twilio", f"SM{number:032d}").pk
    partition = keys.entry(home, at, entry).pk
    heat.messages += 1
    heat.changes += 1
    heat.mails += message.kind == "email"
    now.addresses[message.contact] += 1
    _write(now, marker, _LEG)
    _write(now, partition, _MAIL_ENTRY if message.kind == "email" else _LEG)
    _write(now, identity, _LEG)
    _write(now, keys.conversation(conversation).pk, _LEG)
    now.reads[marker] += 1
    now.reads[identity] += 1
    if message.opens:
        heat.changes += 1
        _write(now, keys.reference(conversation[-7:]).pk, _LEG)
        _write(now, keys.profile(home).pk, _LEG)
    if message.kind == "email":
        _write(now, keys.thread(f"{number}@example.org").pk, _LEG)
        now.reads[keys.thread(f"{number - 1}@example.org").pk] += 2
    if message.kind == "out":
        heat.out += 1
        receipt = keys.receipt(ReceiptKey(home=home, at=at, entry_id=entry)).pk
        _write(now, receipt, _LEG + _RECEIPTS)
        _write(now, keys.delivery("twilio", f"SM9{number:031d}").pk, 1)
        now.reads[receipt] += 10
        if number % _DUE_SHARE == 0:
            _write(now, keys.due_index(at, entry).pk, 2)
    inbox = keys.inbox("open", at, conversation)
    if last_minute.get(conversation) != inbox.sk:
        _write(now, inbox.pk, 1 if message.opens else 2)  # it leaves its old place for its new one
        last_minute[conversation] = inbox.sk


def _write(now: _Second, key: str, units: int) -> None:
    now.writes[key] += units


@lru_cache(maxsize=200_000)
def _address(contact: int, kind: str) -> str:
    """The address a contact writes from; texts go out to where they come from."""
    if kind == "email":
        return keys.address_key(_SECRET, Address(IdentityKind.EMAIL, f"u{contact}@example.org"))
    if kind == "chat":
        return keys.address_key(_SECRET, Address(IdentityKind.CHAT, f"v-{contact}"))
    return keys.address_key(_SECRET, Address(IdentityKind.PHONE, f"+1{contact:010d}"))


def _close(heat: Heat, now: _Second) -> None:
    for counted, peaks in ((now.writes, heat.writes), (now.reads, heat.reads)):
        for key, units in counted.items():
            family = family_of(key)
            if units > peaks.get(family, 0):
                peaks[family] = units
                if counted is now.writes:
                    heat.hottest[family] = key
    for key, units in now.writes.items():
        if family_of(key) in INDEX:
            heat.index_writes += units
        else:
            heat.total_writes += units
    heat.total_reads += now.reads.total()
    heat.address_messages = max([heat.address_messages, *now.addresses.values()])


INDEX = ("INBOX", "DUE")


def family_of(key: str) -> str:
    """What kind of key it is."""
    return key.partition("#")[0]


def families(*heats: Heat) -> Iterator[str]:
    """Every kind of key that was met, the table's first."""
    met = {family for heat in heats for family in (*heat.writes, *heat.reads)}
    yield from sorted(met - set(INDEX))
    yield from sorted(met & set(INDEX))

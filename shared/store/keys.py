"""Every key string of the table is made here.

Whatever lies in a contact's partition sorts below `ENTRY#`, or is a receipt, or the profile: a
timeline page reads from the profile downwards and must meet nothing else.
"""

import hashlib
import hmac
import zlib
from datetime import UTC, datetime
from typing import NamedTuple

from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey

INBOX_SHARDS = 8
DUE_SHARDS = 4
# Stands for all who were erased, where something of no person's is kept of them: what they cost,
# and what their providers are still to forget.
ERASED = "erased"
# Stands for nobody: what was paid and can be put down to no contact.
UNALLOCATED = "unallocated"
# What every sort key lies between; DynamoDB takes no empty text for one.
LOWEST, HIGHEST = "!", "~"
PROFILE = "PROFILE"
ENTRY = "ENTRY#"
RECEIPT = "#RECEIPT"
LINES = "COST#"
GUEST = "GUEST#"
SUGGESTED = "SUGGESTION#"
CONSENT = "CONSENT"
CONSENT_REQUEST = "CONSENT-REQUEST#"
# The index partition that lists what agents are to decide about consent.
CONSENT_REQUESTS = "CONSENT-REQUESTS"


class Key(NamedTuple):
    """The primary key of one item."""

    pk: str
    sk: str


def timestamp(at: datetime) -> str:
    """Fixed-width RFC 3339 in UTC with milliseconds, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def read_timestamp(text: str) -> datetime:
    """The time that `timestamp` wrote."""
    return datetime.fromisoformat(text)


def address_key(secret: bytes, address: Address) -> str:
    """`kind#hash`: an address without personal data. The hash is keyed, so it cannot be guessed."""
    digest = hmac.new(secret, f"{address.kind}:{address.canonical}".encode(), hashlib.sha256)
    return f"{address.kind}#{digest.hexdigest()[:32]}"


def kind_of(address_key: str) -> IdentityKind:
    """The kind of address that a key stands for."""
    return IdentityKind(address_key.partition("#")[0])


def contact(contact_id: str) -> str:
    """The partition of one contact."""
    return f"CONTACT#{contact_id}"


def profile(contact_id: str) -> Key:
    return Key(contact(contact_id), PROFILE)


def entry(home: str, at: datetime, entry_id: str) -> Key:
    return Key(contact(home), f"{ENTRY}{timestamp(at)}#{entry_id}")


def receipt(key: ReceiptKey) -> Key:
    at = entry(key.home, key.at, key.entry_id)
    return Key(at.pk, at.sk + RECEIPT)


def entry_position(at: datetime, entry_id: str = "") -> str:
    """The sort key of an entry, or of the moment before any entry at `at`."""
    return f"{ENTRY}{timestamp(at)}#{entry_id}" if entry_id else f"{ENTRY}{timestamp(at)}"


def read_entry_position(sort_key: str) -> tuple[datetime, str]:
    """The (occurred_at, entry id) in an entry's sort key."""
    _, at, entry_id = sort_key.split("#")[:3]
    return read_timestamp(at), entry_id


def identity(key: str) -> Key:
    return Key(f"IDENTITY#{key}", "IDENTITY")


def owner_of(partition: str) -> str:
    """The key of the address that a partition belongs to."""
    return partition.removeprefix("IDENTITY#")


def consent(address_key: str, at: datetime, statement_id: str) -> Key:
    """Where a statement lies: beside the address it is about, in the order they were made."""
    return Key(f"IDENTITY#{address_key}", f"{CONSENT}#{timestamp(at)}#{statement_id}")


def consent_request(address_key: str, at: datetime, entry_id: str) -> Key:
    """Where it lies that a message from this address may be a wish to be left alone."""
    return Key(f"IDENTITY#{address_key}", f"{CONSENT_REQUEST}{timestamp(at)}#{entry_id}")


def consent_request_index(entry_id: str) -> Key:
    """Where a request stands in the list of all: by its message's id, which begins with a time."""
    return Key(CONSENT_REQUESTS, entry_id)


def conversation(conversation_id: str) -> Key:
    return Key(f"CONVERSATION#{conversation_id}", "CONVERSATION")


def guest(conversation_id: str, at: datetime, entry_id: str) -> Key:
    return Key(f"CONVERSATION#{conversation_id}", guest_position(entry_position(at, entry_id)))


def guest_position(position: str) -> str:
    """The sort key of a guest's row, whose entry lies at `position` of its own timeline."""
    return GUEST + position.removeprefix(ENTRY)


def guests_entry(position: str) -> str:
    """The sort key of the entry that a guest's row stands for."""
    return ENTRY + position.removeprefix(GUEST)


def reference(text: str) -> Key:
    return Key(f"REFERENCE#{text}", "REFERENCE")


def delivery(provider: str, delivery_id: str) -> Key:
    return Key(f"DELIVERY#{provider}#{delivery_id}", "DELIVERY")


def thread(message_id: str) -> Key:
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
    return Key(f"THREAD#{digest[:40]}", "THREAD")


def claim(home: str, key: str) -> Key:
    return Key(contact(home), f"CLAIM#{key}")


def promise(home: str, promise_id: str, *, is_open: bool) -> Key:
    """`COMMITMENT`, because `PROMISE` would sort above the profile."""
    return Key(contact(home), f"{promises(is_open=is_open)}{promise_id}")


def promises(*, is_open: bool) -> str:
    """What the sort keys of a contact's promises begin with, while open and once kept."""
    return f"COMMITMENT#{'open' if is_open else 'kept'}#"


def merge(merge_id: str) -> Key:
    return Key(f"MERGE#{merge_id}", "MERGE")


def split(split_id: str) -> Key:
    return Key(f"SPLIT#{split_id}", "SPLIT")


def pair(suggestion_id: str) -> Key:
    """Where a suggestion lies; its id is made of the two addresses it is about."""
    return Key(f"PAIR#{suggestion_id.removeprefix('sug_')}", "PAIR")


def suggested(address_key: str, suggestion_id: str) -> Key:
    """What leads from an address to a suggestion about it."""
    return Key(f"IDENTITY#{address_key}", f"{SUGGESTED}{suggestion_id}")


def suggestion_partition(state: str) -> str:
    """The index partition that lists suggestions in one state."""
    return f"SUGGESTION#{state}"


def suggestion_index(state: str, at: datetime, suggestion_id: str) -> Key:
    """Where a suggestion stands in its list: by the time it was made."""
    return Key(suggestion_partition(state), f"{timestamp(at)}#{suggestion_id}")


def agent(agent_id: str) -> Key:
    return Key(f"AGENT#{agent_id}", "AGENT")


def lines(at: datetime) -> str:
    """What the sort keys of a month's cost lines begin with."""
    return f"{LINES}{month(at)}#"


def month(at: datetime) -> str:
    """The month in UTC, `2026-11`."""
    return timestamp(at)[:7]


def meter(month: str, shard: str) -> Key:
    """Where the running sums of a month and one shard of the stream lie."""
    return Key(f"METER#{month}", shard)


def due(home: str, kind: str, due_id: str) -> Key:
    return Key(contact(home), f"DUE#{kind}#{due_id}")


def restored() -> Key:
    """When the table was last restored from a backup."""
    return Key("RESTORED", "RESTORED")


def sent_times(contact_id: str, scope: str) -> Key:
    """What a contact was sent lately, of everything or of one scope."""
    return Key(contact(contact_id), f"CAP#{scope}")


def stop_count(contact_id: str, at: datetime, rule: str, reason: str) -> Key:
    """How often a rule was stopped for a reason on a day."""
    return Key(contact(contact_id), f"COUNT#{timestamp(at)[:10]}#{rule}#{reason}")


def block_count(block: str, at: datetime, shard: int) -> Key:
    """How many texts a block of numbers was sent in an hour; one part of the count."""
    return Key(f"BLOCK#{block}#{timestamp(at)[:13]}#{shard}", "BLOCK")


def inbox_partition(state: str, shard: int) -> str:
    """The index partition that lists conversations in one state."""
    return f"INBOX#{state}#{shard}"


def inbox(state: str, last_activity_at: datetime, conversation_id: str) -> Key:
    """Where a conversation stands in the inbox: by the minute of its last activity."""
    shard = zlib.crc32(conversation_id.encode()) % INBOX_SHARDS
    minute = timestamp(last_activity_at)[:16]
    return Key(inbox_partition(state, shard), f"{minute}#{conversation_id}")


def due_partition(shard: int) -> str:
    """The index partition that lists due items."""
    return f"DUE#{shard}"


def copies_partition() -> str:
    """The index partition that lists messages which providers are to delete."""
    return "COPIES"


def due_index(at: datetime, due_id: str) -> Key:
    """Where the sweeper finds a due item."""
    return Key(due_partition(zlib.crc32(due_id.encode()) % DUE_SHARDS), timestamp(at))

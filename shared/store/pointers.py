"""What leads to an entry from outside: the marker of its delivery or request, and its thread."""

from datetime import datetime

from shared.model.entry import Entry
from shared.model.recording import MarkedEntry, Marker
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.table import Put, Update


def pointer_item(at: MarkedEntry, *, address_key: str = "") -> Item:
    """What leads to the entry that lies there, which came through this address."""
    return {
        "type": "delivery",
        "schema": items.SCHEMA,
        "home": at.home,
        "address": address_key,
        "entry": keys.entry_position(at.at, at.entry_id),
        "conversation": at.conversation_id,
        "request_hash": at.request_hash,
    }


def place_of(entry: Entry, *, request_hash: str = "") -> MarkedEntry:
    """Where an entry lies, for what leads to it."""
    return MarkedEntry(
        home=entry.home,
        at=entry.occurred_at,
        entry_id=entry.id,
        conversation_id=entry.conversation_id,
        request_hash=request_hash,
    )


def read_marked_entry(item: Item) -> MarkedEntry:
    """Where the entry lies that a delivery marker stands for."""
    at, entry_id = keys.read_entry_position(item["entry"])
    return MarkedEntry(
        home=item["home"],
        at=at,
        entry_id=entry_id,
        conversation_id=item.get("conversation", ""),
        request_hash=item.get("request_hash", ""),
    )


def marker_leg(marker: Marker, item: Item, now: datetime) -> Put:
    """Write a marker, unless there is one that has not expired."""
    key = keys.delivery(marker.provider, marker.id)
    if marker.expires_at is None:
        return Put(key, item)
    return Put(
        key,
        item | {"expires_at": int(marker.expires_at.timestamp())},
        condition="attribute_not_exists(PK) OR expires_at < :now",
        values={":now": int(now.timestamp())},
    )


def thread_leg(message_id: str, conversation_id: str, home: str) -> Update:
    """The first conversation a Message-ID stood for keeps it: a forged repeat changes nothing."""
    return Update(
        keys.thread(message_id),
        "SET conversation = if_not_exists(conversation, :v), home = if_not_exists(home, :h),"
        " #type = :type, #schema = :schema",
        condition="",
        values={
            ":v": conversation_id,
            ":h": home,
            ":type": "thread",
            ":schema": items.SCHEMA,
        },
        names={"#type": "type", "#schema": "schema"},
    )

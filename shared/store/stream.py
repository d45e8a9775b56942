"""What the table's stream tells: the changes to announce, and the amounts that were added.

A record is one of a Lambda event's `Records`
(https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.model import events
from shared.model.conversation import Conversation
from shared.model.errors import RejectedError
from shared.model.events import Change, Event
from shared.model.ledger import CostLine
from shared.store import items, keys
from shared.store.attributes import Item, from_wire
from shared.store.consents import read_statement
from shared.store.ledger import read_line
from shared.store.merging import read_merge
from shared.store.splitting import read_split

Record = Mapping[str, Any]


def sequence(record: Record) -> str:
    """What identifies a record in its shard."""
    return str(record["dynamodb"]["SequenceNumber"])


def announced(record: Record) -> tuple[Event, ...]:
    """The events that one write stamped on its item; none when it repeats the write before.

    Raises RejectedError for what can never be read.
    """
    change_of = record["dynamodb"]
    old, new = change_of.get("OldImage", {}), change_of.get("NewImage", {})
    if all(old.get(name) == new.get(name) for name in ("change", "revision")):
        return ()
    try:
        item = from_wire(new)
        change = items.read_change(item)
        at = datetime.fromtimestamp(change_of["ApproximateCreationDateTime"], UTC)
        return tuple(_event(name, item, change, at) for name in change.events) if change else ()
    except Exception as error:  # whatever the image makes the readers say, it will say it again
        raise RejectedError(f"unreadable: {type(error).__name__}") from error


def added_amount(record: Record) -> CostLine | None:
    """The amount that a new entry or cost line adds to the ledger, if any.

    What a split has moved here was added where it lay before. Raises RejectedError for what can
    never be read.
    """
    try:
        item = from_wire(record["dynamodb"]["NewImage"])
        return None if item.get("moved") else read_line(item)
    except Exception as error:  # as above
        raise RejectedError(f"unreadable: {type(error).__name__}") from error


def opens_conversation(record: Record) -> bool:
    """Whether a record is that of a new conversation."""
    is_new = record["eventName"] == "INSERT"
    return is_new and bool(record["dynamodb"]["NewImage"].get("type") == {"S": "conversation"})


def changed_conversation(record: Record) -> tuple[Conversation | None, Conversation] | None:
    """A conversation before and after a write, if the record is of one.

    Raises RejectedError for what can never be read.
    """
    images = record["dynamodb"]
    try:
        after = from_wire(images["NewImage"])
        if after["type"] != "conversation":
            return None
        before = from_wire(images["OldImage"]) if "OldImage" in images else None
        return items.read_conversation(before) if before else None, items.read_conversation(after)
    except Exception as error:  # as above
        raise RejectedError(f"unreadable: {type(error).__name__}") from error


_OF_CONVERSATIONS: Mapping[str, type[events.ConversationEvent]] = {
    kind.__name__: kind for kind in events.EVENTS if issubclass(kind, events.ConversationEvent)
}


def _event(  # noqa: PLR0911 one a kind of item
    name: str, item: Item, change: Change, at: datetime
) -> Event:
    match item["type"], name:
        case "entry", "EntryRecorded":
            return events.entry_recorded(items.read_entry(item), change)
        case "conversation", "SlaBreached":
            return events.sla_breached(items.read_conversation(item), change)
        case "conversation", _:
            kind = _OF_CONVERSATIONS[name]
            return events.conversation_event(kind, items.read_conversation(item), change, at)
        case "receipt", "ReceiptChanged":
            return events.receipt_changed(items.read_receipt(item), change)
        case "identity", "IdentityLinked":
            return events.identity_linked(items.read_identity(item), change)
        case "consent", "ConsentChanged":
            address_kind = keys.kind_of(keys.owner_of(item["PK"]))
            return events.consent_changed(read_statement(item), item["home"], address_kind, change)
        case "merge", "ContactMerged":
            return events.merge_event(events.ContactMerged, read_merge(item), change)
        case "merge", "ContactUnmerged":
            return events.merge_event(events.ContactUnmerged, read_merge(item), change)
        case "split", "ContactSplit":
            return events.contact_split(read_split(item), change)
        case "profile", "ContactErased":
            profile = items.read_profile(item)
            if profile.certificate:
                return events.contact_erased(profile.id, profile.certificate, change)
            raise LookupError("an erasure without its certificate")
        case kind_of_item, _:
            raise LookupError(f"no event {name} of {kind_of_item} items")

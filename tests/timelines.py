"""Timelines laid straight into a table, for tests that read."""

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any

from shared.model.contact import Profile
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.store import items, keys
from shared.store.attributes import Item, to_wire
from shared.store.keys import Key
from shared.store.table import Table
from tests.builders import ANA_PHONE, NOW

_numbers = count(1)


def entry(*, home: str = "ctc_ana", at: datetime = NOW, **fields: Any) -> Entry:
    """A text message from Ana, unless told otherwise."""
    given: dict[str, Any] = {
        "id": f"ent_{next(_numbers):026d}",
        "kind": Kind.MESSAGE,
        "channel": Channel.SMS,
        "direction": Direction.INBOUND,
        "received_at": at,
        "author": Author(AuthorType.CUSTOMER),
        "address": ANA_PHONE,
        "conversation_id": "cnv_1",
        "text": "hello",
        "cost": Cost(provider_micro_usd=8300, own_micro_usd=10, category="t", units=1, rate="t"),
    }
    return Entry(home=home, occurred_at=at, **(given | fields))


def receipt(of: Entry, state: ReceiptState = ReceiptState.SENT) -> Receipt:
    """The receipt of an outbound entry."""
    return Receipt(
        key=ReceiptKey(home=of.home, at=of.occurred_at, entry_id=of.id),
        state=state,
        steps={"queued": of.occurred_at, str(state): of.occurred_at},
        booked_micro_usd=8_310,
        address_key=of.address_key,
    )


def profile(contact_id: str = "ctc_ana", *, root: str = "", members: Iterable[str] = ()) -> Profile:
    """A contact; a member of another when `root` says so."""
    root = root or contact_id
    its_members = frozenset(members) | {contact_id} if root == contact_id else frozenset()
    return Profile(id=contact_id, root=root, first_seen_at=NOW, members=its_members)


def lay(table: Table, *nouns: Profile | Entry | Receipt) -> None:
    """Put nouns into the table as they are; an outbound entry gets a receipt unless it has one."""
    laid: dict[Key, Item] = {}
    for noun in nouns:
        match noun:
            case Profile():
                laid[keys.profile(noun.id)] = items.profile_item(noun)
            case Entry():
                at = keys.entry(noun.home, noun.occurred_at, noun.id)
                laid[at] = items.entry_item(noun, None)
                if noun.direction is Direction.OUTBOUND:
                    beside = receipt(noun)
                    laid[keys.receipt(beside.key)] = items.receipt_item(beside)
            case Receipt():
                laid[keys.receipt(noun.key)] = items.receipt_item(noun)
    requests = [_request(key, item) for key, item in laid.items()]
    for start in range(0, len(requests), 25):
        batch: Any = {table.name: requests[start : start + 25]}
        table._client.batch_write_item(RequestItems=batch)


def _request(key: Key, item: Item) -> Any:
    return {"PutRequest": {"Item": to_wire({"PK": key.pk, "SK": key.sk} | item)}}

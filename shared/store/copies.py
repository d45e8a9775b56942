"""One mail that reached several of our addresses: one entry, and a marker for each delivery.

The marker under the mail's own fingerprint lists what its further deliveries left behind, so that
an erasure finds it: their markers, raw mails and files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.model.errors import UnavailableError
from shared.model.recording import MarkedEntry, Marker
from shared.store import keys
from shared.store.attributes import Item
from shared.store.keys import Key
from shared.store.pointers import pointer_item
from shared.store.table import Put, Table, TransactionRefusedError, Update


def add_delivery(
    table: Table,
    marker: Marker,
    copies: Marker,
    first: MarkedEntry,
    *,
    raw_key: str,
    object_keys: Iterable[str],
) -> None:
    """Mark a further delivery of the mail whose entry is `first`; repeating it is harmless.

    Raises UnavailableError when that entry is being erased just now.
    """
    key = keys.delivery(marker.provider, marker.id)
    left = {
        "deliveries": frozenset({key.pk}),
        "raw_keys": frozenset({raw_key} - {""}),
        "object_keys": frozenset({*object_keys} - {""}),
    }
    adds = ", ".join(f"{name} :{name}" for name, values in left.items() if values)
    at = keys.delivery(copies.provider, copies.id)
    try:
        table.write(
            Put(key, pointer_item(replace(first, request_hash=""))),
            Update(
                at,
                f"SET revision = revision + :one ADD {adds}",
                "attribute_exists(PK)",
                {":one": 1} | {f":{name}": values for name, values in left.items() if values},
            ),
        )
    except TransactionRefusedError as error:
        if error.failed.get(key) is None:
            raise UnavailableError("the mail's other delivery has just changed") from error


def of_entries(table: Table, entries: Sequence[Item]) -> tuple[Item, ...]:
    """The markers of those of these entries' mails that may have come more than once."""
    wanted = [Key(item["copies"], "DELIVERY") for item in entries if "copies" in item]
    return tuple(table.get_many(wanted).values()) if wanted else ()

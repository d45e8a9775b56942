"""The functions' own client for the table, which does less than botocore's would."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.model.errors import UnavailableError
from shared.runtime import clients
from shared.store.keys import Key
from shared.store.table import Put, Table, TransactionRefusedError
from shared.store.timeline import read_page
from tests.conftest import IDENTITY_KEY
from tests.timelines import entry, lay, profile

AT = Key("A", "B")
ITEM = {"type": "test", "schema": 1, "bytes": b"\x00\xff", "set": {"a"}, "list": [1, {"b": True}]}


@pytest.fixture
def own(table: Table) -> Iterator[Table]:
    """The table as the functions see it."""
    clients.dynamodb.cache_clear()
    yield Table(clients.dynamodb(), table.name, IDENTITY_KEY)
    clients.dynamodb.cache_clear()


def test_every_type_comes_back_as_it_was_written(own: Table) -> None:
    own.write(Put(AT, ITEM))
    expected = {"PK": "A", "SK": "B"} | ITEM
    assert own.get(AT) == expected
    assert own.get_many([AT]) == {AT: expected}
    assert own.query("A", between=("", "~"), limit=1).items == (expected,)


def test_what_a_refusal_brings_is_read_too(own: Table) -> None:
    own.write(Put(AT, ITEM))
    with pytest.raises(TransactionRefusedError) as refused:
        own.write(Put(AT, ITEM), Put(Key("A", "C"), ITEM))
    assert refused.value.failed == {AT: {"PK": "A", "SK": "B"} | ITEM}


def test_a_long_text_is_read_from_its_compressed_form(own: Table) -> None:
    long = replace(entry(), text="a long story " * 100)
    lay(own, profile(), long)
    [shown] = read_page(own, "ctc_ana", limit=10).shown
    assert shown.entry.text == long.text


def test_what_the_table_cannot_take_is_refused_there_and_told_as_any_trouble(own: Table) -> None:
    with pytest.raises(UnavailableError):
        own.write(Put(Key("", ""), {}))

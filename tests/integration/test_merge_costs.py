"""Merging and undoing cost the same whatever the histories are (docs/benchmarks-identity.md)."""

import pytest

from shared.store.table import Table
from tests import dynamodb_local
from tests.benchmarks.identity import measure


@pytest.mark.parametrize("table", ["dynamodb-local"], indirect=True)
@pytest.mark.skipif(not dynamodb_local.is_there(), reason="needs Java and Maven")
def test_merging_and_undoing_cost_the_same_whatever_the_histories(table: Table) -> None:
    short, long = measure(table, 10), measure(table, 1000)
    for step in ("merge", "undo"):
        assert long[step].calls == short[step].calls
        assert long[step].calls.count("TransactWriteItems") == 1
        assert "Query" not in long[step].calls
        # Ids and times are of one length; only how an answer is compressed may differ.
        assert abs(long[step].sent - short[step].sent) < 64
        assert abs(long[step].received - short[step].received) < 64
    for page in ("first page, merged", "first page, undone"):
        assert long[page].calls.count("Query") == len(long[page].calls) <= 3

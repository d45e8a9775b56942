"""Messages that come late, again, out of the future, or with a hundred files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.merge import Decision, merge
from shared.model.cursor import Cursor
from shared.model.entry import Attachment
from shared.model.identity import Address, IdentityKind
from shared.record import Outcome
from shared.store import contacts, keys
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.store.timeline import read_page
from tests.builders import ANA_EMAIL, ANA_PHONE, later, mail, sms
from tests.hub import Hub


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def test_a_message_three_hours_late_is_in_the_history_and_announced(hub: Hub) -> None:
    first = hub.receive(sms("now", occurred_at=later(hours=4), received_at=later(hours=4)))
    passed = read_page(hub.table, first.contact_id, limit=1).shown[-1].entry
    late = hub.receive(sms("late", occurred_at=later(hours=1), received_at=later(hours=4)))
    after = Cursor(keys.entry_position(passed.occurred_at, passed.id))
    page = read_page(hub.table, first.contact_id, limit=9, after=after)
    assert [each.entry.id for each in page.shown] == [late.entry_id]
    assert late.entry
    item = hub.table.get(keys.entry(late.contact_id, late.entry.occurred_at, late.entry_id))
    assert item
    assert item["change"]["events"] == ["EntryRecorded"]


def test_a_message_from_the_year_2099_stands_where_it_was_received(hub: Hub) -> None:
    recorded = hub.receive(sms(occurred_at=datetime(2099, 1, 1, tzinfo=UTC)))
    assert recorded.entry
    assert recorded.entry.occurred_at <= later(minutes=5)


def test_a_delivery_that_comes_again_after_eleven_minutes_counts_once(hub: Hub) -> None:
    """DynamoDB's own token for a transaction is good for ten."""
    hub.receive(sms(sid="SM1"))
    again = hub.receive(sms(sid="SM1", received_at=later(minutes=11)), now=later(minutes=11))
    assert again.outcome is Outcome.DUPLICATE
    assert hub.contact(ANA_PHONE).identities[0].messages == 1


def test_the_same_words_under_two_ids_are_two_messages_of_one_conversation(hub: Hub) -> None:
    one = hub.receive(sms("yes", sid="SM1"))
    two = hub.receive(sms("yes", sid="SM2", received_at=later(seconds=0.2)))
    assert (one.contact_id, one.conversation_id) == (two.contact_id, two.conversation_id)
    assert hub.contact(ANA_PHONE).identities[0].messages == 2


def test_a_text_of_emoji_and_right_to_left_script_comes_back_as_it_was(hub: Hub) -> None:
    text = "👩‍👩‍👧 שלום \u202eabc\u202c é"
    recorded = hub.receive(sms(text))
    (shown,) = read_page(hub.table, recorded.contact_id, limit=1).shown
    assert shown.entry.text == text


def test_a_mail_with_a_hundred_files_fits_into_an_item(hub: Hub) -> None:
    files = tuple(
        Attachment(name="n" * 200, media_type="text/plain", object_key=f"attachments/{n:048}")
        for n in range(100)
    )
    recorded = hub.receive(mail("x" * 500_000, attachments=files))
    (shown,) = read_page(hub.table, recorded.contact_id, limit=1).shown
    assert len(shown.entry.attachments) == 100


def test_who_somebody_is_is_read_from_the_table_and_strongly(hub: Hub) -> None:
    reads: list[dict[str, Any]] = []
    for operation in ("GetItem", "BatchGetItem", "Query"):
        hub.table._client.meta.events.register(
            f"provide-client-params.dynamodb.{operation}",
            lambda params, **_: reads.append(params),
        )
    recorded = hub.receive(mail())
    hub.contact(ANA_EMAIL)
    read_page(hub.table, recorded.contact_id, limit=9)
    for read in reads:
        assert "IndexName" not in read
        for each in read.get("RequestItems", {"": read}).values():
            assert each["ConsistentRead"] is True
    assert len(reads) > 3


def test_a_chain_of_four_merges_answers_with_the_last_survivor_from_everywhere(hub: Hub) -> None:
    phones = [Address(IdentityKind.PHONE, f"+1415555010{n}") for n in range(4)]
    a, b, c, d = (hub.receive(sms(sender=phone)).contact_id for phone in phones)
    for survivor, other in ((c, d), (b, c), (a, b)):
        merge(hub.table, survivor, other, Decision(by="agent", reason="one"), now=later())
    for one in (a, b, c, d):
        assert contacts.get_contact(hub.table, one).root.id == a

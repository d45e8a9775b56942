"""One mail to two of our addresses: one entry, however and whenever its deliveries come."""

from typing import Any

import pytest

from shared import erase
from shared.model.entry import Attachment
from shared.model.identity import Address, IdentityKind, Trust
from shared.record import Outcome
from shared.store import keys
from shared.store.bodies import Bodies
from shared.store.objects import Objects
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, later, mail, sms
from tests.conftest import BUCKET
from tests.hub import Hub
from tests.world import World

SAME: dict[str, Any] = {"message_id": "m@example.com", "fingerprint": "what-ana-wrote"}


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def test_a_mail_delivered_under_two_ids_is_one_entry_counted_once(hub: Hub) -> None:
    first = hub.receive(mail(ses_id="to-support", **SAME))
    second = hub.receive(mail(ses_id="to-sales", **SAME))
    assert (second.outcome, second.entry_id) == (Outcome.DUPLICATE, first.entry_id)
    assert second.conversation_id == first.conversation_id
    assert hub.contact(ANA_EMAIL).identities[0].messages == 1
    for delivery in ("to-support", "to-sales"):
        marker = hub.table.get(keys.delivery("ses", delivery))
        assert marker
        assert marker["entry"].endswith(first.entry_id)


def test_the_second_delivery_may_itself_come_again(hub: Hub) -> None:
    first = hub.receive(mail(ses_id="to-support", **SAME))
    again = [hub.receive(mail(ses_id="to-sales", **SAME)) for _ in range(2)]
    assert [each.entry_id for each in again] == [first.entry_id] * 2
    assert len(World.of(hub.table).messages) == 1


@pytest.mark.parametrize("first", [Trust.CLAIMED, Trust.VERIFIED])
def test_a_forged_mail_never_stands_for_the_genuine_one_whichever_comes_first(
    hub: Hub, first: Trust
) -> None:
    trusts = sorted((Trust.CLAIMED, Trust.VERIFIED), key=lambda trust: trust is not first)
    recorded = [hub.receive(mail(trust=trust, **SAME)) for trust in trusts]
    assert {each.outcome for each in recorded} == {Outcome.RECORDED}
    trust_of = {entry.trust for entry in World.of(hub.table).messages}
    assert trust_of == {Trust.CLAIMED, Trust.VERIFIED}


def test_another_sender_or_other_words_under_the_same_message_id_are_another_mail(
    hub: Hub,
) -> None:
    bo = Address(IdentityKind.EMAIL, "bo@example.com")
    hub.receive(mail(**SAME))
    hub.receive(mail(sender=bo, **SAME))
    hub.receive(mail(message_id="m@example.com", fingerprint="other words"))
    assert len(World.of(hub.table).messages) == 3


def test_a_copy_of_a_message_that_has_no_fingerprint_is_a_message_of_its_own(hub: Hub) -> None:
    for _ in range(2):
        hub.receive(mail(message_id="m@example.com"))
        hub.receive(sms("yes"))
    assert hub.contact(ANA_PHONE).identities[0].messages == 2
    assert hub.contact(ANA_EMAIL).identities[0].messages == 2


def test_the_table_is_called_twice_for_a_copy_too(hub: Hub, aws_calls: list[str]) -> None:
    hub.receive(mail(**SAME))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems"]
    aws_calls.clear()
    hub.receive(mail(**SAME))
    assert aws_calls == ["BatchGetItem", "TransactWriteItems"]


def test_an_erasure_takes_along_what_every_delivery_left(hub: Hub) -> None:
    bucket = Objects(hub.bodies._client, BUCKET)
    for number in (1, 2, 3):
        stored = Attachment(name="a", media_type="text/plain", object_key=f"files/{number}")
        for key in (stored.object_key, f"raw/{number}"):
            hub.bodies._client().put_object(Bucket=BUCKET, Key=key, Body=b"x")
        hub.receive(
            mail(ses_id=f"ses-{number}", raw_key=f"raw/{number}", attachments=(stored,), **SAME)
        )
    root = hub.contact(ANA_EMAIL).root
    erase.begin(hub.table, root.id, root.members, by="agent", now=later(days=1))
    done = erase.finish(hub.table, root.id, content=bucket, mails=bucket, now=later(days=1))
    assert done.finished_at
    assert hub.bodies._client().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    left = [item for item in World.of(hub.table).items if item["PK"].startswith("DELIVERY#")]
    assert left == []
    late = hub.receive(mail(ses_id="ses-4", **SAME), now=NOW)
    assert late.outcome is Outcome.ERASED

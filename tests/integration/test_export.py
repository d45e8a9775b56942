"""An export holds all there is about a person, and nothing of anybody else."""

import json
from collections import Counter
from typing import Any

import pytest

from shared.export import export
from shared.merge import Decision, merge
from shared.model.entry import Attachment
from shared.model.errors import ConflictError, NotFoundError
from shared.model.identity import Address, IdentityKind
from shared.model.promise import Promise
from shared.split import split
from shared.store import keys, promises
from shared.store.bodies import Bodies
from shared.store.table import Put, Table
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, mail, sms
from tests.outbound import Office, key_of

AGENT = Decision(by="agent-1", reason="the same person")
BO_EMAIL = Address(IdentityKind.EMAIL, "bo@example.com")


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def exported(office: Office, contact_id: str) -> list[dict[str, Any]]:
    """The lines of an export."""
    lines = export(office.table, office.bodies, contact_id, now=NOW)
    return [json.loads(line) for line in lines]


def test_an_export_holds_everything_about_a_person_over_all_members(office: Office) -> None:
    hub, table = office.hub, office.table
    long = "".join(map(str, range(200_000)))
    file = Attachment(name="a.pdf", media_type="application/pdf", object_key="attachments/att_1")
    by_mail = hub.receive(
        mail(long, attachments=(file,), raw_key="inbound/m1", claims=(ANA_PHONE,))
    )
    by_chat = hub.receive(chat("in the chat", vouched=(ANA_PHONE,)))
    hub.receive(sms("by text"))
    office.deliver(key_of(office.answer(by_chat.contact_id, "an answer", to=ANA_PHONE)))
    merged = merge(table, by_mail.contact_id, by_chat.contact_id, AGENT, now=NOW)
    promise = Promise(id="prm_1", home=by_mail.contact_id, text="call back", by="agent-1", at=NOW)
    key = keys.identity(table.address_key(ANA_PHONE)).pk
    table.write(
        promises.made_leg(promise),
        Put(keys.Key(key, "CONSENT#1"), {"type": "consent", "words": "STOP", "state": "denied"}),
    )
    lines = exported(office, by_chat.contact_id)
    assert Counter(line["type"] for line in lines) == {
        "export": 1,
        "profile": 2,
        "identity": 3,
        "consent": 1,
        "entry": 5,
        "receipt": 1,
        "claim": 1,
        "promise": 1,
        "conversation": 2,
        "merge": 1,
    }
    by_type = {line["type"]: line for line in lines}
    assert lines[0] == by_type["export"]
    assert by_type["export"]["members"] == sorted([by_mail.contact_id, by_chat.contact_id])
    assert by_type["consent"]["words"] == "STOP"
    assert by_type["promise"]["text"] == "call back"
    assert by_type["claim"]["value"] == ANA_PHONE.value
    assert by_type["merge"]["id"] == merged.id
    entries = [line for line in lines if line["type"] == "entry"]
    assert {line["text"] for line in entries} >= {long, "in the chat", "by text", "an answer"}
    (with_file,) = [line for line in entries if line["attachments"]]
    assert with_file["attachments"][0]["object_key"] == "attachments/att_1"
    assert with_file["raw_key"] == "inbound/m1"
    assert with_file["cost"]["provider_micro_usd"] == 8_300
    values = {line["address"]["value"] for line in lines if line["type"] == "identity"}
    assert values == {ANA_EMAIL.value, ANA_PHONE.value, ANA_CHAT.value}


def test_an_export_holds_nothing_of_anybody_else(office: Office) -> None:
    hub = office.hub
    hers = hub.receive(mail(message_id="hers@example.com"))
    his = hub.receive(mail("his own", sender=BO_EMAIL, message_id="his@example.com"))
    hub.receive(mail("his word", sender=BO_EMAIL, references=("hers@example.com",)))
    hub.receive(mail("her word", references=("his@example.com",)))
    text = "".join(export(office.table, office.bodies, hers.contact_id, now=NOW))
    assert "her word" in text
    his_words = ("his own", "his word", BO_EMAIL.value, his.contact_id)
    assert not [word for word in his_words if word in text]


def test_a_history_of_many_pages_is_exported_whole(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.holdings._READ_AT_ONCE", 3)
    first = office.hub.receive(sms("text 0"))
    for number in range(1, 11):
        office.hub.receive(sms(f"text {number}"))
    texts = [line["text"] for line in exported(office, first.contact_id) if "text" in line]
    assert sorted(texts) == sorted(f"text {number}" for number in range(11))


def test_who_is_not_there_or_just_being_split_cannot_be_exported(office: Office) -> None:
    with pytest.raises(NotFoundError):
        exported(office, "ctc_nobody")
    first = office.hub.receive(chat(vouched=(ANA_PHONE,)))
    split(office.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="under way"):
        exported(office, first.contact_id)

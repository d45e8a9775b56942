"""Erasing a person: nothing of them is left, whoever dies on the way, and nobody else loses."""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import boto3
import pytest

from shared import erase
from shared.merge import Decision, merge, undo
from shared.model.entry import Attachment, Author, AuthorType
from shared.model.erasure import Certificate
from shared.model.errors import ConflictError, GoneError, NotFoundError, UnnamedMembersError
from shared.model.events import Change
from shared.model.identity import Address, IdentityKind
from shared.model.message import Delivery
from shared.model.promise import Promise
from shared.model.receipt import ReceiptState
from shared.model.recording import Marker
from shared.model.suggestion import Evidence, Suggestion
from shared.note import NoteRequest, note
from shared.record import Outcome
from shared.split import move, split
from shared.store import contacts, conversations, due, keys, promises, suggestions
from shared.store.attachments import Attachments
from shared.store.attributes import Item, to_wire
from shared.store.bodies import Bodies
from shared.store.downloads import Downloads
from shared.store.objects import Objects
from shared.store.table import Put, Table, Update
from shared.store.timeline import read_page
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, later, mail, sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub
from tests.outbound import Office, key_of
from tests.streams import written

AGENT = Decision(by="agent-1", reason="Ana Lopez said so on the phone")
BO_EMAIL = Address(IdentityKind.EMAIL, "bo@example.com")
ALL_OF_IT = Change(events=("EntryRecorded",), cause="api:agent-1", correlation="r", by="agent-1")
# What must be found nowhere afterwards: words, names, addresses.
TRACES = ("secret", "ana@", "4155550101", "v-12", "Lopez", "invoice")


@dataclass
class Archive:
    """An office, and the buckets beside it, which keep every version of an object."""

    office: Office
    content: Objects
    mails: Objects

    @property
    def table(self) -> Table:
        return self.office.table

    @property
    def hub(self) -> Hub:
        return self.office.hub

    def erase(self, contact_id: str, *members: str, **how: Any) -> Certificate:
        """Somebody asks for an erasure, and it goes to its end unless told otherwise."""
        erase.begin(self.table, contact_id, frozenset(members), by="agent-1", now=NOW)
        return self.finish(contact_id, **how)

    def finish(self, contact_id: str, *, now: datetime = NOW, **how: Any) -> Certificate:
        return erase.finish(
            self.table, contact_id, content=self.content, mails=self.mails, now=now, **how
        )

    def objects(self) -> list[str]:
        """The keys of all objects in all their versions, in both buckets."""
        client = boto3.client("s3", region_name=REGION)
        return [
            version["Key"]
            for bucket in (BUCKET, "mails")
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket)
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]

    def store_raw(self, key: str) -> None:
        boto3.client("s3", region_name=REGION).put_object(Bucket="mails", Key=key, Body=b"secret")


@pytest.fixture
def archive(table: Table, bodies: Bodies) -> Archive:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="mails")
    for bucket in (BUCKET, "mails"):
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Archive(
        Office(table, bodies), Objects(lambda: client, BUCKET), Objects(lambda: client, "mails")
    )


def everything(table: Table) -> list[Item]:
    """Every item of the table."""
    return list(written(table))


def dump(table: Table) -> str:
    """All the table holds, as one text."""
    return json.dumps([plain(item) for item in everything(table)])


def plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case frozenset() | list():
            return [plain(part) for part in sorted(value, key=str)]
        case bytes():
            return zlib.decompress(value).decode()
        case _:
            return value


def lead_a_life(archive: Archive) -> str:
    """Ana is two contacts, over three channels, with everything that can be kept of anybody."""
    hub, office, table = archive.hub, archive.office, archive.table
    archive.store_raw("inbound/m1")
    archive.store_raw("inbound/m1")
    attachments = Attachments(lambda: boto3.client("s3", region_name=REGION), BUCKET)
    file = attachments.keep(
        Attachment(name="invoice.pdf", media_type="application/pdf"),
        b"secret",
        delivery=Delivery("ses", "m1"),
        number=0,
    )
    sent_file = attachments.keep(
        replace(file, name="label.pdf", object_key=""),
        b"secret",
        delivery=Delivery("api#agent-1", "k-1"),
        number=1,
    )
    by_mail = hub.receive(
        mail(
            "secret " * 50,
            subject="My secret",
            author_name="Ana Lopez",
            html="<p>secret</p>",
            attachments=(file,),
            raw_key="inbound/m1",
            message_id="first@example.com",
            claims=(Address(IdentityKind.PHONE, "+14155550101"),),
        )
    )
    assert by_mail.entry
    downloads = Downloads(lambda: boto3.client("s3", region_name=REGION), BUCKET)
    downloads.keep_html(by_mail.entry.id, "secret")
    hub.receive(mail("".join(map(str, range(200_000))), subject="My secret", raw_key="inbound/m2"))
    by_chat = hub.receive(chat("secret in the chat", vouched=(ANA_PHONE,), author_name="A. Lopez"))
    hub.receive(sms("secret text", sid="SM1"))
    answered = office.answer(by_chat.contact_id, "your secret is safe", to=ANA_PHONE)
    office.deliver(key_of(answered))
    replied = office.answer(
        by_mail.contact_id, "as you say, it is a secret", to=ANA_EMAIL, attachments=(sent_file,)
    )
    office.deliver(key_of(replied))
    office.deliver(key_of(office.answer(by_chat.contact_id, "in the secret chat", to=ANA_CHAT)))
    hub.resolve(by_chat.conversation_id)
    merge(table, by_mail.contact_id, by_chat.contact_id, AGENT, now=NOW)
    write_note(archive, by_mail.contact_id, "she told me a secret")
    promise = Promise(
        id="prm_1", home=by_mail.contact_id, text="call Lopez back", by="agent-1", at=NOW
    )
    table.write(promises.made_leg(promise))
    add_consent(table, ANA_PHONE)
    return by_mail.contact_id


def write_note(archive: Archive, contact_id: str, text: str) -> None:
    note(
        NoteRequest(
            contact_id=contact_id,
            author=Author(AuthorType.AGENT, "agent-1"),
            marker=Marker(provider="api#agent-1", id=f"note-{text}"),
            change=ALL_OF_IT,
            text=text,
        ),
        table=archive.table,
        bodies=archive.office.bodies,
        now=NOW,
    )


def add_consent(table: Table, address: Address) -> None:
    """They said STOP, and where."""
    key = keys.identity(table.address_key(address))
    table.write(
        Update(
            key,
            "SET consent = :consent ADD blocked_senders :sender",
            "attribute_exists(PK)",
            {":consent": {"text:*": "denied", "email:*": "granted"}, ":sender": {"+14155550000"}},
        ),
        Put(
            keys.Key(key.pk, f"CONSENT#{keys.timestamp(NOW)}#1"),
            {"type": "consent", "words": "secret"},
        ),
    )


# ---- what is left


def test_nothing_of_an_erased_person_is_left_but_tombstones_and_what_they_cost(
    archive: Archive,
) -> None:
    root = lead_a_life(archive)
    members = contacts.get_contact(archive.table, root).root.members
    certificate = archive.erase(root, *members)
    left = dump(archive.table)
    assert [trace for trace in TRACES if trace in left] == []
    assert archive.objects() == []
    kinds = sorted({item["type"] for item in everything(archive.table)})
    assert kinds == ["cost_line", "due", "profile", "tombstone"]
    named = [item["PK"] for item in everything(archive.table) if plain_has(item, members)]
    assert sorted(named) == sorted(keys.contact(member) for member in members)
    assert certificate.finished_at == NOW
    assert set(certificate.members) == members


def plain_has(item: Item, ids: Set[str]) -> bool:
    text = json.dumps(plain(item))
    return any(contact_id in text for contact_id in ids)


def test_what_is_kept_says_how_much_there_was_and_not_whose(archive: Archive) -> None:
    root = lead_a_life(archive)
    contact = contacts.get_contact(archive.table, root)
    cost = sum(identity.cost_micro_usd for identity in contact.identities)
    types = Counter(item["type"] for item in everything(archive.table))
    certificate = archive.erase(root, *contact.root.members)
    assert certificate.entries == types["entry"] == 9
    assert certificate.conversations == types["conversation"]
    assert certificate.addresses == 3
    assert certificate.objects == 5  # a file each way, a large body, two raw mails
    assert certificate.provider_copies == 2  # one text in, one out
    copies = [item for item in everything(archive.table) if item["type"] == "due"]
    assert {item["GSI1PK"] for item in copies} == {keys.copies_partition()}
    named = sorted((item["provider"], item["provider_id"]) for item in copies)
    assert named == [("twilio", "SM1"), ("twilio", "id-1")]
    assert list(due.ready(archive.table, NOW)) == [], "there is nothing left to do"
    lines = [item for item in everything(archive.table) if item["type"] == "cost_line"]
    parts = ("provider", "carrier_fee", "own")
    assert sum(line["cost"][part] for line in lines for part in parts) == cost > 0
    assert {line["home"] for line in lines} == {keys.ERASED}
    assert {line["at"] for line in lines} == {"2026-11-01T00:00:00.000Z"}
    assert not any({"entry", "address_key"} & line.keys() for line in lines)
    assert all(line["moved"] for line in lines), "they would be metered twice"


# ---- afterwards


def test_every_id_of_an_erased_person_answers_with_the_certificate(archive: Archive) -> None:
    root = lead_a_life(archive)
    members = contacts.get_contact(archive.table, root).root.members
    certificate = archive.erase(root, *members)
    for member in members:
        with pytest.raises(GoneError) as gone:
            contacts.get_contact(archive.table, member)
        assert gone.value.certificate == certificate
        with pytest.raises(GoneError):
            read_page(archive.table, member, limit=5)
    assert archive.erase(root) == certificate
    with pytest.raises(ConflictError, match="erased"):
        merge(
            archive.table,
            archive.hub.receive(mail(sender=BO_EMAIL)).contact_id,
            root,
            AGENT,
            now=NOW,
        )


def test_a_late_webhook_finds_the_tombstone_in_one_call(
    archive: Archive, aws_calls: list[str]
) -> None:
    first = archive.hub.receive(sms(sid="SM1"))
    archive.erase(first.contact_id)
    before = dump(archive.table)
    aws_calls.clear()
    assert archive.hub.receive(sms(sid="SM1"), now=later(days=1)).outcome is Outcome.ERASED
    assert aws_calls == ["BatchGetItem"]
    late = sms(sid="SM2", received_at=later(days=6))
    assert archive.hub.receive(late, now=later(days=6)).outcome is Outcome.ERASED
    assert dump(archive.table) == before


def test_a_message_after_the_grace_is_a_first_contact_and_an_opt_out_survives(
    archive: Archive,
) -> None:
    first = archive.hub.receive(sms())
    add_consent(archive.table, ANA_PHONE)
    archive.erase(first.contact_id)
    again = archive.hub.receive(sms("hello again", received_at=later(days=8)), now=later(days=8))
    assert again.outcome is Outcome.RECORDED
    assert again.contact_id != first.contact_id
    identity = archive.hub.contact(ANA_PHONE).identities[0]
    assert identity.consent == {"text:*": "denied"}
    assert identity.blocked_senders == {"+14155550000"}
    assert identity.messages == 1
    assert archive.erase(again.contact_id).entries == 1
    with pytest.raises(GoneError) as gone:
        contacts.get_contact(archive.table, first.contact_id)
    assert gone.value.certificate.requested_at == NOW


# ---- other people


def test_nobody_else_loses_anything(archive: Archive) -> None:
    hub = archive.hub
    hers = hub.receive(mail(message_id="hers@example.com"))
    his = hub.receive(mail(sender=BO_EMAIL, message_id="his@example.com"))
    guest_of_hers = hub.receive(
        mail("may I add", sender=BO_EMAIL, references=("hers@example.com",))
    )
    guest_of_his = hub.receive(mail("secret", references=("his@example.com",)))
    assert guest_of_hers.conversation_id == hers.conversation_id
    assert guest_of_his.conversation_id == his.conversation_id
    archive.erase(hers.contact_id)
    texts = [shown.entry.text for shown in read_page(archive.table, his.contact_id, limit=9).shown]
    assert texts == ["may I add", "hello"]
    (partition,) = {
        item["PK"] for item in everything(archive.table) if item["type"] == "conversation"
    }
    assert [i["type"] for i in everything(archive.table) if i["PK"] == partition] == [
        "conversation"
    ]
    with pytest.raises(NotFoundError):
        conversations.get(archive.table, hers.conversation_id)
    answer = hub.receive(mail("and now?", sender=BO_EMAIL, references=("hers@example.com",)))
    assert answer.contact_id == his.contact_id
    assert answer.conversation_id != hers.conversation_id


def test_a_conversation_shared_before_a_merge_was_undone_forgets_the_one_who_left(
    archive: Archive,
) -> None:
    hub = archive.hub
    by_mail, by_phone = hub.receive(mail()), hub.receive(sms())
    hub.resolve(by_phone.conversation_id)
    record = merge(archive.table, by_mail.contact_id, by_phone.contact_id, AGENT, now=NOW)
    hub.receive(sms("secret", received_at=later(days=8)), now=later(days=8))
    hub.resolve(by_mail.conversation_id, now=later(days=8))
    undo(archive.table, record.id, AGENT, now=later(days=8))
    archive.erase(by_phone.contact_id)
    theirs = hub.conversation(by_mail.conversation_id)
    assert set(theirs.parts) == {archive.table.address_key(ANA_EMAIL)}
    assert theirs.last_in is None
    assert hub.contact(ANA_EMAIL).root.members == {by_mail.contact_id}
    with pytest.raises(NotFoundError):
        undo(archive.table, record.id, AGENT, now=NOW)


def test_whoever_was_merged_with_them_for_a_while_is_heard_as_before(archive: Archive) -> None:
    his = merged_for_a_while(archive)
    archive.erase(archive.hub.contact(ANA_EMAIL).root.id)
    alone = archive.hub.receive(mail("and now?", sender=BO_EMAIL))
    assert (alone.outcome, alone.contact_id) == (Outcome.RECORDED, his)


def test_whoever_was_merged_for_a_while_is_heard_after_all_that_the_others_became_is_erased(
    archive: Archive,
) -> None:
    his = merged_for_a_while(archive)
    hers = archive.hub.contact(ANA_EMAIL).root.id
    third = archive.hub.receive(sms()).contact_id
    merge(archive.table, third, hers, AGENT, now=NOW)
    archive.erase(third, third, hers)
    alone = archive.hub.receive(mail("and now?", sender=BO_EMAIL))
    assert (alone.outcome, alone.contact_id) == (Outcome.RECORDED, his)


def merged_for_a_while(archive: Archive) -> str:
    """Bo was taken for Ana, wrote meanwhile, and is himself again: his contact."""
    hub = archive.hub
    hers, his = hub.receive(mail()), hub.receive(mail(sender=BO_EMAIL))
    record = merge(archive.table, hers.contact_id, his.contact_id, AGENT, now=NOW)
    for known in (hers, his):
        hub.resolve(known.conversation_id)
    later_on = later(days=8)
    together = hub.receive(mail("as one", sender=BO_EMAIL, received_at=later_on), now=later_on)
    assert together.contact_id == hers.contact_id
    hub.resolve(together.conversation_id, now=later_on)
    undo(archive.table, record.id, AGENT, now=later_on)
    return his.contact_id


def test_a_twin_that_nobody_wrote_in_goes_with_its_person(archive: Archive) -> None:
    hub = archive.hub
    first = hub.receive(chat("secret", vouched=(ANA_PHONE,)))
    hub.receive(sms("secret too"))
    record = split(archive.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    assert move(archive.table, record.id, now=NOW)
    (twin,) = hub.contact(ANA_PHONE).conversations
    hub.resolve(twin.id)
    archive.erase(record.target)
    with pytest.raises(NotFoundError):
        conversations.get(archive.table, twin.id)
    assert hub.contact(ANA_CHAT).root.id == first.contact_id


def test_what_was_suggested_about_an_erased_person_is_no_question_any_more(
    archive: Archive,
) -> None:
    hub, table = archive.hub, archive.table
    ana, bo = hub.receive(sms()), hub.receive(mail(sender=BO_EMAIL))
    one, other = table.address_key(ANA_PHONE), table.address_key(BO_EMAIL)
    question = Suggestion(
        pair=(one, other),
        evidence=frozenset({Evidence.VOUCHED}),
        at=NOW,
        homes={one: ana.contact_id, other: bo.contact_id},
        revision=0,
    )
    suggestions.keep(table, question)
    bos = contacts.get_identity(table, BO_EMAIL)
    assert bos
    contacts.mark_shared(table, bos, ana.contact_id)
    archive.erase(ana.contact_id)
    assert suggestions.list_open(table, limit=5).suggestions == ()
    assert not plain_has({"all": dump(table)}, frozenset({question.id}))
    assert [item["PK"] for item in everything(table) if plain_has(item, {ana.contact_id})] == [
        keys.contact(ana.contact_id)
    ]


# ---- while it is under way


def test_all_members_must_be_named(archive: Archive) -> None:
    root = lead_a_life(archive)
    members = contacts.get_contact(archive.table, root).root.members
    with pytest.raises(UnnamedMembersError) as unnamed:
        erase.begin(archive.table, root, frozenset({root}), by="agent-1", now=NOW)
    assert unnamed.value.members == members
    with pytest.raises(NotFoundError):
        erase.begin(archive.table, "ctc_nobody", frozenset(), by="agent-1", now=NOW)


def test_a_split_is_waited_for(archive: Archive) -> None:
    first = archive.hub.receive(chat(vouched=(ANA_PHONE,)))
    record = split(archive.table, first.contact_id, ANA_PHONE, AGENT, now=NOW)
    for side in (record.source, record.target):
        with pytest.raises(ConflictError, match="under way"):
            archive.erase(side)
    assert move(archive.table, record.id, now=NOW)
    assert archive.erase(record.target).finished_at


def test_nothing_else_happens_to_somebody_who_is_being_erased(archive: Archive) -> None:
    hub, table = archive.hub, archive.table
    ana, bo = hub.receive(chat(vouched=(ANA_PHONE,))), hub.receive(mail(sender=BO_EMAIL))
    record = merge(table, ana.contact_id, bo.contact_id, AGENT, now=NOW)
    other = hub.receive(mail())
    erase.begin(table, ana.contact_id, {ana.contact_id, bo.contact_id}, by="agent-1", now=NOW)
    refused: list[Callable[[], Any]] = [
        lambda: undo(table, record.id, AGENT, now=NOW),
        lambda: merge(table, other.contact_id, ana.contact_id, AGENT, now=NOW),
        lambda: split(table, ana.contact_id, ANA_PHONE, AGENT, now=NOW),
        lambda: hub.resolve(ana.conversation_id),
    ]
    for attempt in refused:
        with pytest.raises(ConflictError):
            attempt()
    gone_for: list[Callable[[], Any]] = [
        lambda: write_note(archive, bo.contact_id, "too late"),
        lambda: archive.office.answer(ana.contact_id),
    ]
    for attempt in gone_for:
        with pytest.raises(GoneError) as gone:
            attempt()
        assert gone.value.certificate.finished_at is None
    assert archive.finish(bo.contact_id).finished_at


def test_a_message_that_is_just_being_sent_is_waited_for(archive: Archive) -> None:
    office = archive.office
    first = archive.hub.receive(sms())
    sent = office.answer(first.contact_id)
    progress: list[Certificate] = []
    office.provider.while_sending = lambda: progress.append(archive.erase(first.contact_id))
    office.deliver(key_of(sent))
    assert progress[0].finished_at is None
    assert office.receipt(key_of(sent)).state is ReceiptState.ACCEPTED
    assert archive.finish(first.contact_id).provider_copies == 2


def test_who_writes_again_after_the_grace_is_not_erased_with_what_was_left_over(
    archive: Archive,
) -> None:
    first = archive.hub.receive(sms())
    erase.begin(archive.table, first.contact_id, frozenset(), by="agent-1", now=NOW)
    turns = iter([True])
    assert archive.finish(first.contact_id, go_on=lambda: next(turns, False)).addresses == 1
    again = archive.hub.receive(sms(received_at=later(days=8)), now=later(days=8))
    certificate = archive.finish(first.contact_id, now=later(days=8))
    assert (certificate.addresses, certificate.entries) == (1, 1)
    assert archive.hub.contact(ANA_PHONE).root.id == again.contact_id


def test_asking_before_it_was_begun_is_refused(archive: Archive) -> None:
    first = archive.hub.receive(sms())
    with pytest.raises(ConflictError, match="nobody asked"):
        archive.finish(first.contact_id)


def test_it_goes_on_a_little_at_a_time_and_says_how_far_it_is(archive: Archive) -> None:
    first = archive.hub.receive(sms())
    for number in range(30):
        archive.hub.receive(sms(f"secret {number}"))
    erase.begin(archive.table, first.contact_id, frozenset(), by="agent-1", now=NOW)
    counted = []
    for _ in range(9):
        turns = iter([True, True, True])
        certificate = archive.finish(first.contact_id, go_on=lambda turns=turns: next(turns, False))
        counted.append(certificate.entries)
        if certificate.finished_at:
            break
    assert counted == sorted(counted)
    assert counted[0] < counted[-1] == 31
    assert certificate.conversations == 1
    assert list(due.ready(archive.table, NOW)) == []


# ---- whoever dies


class Died(BaseException):  # noqa: N818 no `except Exception` may survive it
    """The process ended here."""


@pytest.fixture
def die_after(archive: Archive) -> Callable[[int | None], None]:
    """Let the n-th call from now on, to whatever service, be the last that takes effect."""
    left: list[int | None] = [None]

    def hit(**_: Any) -> None:
        if left[0] is not None:
            left[0] -= 1
            if left[0] < 0:
                left[0] = None
                raise Died

    for client in (archive.table._client, archive.content._client()):
        client.meta.events.register("after-call.*.*", hit)
    return lambda number: left.__setitem__(0, number)


@pytest.mark.parametrize("table", ["moto"], indirect=True)
def test_whoever_dies_at_whatever_call_it_is_finished_with_the_same_counts(
    archive: Archive, die_after: Callable[[int | None], None]
) -> None:
    """The same life again and again, its erasure killed at each call in turn."""
    contact_id = lead_a_short_life(archive)
    life = everything(archive.table)
    outcomes: set[Certificate] = set()
    number, killed = 0, True
    while killed:
        die_after(number)
        try:
            killed = False
            archive.erase(contact_id)
        except Died:
            killed = True
        die_after(None)
        outcomes.add(archive.erase(contact_id))
        left = dump(archive.table)
        assert [trace for trace in TRACES if trace in left] == []
        assert archive.objects() == []
        restore(archive, life)
        number += 1
    assert number > 25
    (certificate,) = outcomes
    assert (certificate.entries, certificate.objects) == (3, 1)
    assert (certificate.addresses, certificate.conversations) == (1, 1)


def lead_a_short_life(archive: Archive) -> str:
    """A mail, an answer to it, and a word on somebody else's conversation."""
    archive.hub.receive(mail(sender=BO_EMAIL, message_id="his@example.com"))
    archive.store_raw("inbound/m1")
    first = archive.hub.receive(mail("secret", raw_key="inbound/m1"))
    archive.office.deliver(key_of(archive.office.answer(first.contact_id, "your secret")))
    archive.hub.receive(mail("secret guest", references=("his@example.com",)))
    return first.contact_id


def restore(archive: Archive, life: list[Item]) -> None:
    """Everything is as it was before."""
    table = archive.table
    for item in everything(table):
        key: Any = to_wire({"PK": item["PK"], "SK": item["SK"]})
        table._client.delete_item(TableName=table.name, Key=key)
    for item in life:
        table._client.put_item(TableName=table.name, Item=to_wire(item))
    archive.store_raw("inbound/m1")

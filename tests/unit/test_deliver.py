"""Handing messages out: each leaves once, and what became of it is said honestly."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from shared.attach import attach
from shared.deliver import Outcome
from shared.merge import Decision, merge
from shared.model.entry import Attachment, Channel, File
from shared.model.errors import InvalidRequestError, NotFoundError, UnavailableError
from shared.model.identity import Address, IdentityKind
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.model.sending import Accepted, Refused, StatusReport, Unknown
from shared.providers.twilio.sender import VALIDITY_SECONDS
from shared.receipts import apply_report
from shared.rules import delivery, reply_tokens
from shared.rules import receipts as rules
from shared.rules.envelope import outbound_message
from shared.runtime import clients
from shared.store import consents, contacts, keys, receipts
from shared.store.attributes import from_wire
from shared.store.bodies import Bodies
from shared.store.downloads import MEDIA_LINK_SECONDS, Downloads
from shared.store.table import Table, Update
from tests.builders import ANA_CHAT, ANA_EMAIL, ANA_PHONE, NOW, chat, mail, sms
from tests.hub import KEYS
from tests.outbound import DOMAIN, Killed, Office, key_of

PRICE_IN, PRICE_OUT = 8_310, 11_825


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def text_to_ana(office: Office) -> ReceiptKey:
    """Ana has written a text, and the answer is queued."""
    return key_of(office.answer(office.hub.receive(sms()).contact_id))


def report(office: Office, key: ReceiptKey, state: str, provider_id: str = "id-1") -> None:
    status = StatusReport(provider="twilio", provider_id=provider_id, state=state)
    apply_report(key, status, table=office.table, now=office.now)


def cost_of_ana(office: Office) -> int:
    identity = contacts.get_identity(office.table, ANA_PHONE)
    assert identity
    assert sum(identity.cost_by_channel.values()) == identity.cost_micro_usd
    return identity.cost_micro_usd


def stamped(office: Office, key: ReceiptKey) -> list[str]:
    """The events that the receipt's last write announces."""
    at = keys.receipt(key)
    answer = office.table._client.get_item(
        TableName=office.table.name, Key={"PK": {"S": at.pk}, "SK": {"S": at.sk}}
    )
    change = from_wire(answer["Item"]).get("change") or {"events": []}  # type: ignore[arg-type]
    return list(change["events"])


# ---- what the provider gets


def test_a_text_goes_out_with_a_callback_that_names_its_receipt(office: Office) -> None:
    key = text_to_ana(office)
    assert office.deliver(key) is Outcome.ACCEPTED
    (message,) = office.provider.sent
    assert (message.to, message.sender, message.text) == (
        ANA_PHONE,
        "+15005550006",
        "It left today.",
    )
    assert message.status_url == (
        f"https://hooks.example.com/webhooks/twilio/status/{key.home}"
        f"/2026-11-20T12:00:00.000Z/{key.entry_id}"
    )
    assert message.queued_at == NOW
    receipt = office.receipt(key)
    assert (receipt.state, receipt.provider_id, receipt.attempt) == ("accepted", "id-1", 1)
    assert receipt.steps.keys() == {"queued", "claimed", "accepted"}


def test_a_mail_answers_the_one_that_came_and_is_answered_on_its_conversation(
    office: Office,
) -> None:
    recorded = office.hub.receive(mail(message_id="first@example.com"))
    sent = office.answer(recorded.contact_id)
    office.deliver(key_of(sent))
    (message,) = office.provider.sent
    assert message.subject == "Re: Where is my order?"
    assert message.in_reply_to == "first@example.com"
    assert message.message_id == f"{sent.entry.id.lower()}@{DOMAIN}"
    local, _, domain = message.reply_to.partition("@")
    name, _, token = local.partition("+")
    assert (name, domain) == ("support", DOMAIN)
    assert len(local) <= 64
    assert reply_tokens.read(KEYS, token) == recorded.conversation_id
    assert message.status_url == ""


def test_an_answer_that_cites_the_providers_own_message_id_finds_the_conversation(
    office: Office,
) -> None:
    first = office.hub.receive(mail())
    office.deliver(key_of(office.answer(first.contact_id)))
    office.hub.receive(mail(subject="Something else"))
    reply = office.hub.receive(
        mail(subject="No subject of ours", references=("id-1@email.amazonses.com",))
    )
    assert reply.conversation_id == first.conversation_id


def test_a_chat_answer_goes_to_the_session_they_last_wrote_in(office: Office) -> None:
    recorded = office.hub.receive(chat(message_id="s-81@default"))
    office.deliver(key_of(office.answer(recorded.contact_id)))
    (message,) = office.provider.sent
    assert (message.to, message.in_reply_to) == (ANA_CHAT, "s-81@default")


def test_a_texts_files_leave_as_links_and_a_mails_do_not(office: Office) -> None:
    picture = Attachment(name="seam.png", media_type="image/png", object_key="attachments/a1")
    elsewhere = Attachment(name="file-1", media_type="image/png", source_url="https://twilio.com/1")
    texted = office.hub.receive(sms()).contact_id
    office.deliver(key_of(office.answer(texted, attachments=(picture, elsewhere))))
    mailed = office.hub.receive(mail()).contact_id
    office.deliver(key_of(office.answer(mailed, attachments=(picture,))))
    assert [message.media_urls for message in office.provider.sent] == [
        ("https://content.example.com/attachments/a1?signed",),
        (),
    ]


def test_a_mail_carries_its_files(office: Office) -> None:
    invoice = Attachment(
        name="a.pdf", media_type="application/pdf", object_key="attachments/a1", size_bytes=7
    )
    mailed = office.hub.receive(mail()).contact_id
    office.deliver(key_of(office.answer(mailed, attachments=(invoice,))))
    [message] = office.provider.sent
    assert message.files == (File(invoice, b"bytes of a.pdf"),)


def test_whatsapp_takes_one_file_a_message(office: Office) -> None:
    files = [Attachment(name=f"{n}.png", media_type="image/png") for n in range(2)]
    contact_id = office.hub.receive(replace(sms(), channel=Channel.WHATSAPP)).contact_id
    assert office.answer(contact_id, attachments=(files[0],)).entry.attachments == (files[0],)
    with pytest.raises(InvalidRequestError, match="one file a message"):
        office.answer(contact_id, attachments=tuple(files))


def test_a_link_to_a_texts_file_outlives_the_texts_wait_at_twilio(
    bodies: Bodies,
) -> None:
    clients.s3.cache_clear()
    link = Downloads(clients.s3, "content").media_link("attachments/a1")
    clients.s3.cache_clear()
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == [str(MEDIA_LINK_SECONDS)]
    assert MEDIA_LINK_SECONDS > VALIDITY_SECONDS


def test_a_body_too_large_for_the_table_is_sent_whole(office: Office) -> None:
    import random

    text = "".join(random.Random(7).choices("abcdefghij klmnopq\n", k=300_000))
    recorded = office.hub.receive(mail())
    office.deliver(key_of(office.answer(recorded.contact_id, text)))
    assert office.provider.sent[0].text == text


# ---- once


def test_a_repeated_queue_message_sends_once(office: Office) -> None:
    key = text_to_ana(office)
    outcomes = [office.deliver(key) for _ in range(3)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.SETTLED, Outcome.SETTLED]
    assert len(office.provider.sent) == 1


def test_a_second_sender_meanwhile_sends_nothing_and_leaves_the_message_on_the_queue(
    office: Office,
) -> None:
    key = text_to_ana(office)

    def second() -> None:
        with pytest.raises(UnavailableError, match="another sender"):
            office.deliver(key)

    office.provider.while_sending = second
    assert office.deliver(key) is Outcome.ACCEPTED
    assert len(office.provider.sent) == 1


def test_of_two_senders_that_saw_the_message_free_one_sends(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = text_to_ana(office)
    point = receipts.save

    def rival_first(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(receipts, "save", point)
        assert office.deliver(key) is Outcome.ACCEPTED
        return point(*args, **named)

    monkeypatch.setattr(receipts, "save", rival_first)
    with pytest.raises(UnavailableError, match="faster"):
        office.deliver(key)
    assert len(office.provider.sent) == 1


def test_nothing_is_claimed_when_too_little_time_is_left_to_keep_the_answer(
    office: Office,
) -> None:
    key = text_to_ana(office)
    office.time_left = timedelta(seconds=10)
    with pytest.raises(UnavailableError):
        office.deliver(key)
    assert office.receipt(key).state is ReceiptState.QUEUED


def test_a_message_that_is_not_there_is_not_found(office: Office) -> None:
    with pytest.raises(NotFoundError):
        office.deliver(ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1"))


# ---- what the provider says


def test_a_refusal_for_now_is_tried_again_when_due_and_not_before(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Refused("20429", final=False)]
    assert office.deliver(key) is Outcome.REFUSED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.error) == (ReceiptState.RETRY, "20429")
    assert office.due() == []
    assert office.deliver(key) is Outcome.NOT_DUE
    office.wait(seconds=30)
    assert office.due() == [key]
    assert office.deliver(key) is Outcome.ACCEPTED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.attempt, receipt.error) == (ReceiptState.ACCEPTED, 2, "")
    assert office.due() == []
    assert len(office.provider.sent) == 2


def test_what_is_refused_for_an_hour_fails_and_is_not_owed(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Refused("20429", final=False)] * 20
    outcomes = []
    for _ in range(8):
        outcomes.append(office.deliver(key))
        office.wait(hours=2)
    assert outcomes == [Outcome.REFUSED] * 7 + [Outcome.FAILED]
    assert office.due() == []
    assert cost_of_ana(office) == PRICE_IN


def test_a_final_refusal_fails_with_its_reason_and_takes_the_estimate_back(office: Office) -> None:
    key = text_to_ana(office)
    assert cost_of_ana(office) == PRICE_IN + PRICE_OUT
    office.provider.answers = [Refused("21211", final=True)]
    assert office.deliver(key) is Outcome.FAILED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.error, receipt.booked_micro_usd) == ("failed", "21211", 0)
    assert cost_of_ana(office) == PRICE_IN
    assert stamped(office, key) == ["ReceiptChanged"]
    assert office.deliver(key) is Outcome.SETTLED
    assert cost_of_ana(office) == PRICE_IN


def test_a_wrong_account_fails_no_message_and_leaves_it_on_the_queue(office: Office) -> None:
    key = text_to_ana(office)
    before = office.receipt(key)
    office.provider.answers = [Refused("20003", final=False, misconfigured=True)] * 3
    for _ in range(3):
        with pytest.raises(UnavailableError, match="refuses our account"):
            office.deliver(key)
    released = office.receipt(key)
    assert (released.state, released.attempt) == (before.state, before.attempt)
    assert office.deliver(key) is Outcome.ACCEPTED


def test_ordinary_progress_is_no_event(office: Office) -> None:
    key = text_to_ana(office)
    office.deliver(key)
    report(office, key, "delivered")
    assert stamped(office, key) == []


# ---- when nobody knows


def test_no_answer_is_waited_for_and_in_the_end_shown_as_unconfirmed(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Unknown("no-answer")]
    assert office.deliver(key) is Outcome.UNKNOWN
    assert office.receipt(key).state is ReceiptState.UNKNOWN
    office.wait(minutes=14, seconds=59)
    assert (office.due(), office.deliver(key)) == ([], Outcome.NOT_DUE)
    office.wait(seconds=1)
    assert (office.due(), office.deliver(key)) == ([key], Outcome.UNCONFIRMED)
    receipt = office.receipt(key)
    assert (receipt.state, receipt.error) == (ReceiptState.UNCONFIRMED, "no-answer")
    assert stamped(office, key) == ["ReceiptChanged"]
    assert office.due() == []
    assert len(office.provider.sent) == 1
    assert cost_of_ana(office) == PRICE_IN + PRICE_OUT


def test_a_report_settles_what_nobody_knew_and_the_due_item_goes_at_its_turn(
    office: Office,
) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Unknown("no-answer")]
    office.deliver(key)
    report(office, key, "sent")
    office.wait(minutes=15)
    assert office.due() == [key]
    assert office.deliver(key) is Outcome.SETTLED
    assert office.due() == []
    assert office.receipt(key).state is ReceiptState.SENT


def test_a_report_after_it_was_given_up_is_still_believed(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Unknown("no-answer")]
    office.deliver(key)
    office.wait(hours=1)
    assert office.deliver(key) is Outcome.UNCONFIRMED
    report(office, key, "delivered")
    assert office.receipt(key).state is ReceiptState.DELIVERED


def test_reports_that_are_faster_than_the_answer_are_kept(office: Office) -> None:
    key = text_to_ana(office)

    def reported() -> None:
        for state in ("accepted", "sent", "delivered"):
            report(office, key, state)

    office.provider.while_sending = reported
    assert office.deliver(key) is Outcome.ACCEPTED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.provider_id) == (ReceiptState.DELIVERED, "id-1")


def test_a_chat_message_can_be_reported_before_it_is_answered_for(office: Office) -> None:
    recorded = office.hub.receive(chat())
    key = key_of(office.answer(recorded.contact_id))
    found = []

    def reported() -> None:
        found.append(receipts.find(office.table, "chat", key.entry_id))

    office.provider.while_sending = reported
    office.provider.answers = [Accepted(key.entry_id)]
    office.deliver(key)
    assert found == [key]


def test_a_message_that_left_twice_is_noticed_and_both_ids_are_kept(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.while_sending = lambda: report(office, key, "sent", "id-of-another")
    assert office.deliver(key) is Outcome.DOUBLE
    assert office.receipt(key).provider_id == "id-of-another"
    assert receipts.find(office.table, "twilio", "id-1") == key


# ---- the checks before it


def test_nothing_is_sent_to_an_address_that_was_erased_and_nothing_is_owed(
    office: Office,
) -> None:
    key = text_to_ana(office)
    at = keys.identity(office.table.address_key(ANA_PHONE))
    office.table._client.update_item(
        TableName=office.table.name,
        Key={"PK": {"S": at.pk}, "SK": {"S": at.sk}},
        UpdateExpression="SET erased_at = :at",
        ExpressionAttributeValues={":at": {"S": keys.timestamp(NOW)}},
    )
    assert office.deliver(key) is Outcome.STOPPED
    receipt = office.receipt(key)
    assert (receipt.state, receipt.error, receipt.booked_micro_usd) == ("stopped", "erased", 0)
    assert office.provider.sent == []
    assert stamped(office, key) == ["ReceiptChanged"]


def test_a_message_that_another_sender_claims_while_it_is_stopped_stays_on_the_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = text_to_ana(office)
    monkeypatch.setattr(delivery, "objection", lambda facts: "no_consent")
    save = receipts.save

    def rival_first(table: Table, before: Receipt, *rest: Any, **named: Any) -> Receipt:
        monkeypatch.setattr(receipts, "save", save)
        save(table, before, rules.claim(before, "clm_rival", office.now, office.now))
        return save(table, before, *rest, **named)

    monkeypatch.setattr(receipts, "save", rival_first)
    with pytest.raises(UnavailableError, match="faster"):
        office.deliver(key)
    assert office.receipt(key).claim_id == "clm_rival"


def test_what_cost_nothing_is_not_taken_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure has taken the estimate from the entry, the totals from the address."""
    key = text_to_ana(office)
    at = keys.entry(key.home, key.at, key.entry_id)
    office.table._client.update_item(
        TableName=office.table.name,
        Key={"PK": {"S": at.pk}, "SK": {"S": at.sk}},
        UpdateExpression="REMOVE cost",
    )
    office.provider.answers = [Refused("21211", final=True)]
    assert office.deliver(key) is Outcome.FAILED
    assert cost_of_ana(office) == PRICE_IN + PRICE_OUT


def test_a_receipt_that_never_holds_still_is_left_for_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = text_to_ana(office)
    monkeypatch.setattr(delivery, "objection", lambda facts: "no_consent")

    def overtaken(table: Table, before: Receipt, *rest: Any, **named: Any) -> Receipt:
        raise receipts.OvertakenError(before)

    monkeypatch.setattr(receipts, "save", overtaken)
    with pytest.raises(UnavailableError, match="busy"):
        office.deliver(key)


def test_an_entry_to_nobody_cannot_be_made_a_message(office: Office) -> None:
    key = text_to_ana(office)
    entry, receipt = receipts.get(office.table, key)
    with pytest.raises(InvalidRequestError):
        outbound_message(
            replace(entry, address=None),
            receipt,
            None,
            sender="",
            status_url="",
            mail_domain=DOMAIN,
            reply_keys=KEYS,
        )


# ---- senders that die


def resume(office: Office, key: ReceiptKey) -> None:
    """The queue brings the message again until it is done with, and the sweep wakes it."""
    for _ in range(8):
        office.wait(minutes=6)
        try:
            office.deliver(key)
        except UnavailableError:
            continue


LOOKED, CLAIMED, POINTED, ANSWERED = (
    2,
    3,
    4,
    5,
)  # the calls to the table of a turn, two of them to look
DEATHS = {
    (1, "before"): ReceiptState.ACCEPTED,
    (LOOKED, "after"): ReceiptState.ACCEPTED,
    (CLAIMED, "before"): ReceiptState.ACCEPTED,
    (CLAIMED, "after"): ReceiptState.UNCONFIRMED,
    (POINTED, "before"): ReceiptState.UNCONFIRMED,
    (POINTED, "after"): ReceiptState.UNCONFIRMED,
    (ANSWERED, "before"): ReceiptState.UNCONFIRMED,
    (ANSWERED, "after"): ReceiptState.ACCEPTED,
}


@pytest.mark.parametrize(("death", "end"), DEATHS.items(), ids=str)
@pytest.mark.parametrize("incoming", [sms, mail], ids=["twilio", "ses"])
def test_a_sender_killed_anywhere_sends_at_most_once_and_nothing_is_lost_silently(
    office: Office,
    at_call: Callable[[int, str, BaseException], None],
    incoming: Callable[[], Any],
    death: tuple[int, str],
    end: ReceiptState,
) -> None:
    key = key_of(office.answer(office.hub.receive(incoming()).contact_id))
    at_call(*death, Killed())
    with pytest.raises(Killed):
        office.deliver(key)
    resume(office, key)
    assert office.receipt(key).state is end
    was_sent = end is ReceiptState.ACCEPTED or death[0] > CLAIMED
    assert len(office.provider.sent) == was_sent
    assert office.due() == []


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_a_call_that_fails_loses_and_doubles_nothing(
    office: Office, at_call: Callable[[int, str, BaseException], None], death: tuple[int, str]
) -> None:
    key = text_to_ana(office)
    at_call(*death, EndpointConnectionError(endpoint_url="https://dynamodb"))
    with pytest.raises(UnavailableError):
        office.deliver(key)
    resume(office, key)
    assert len(office.provider.sent) == (death != (CLAIMED, "after"))
    assert office.receipt(key).state is DEATHS[death]


def test_a_sender_killed_while_the_provider_answers_leaves_it_to_the_reports(
    office: Office,
) -> None:
    key = text_to_ana(office)

    def die() -> None:
        raise Killed

    office.provider.while_sending = die
    with pytest.raises(Killed):
        office.deliver(key)
    with pytest.raises(UnavailableError):
        office.deliver(key)
    office.provider.while_sending = lambda: None
    office.wait(minutes=6)
    assert office.deliver(key) is Outcome.UNKNOWN
    report(office, key, "delivered")
    resume(office, key)
    assert office.receipt(key).state is ReceiptState.DELIVERED
    assert len(office.provider.sent) == 1


def test_a_chat_message_whose_sender_died_is_sent_again_for_the_site_drops_repeats(
    office: Office,
) -> None:
    key = key_of(office.answer(office.hub.receive(chat()).contact_id))

    def die() -> None:
        raise Killed

    office.provider.while_sending = die
    with pytest.raises(Killed):
        office.deliver(key)
    office.provider.while_sending = lambda: None
    office.wait(minutes=6)
    assert office.deliver(key) is Outcome.REFUSED
    assert office.due() == [key]
    assert office.deliver(key) is Outcome.ACCEPTED
    assert [message.key.entry_id for message in office.provider.sent] == [key.entry_id] * 2


def test_an_own_claim_whose_answer_got_lost_is_recognised(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = text_to_ana(office)
    write = office.table.write
    lost: list[bool] = []

    def twice(*legs: Any) -> None:
        """The SDK asks again because the first answer got lost."""
        if not lost:
            lost.append(True)
            write(*legs)
        write(*legs)

    monkeypatch.setattr(office.table, "write", twice)
    assert office.deliver(key) is Outcome.ACCEPTED
    assert len(office.provider.sent) == 1


def test_a_busy_table_is_waited_for(
    office: Office, refuse_transactions: Callable[[int], None]
) -> None:
    key = text_to_ana(office)
    refuse_transactions(3)
    assert office.deliver(key) is Outcome.ACCEPTED


# ---- whoever said stop


def stopped(office: Office, key: ReceiptKey) -> tuple[str, str, int]:
    receipt = office.receipt(key)
    return receipt.state, receipt.error, receipt.booked_micro_usd


def test_a_text_to_somebody_who_said_stop_meanwhile_does_not_leave(office: Office) -> None:
    key = text_to_ana(office)
    office.hub.receive(sms("STOP"))
    assert office.deliver(key) is Outcome.STOPPED
    assert stopped(office, key) == ("stopped", "no_consent", 0)
    assert cost_of_ana(office) == 2 * PRICE_IN
    assert office.provider.sent == []


def test_it_leaves_once_they_have_said_start(office: Office) -> None:
    key = text_to_ana(office)
    for word in ("STOP", "START"):
        office.hub.receive(sms(word))
    assert office.deliver(key) is Outcome.ACCEPTED


def test_a_stop_from_another_number_of_theirs_counts(office: Office) -> None:
    key = text_to_ana(office)
    other = Address(IdentityKind.PHONE, "+14155550102")
    bo = office.hub.receive(sms("STOP", sender=other))
    merge(office.table, key.home, bo.contact_id, Decision(by="a", reason="one"), now=NOW)
    assert office.deliver(key) is Outcome.STOPPED
    assert stopped(office, key) == ("stopped", "no_consent", 0)


def test_another_number_of_the_same_contact_is_asked_too(office: Office) -> None:
    key = text_to_ana(office)
    other = Address(IdentityKind.PHONE, "+14155550102")
    attach(office.table, key.home, other, now=NOW, by="agent")
    office.hub.receive(sms("STOP", sender=other))
    assert office.deliver(key) is Outcome.STOPPED


def test_the_check_costs_no_call_where_there_is_only_one_number(
    office: Office, aws_calls: list[str]
) -> None:
    key = text_to_ana(office)
    aws_calls.clear()
    office.deliver(key)
    assert aws_calls.count("BatchGetItem") == 2


def test_a_stop_that_only_the_carrier_heard_is_kept(office: Office) -> None:
    key = text_to_ana(office)
    office.provider.answers = [Refused("21610", final=True, opted_out=True)]
    assert office.deliver(key) is Outcome.FAILED
    ana = contacts.get_identity(office.table, ANA_PHONE)
    assert ana
    assert ana.consent == {"text:*": "stopped"}
    assert ana.blocked_senders == {"+15005550006"}
    assert stopped(office, key) == ("failed", "21610", 0)


def test_so_is_one_that_a_report_tells_of_and_once(office: Office) -> None:
    key = text_to_ana(office)
    office.deliver(key)
    status = StatusReport(
        provider="twilio",
        provider_id="id-1",
        state="failed",
        error="21610",
        opted_out=True,
        sender="+15005550006",
    )
    for _ in range(2):
        apply_report(key, status, table=office.table, now=office.now)
    said = consents.read(office.table, office.table.address_key(ANA_PHONE)).statements
    assert [each.source for each in said] == ["twilio 21610"]


def test_a_complaint_is_kept_once_though_the_report_had_to_come_again(
    office: Office, at_call: Callable[[int, str, BaseException], None]
) -> None:
    key = key_of(office.answer(office.hub.receive(mail()).contact_id))
    office.deliver(key)
    complaint = StatusReport(
        provider="ses", provider_id="id-1", state="complained", error="abuse", opted_out=True
    )
    at_call(3, "after", Killed())  # the complaint is kept, the receipt is not yet
    with pytest.raises(Killed):
        apply_report(key, complaint, table=office.table, now=office.now)
    apply_report(key, complaint, table=office.table, now=office.now)
    said = consents.read(office.table, office.table.address_key(ANA_EMAIL)).statements
    assert [each.source for each in said] == ["ses abuse"]


def test_a_number_that_is_blocked_is_passed_over(office: Office) -> None:
    office.numbers = ("+15005550006", "+15005550007")
    key = text_to_ana(office)
    block(office, "+15005550006")
    assert office.deliver(key) is Outcome.ACCEPTED
    assert office.provider.sent[0].sender == "+15005550007"


def test_nothing_leaves_when_all_our_numbers_are_blocked(office: Office) -> None:
    key = text_to_ana(office)
    block(office, "+15005550006")
    assert office.deliver(key) is Outcome.STOPPED
    assert stopped(office, key) == ("stopped", "blocked_sender", 0)


def block(office: Office, number: str) -> None:
    at = keys.identity(office.table.address_key(ANA_PHONE))
    update = Update(
        at, "ADD blocked_senders :n", "attribute_exists(PK)", {":n": frozenset({number})}
    )
    office.table.write(update)


def test_a_complaint_stops_all_mail_and_a_bounce_too(office: Office) -> None:
    first, second = (
        key_of(office.answer(office.hub.receive(mail(sender=who)).contact_id))
        for who in (ANA_EMAIL, Address(IdentityKind.EMAIL, "bo@example.com"))
    )
    blank = StatusReport(provider="ses", provider_id="", state="complained", opted_out=True)
    bounced = replace(blank, state="bounced", opted_out=False)
    again = [key_of(office.answer(key.home)) for key in (first, second)]
    for key, status in ((first, blank), (second, bounced)):
        office.deliver(key)
        apply_report(key, status, table=office.table, now=office.now)
    assert [office.deliver(key) for key in again] == [Outcome.STOPPED, Outcome.STOPPED]
    assert [office.receipt(key).error for key in again] == ["no_consent", "bounced"]


def test_whoever_writes_from_a_mailbox_again_is_answered_there(office: Office) -> None:
    key = key_of(office.answer(office.hub.receive(mail()).contact_id))
    office.deliver(key)
    bounced = StatusReport(provider="ses", provider_id="id-1", state="bounced")
    apply_report(key, bounced, table=office.table, now=office.now)
    office.hub.receive(mail("I am back"))
    assert office.deliver(key_of(office.answer(key.home))) is Outcome.ACCEPTED

"""WhatsApp out: from its own number, and free text within the person's 24 hours only."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.deliver import Outcome
from shared.model.entry import Attachment, Channel, Template
from shared.model.errors import InvalidRequestError
from shared.model.identity import Address, IdentityKind
from shared.model.message import InboundMessage
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_EMAIL, ANA_PHONE, NOW, mail, sms
from tests.outbound import Carrier, Office, key_of

WHATSAPP = Channel.WHATSAPP
BUSINESS_SCOPED = Address(IdentityKind.WHATSAPP, "US.13491208655302741918")


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    office = Office(table, bodies)
    office.carrier = Carrier(lambda: office.now)
    return office


def whatsapp(sender: Address = ANA_PHONE) -> InboundMessage:
    return replace(sms(sender=sender), channel=Channel.WHATSAPP)


@pytest.mark.parametrize("sender", [ANA_PHONE, BUSINESS_SCOPED])
def test_an_answer_within_24_hours_leaves_by_whatsapp(office: Office, sender: Address) -> None:
    contact_id = office.hub.receive(whatsapp(sender)).contact_id
    office.wait(hours=23, minutes=59)
    sent = office.answer(contact_id)
    assert sent.entry.channel is Channel.WHATSAPP
    assert office.deliver(key_of(sent)) is Outcome.ACCEPTED
    assert office.carrier
    assert [it.to for it in office.carrier.taken] == [sender.value]


@pytest.mark.parametrize("channel", [None, Channel.WHATSAPP])
def test_after_24_hours_a_free_text_is_refused_at_once_with_advice(
    office: Office, channel: Channel | None
) -> None:
    contact_id = office.hub.receive(whatsapp()).contact_id
    office.wait(hours=24)
    with pytest.raises(InvalidRequestError, match="template: name one, or choose") as refused:
        office.answer(contact_id, channel=channel)
    assert refused.value.field == "channel"


def test_after_24_hours_the_same_number_still_takes_a_text(office: Office) -> None:
    contact_id = office.hub.receive(whatsapp()).contact_id
    office.wait(hours=24)
    assert office.answer(contact_id, channel=Channel.SMS).entry.channel is Channel.SMS


def test_who_never_wrote_is_not_written_to_first(office: Office) -> None:
    message = replace(mail(), vouched=(ANA_PHONE,))
    contact_id = office.hub.receive(message).contact_id
    assert office.answer(contact_id, to=ANA_EMAIL)
    with pytest.raises(InvalidRequestError):
        office.answer(contact_id, channel=Channel.WHATSAPP)


def test_a_text_does_not_open_the_window(office: Office) -> None:
    contact_id = office.hub.receive(sms()).contact_id
    with pytest.raises(InvalidRequestError):
        office.answer(contact_id, channel=Channel.WHATSAPP)
    office.hub.receive(whatsapp())
    office.wait(hours=25)
    office.hub.receive(replace(sms(), received_at=office.now), now=office.now)
    with pytest.raises(InvalidRequestError):
        office.answer(contact_id, channel=Channel.WHATSAPP)


def test_it_goes_to_where_they_write_by_whatsapp_though_they_texted_later(office: Office) -> None:
    message = replace(whatsapp(BUSINESS_SCOPED), vouched=(ANA_PHONE,))
    contact_id = office.hub.receive(message).contact_id
    office.wait(hours=1)
    office.hub.receive(replace(sms(), received_at=office.now), now=office.now)
    sent = office.answer(contact_id, channel=Channel.WHATSAPP)
    assert sent.entry.address == BUSINESS_SCOPED
    assert office.answer(contact_id).entry.channel is Channel.SMS


def test_what_they_wrote_under_their_id_opens_the_window_of_their_number_too(
    office: Office,
) -> None:
    message = replace(whatsapp(BUSINESS_SCOPED), vouched=(ANA_PHONE,))
    contact_id = office.hub.receive(message).contact_id
    assert office.answer(contact_id, channel=Channel.WHATSAPP, to=ANA_PHONE)


def test_a_template_is_sent_at_any_time_as_it_was_approved(office: Office) -> None:
    contact_id = office.hub.receive(sms()).contact_id
    approved = Template("HX" + "0" * 32, {"1": "Ana", "2": "Friday"})
    sent = office.answer(contact_id, "Ana, it is Friday.", channel=WHATSAPP, template=approved)
    assert (sent.entry.text, sent.entry.template) == ("Ana, it is Friday.", approved)
    office.carrier = None
    assert office.deliver(key_of(sent)) is Outcome.ACCEPTED
    assert [it.template for it in office.provider.sent] == [approved]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel": Channel.SMS}, "template"),
        ({}, "template"),  # where they last wrote is not WhatsApp
        (
            {"channel": Channel.WHATSAPP, "attachments": (Attachment(name="a", media_type="a/b"),)},
            "attachments",
        ),
    ],
)
def test_a_template_is_whatsapps_alone_and_has_its_own_files(
    office: Office, fields: dict[str, Any], field: str
) -> None:
    contact_id = office.hub.receive(sms()).contact_id
    with pytest.raises(InvalidRequestError) as refused:
        office.answer(contact_id, template=Template("HX" + "0" * 32), **fields)
    assert refused.value.field == field


def test_a_template_that_may_have_left_in_other_words_is_not_sent_again(office: Office) -> None:
    """Its provider's list has the words that stand there, which need not be the timeline's."""
    contact_id = office.hub.receive(sms()).contact_id
    template = Template("HX" + "0" * 32)
    sent = office.answer(contact_id, "words", channel=WHATSAPP, template=template)
    carrier = office.carrier
    assert carrier
    carrier.fates = ["request-lost"]
    assert office.deliver(key_of(sent)) is Outcome.UNKNOWN
    carrier.take(ANA_PHONE.value, office.numbers[0], "other words")
    for _ in range(4):
        office.wait(minutes=16)
        office.deliver(key_of(sent))
    assert office.receipt(key_of(sent)).state == "unconfirmed"
    assert len(carrier.taken) == 1


def test_a_new_message_opens_the_window_again(office: Office) -> None:
    office.hub.receive(whatsapp())
    office.wait(hours=30)
    again = office.hub.receive(replace(whatsapp(), received_at=office.now), now=office.now)
    assert office.now == NOW + timedelta(hours=30)
    assert office.answer(again.contact_id).entry.channel is Channel.WHATSAPP

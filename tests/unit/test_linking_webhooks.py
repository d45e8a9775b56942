"""Proof and claims that webhooks bring reach the policy: inbound_chat and inbound_sms."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from shared.model.identity import Address, IdentityKind
from shared.store import contacts, suggestions
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.deployment import deploy, fresh_containers
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

VISITOR = Address(IdentityKind.CHAT, "shop:v-12")
EMAIL = Address(IdentityKind.EMAIL, "ada@example.com")
OTHER = {"id": "v-99", "verified": True, "phone": None}


@pytest.fixture
def handlers(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[ModuleType]]:
    with fresh_containers("inbound_chat", "inbound_sms") as found:
        deploy(monkeypatch)
        yield list(found)


def homes(handler: ModuleType, *addresses: Address) -> set[str]:
    known = [contacts.get_identity(handler.table(), address) for address in addresses]
    return {contacts.get_profile(handler.table(), each.home).root for each in known if each}


def test_what_a_verified_visitors_site_vouches_for_joins_two_contacts(
    handlers: list[ModuleType],
) -> None:
    chat, _ = handlers
    by_phone = chat_message({"verified": True, "email": None})
    chat.lambda_handler(chat_event(by_phone, delivery="msg_1"), None)
    chat.lambda_handler(chat_event(chat_message(OTHER), delivery="msg_2"), None)
    assert len(homes(chat, VISITOR, EMAIL)) == 2
    by_both = chat_message({"verified": True})
    chat.lambda_handler(chat_event(by_both, delivery="msg_3"), None)
    assert len(homes(chat, VISITOR, EMAIL)) == 1


def test_with_suggestions_alone_agents_are_asked_whatever_is_proven(
    handlers: list[ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINK_POLICY", "suggest")
    chat, _ = handlers
    by_phone = chat_message({"verified": True, "email": None})
    chat.lambda_handler(chat_event(by_phone, delivery="msg_1"), None)
    chat.lambda_handler(chat_event(chat_message(OTHER), delivery="msg_2"), None)
    chat.lambda_handler(chat_event(chat_message({"verified": True}), delivery="msg_3"), None)
    assert len(homes(chat, VISITOR, EMAIL)) == 2
    assert len(suggestions.list_open(chat.table(), limit=10).suggestions) == 1


def test_the_operators_own_addresses_join_nobody(handlers: list[ModuleType]) -> None:
    chat, _ = handlers
    for number, user in enumerate(("v-1", "v-2")):
        ours = {"id": user, "verified": True, "phone": "+14155550000"}
        ours |= {"email": "care@in.example.com"}
        event = chat_event(chat_message(ours), delivery=f"msg_{number}")
        assert chat.lambda_handler(event, None)["statusCode"] == 204
    users = [Address(IdentityKind.CHAT, f"shop:{user}") for user in ("v-1", "v-2")]
    assert len(homes(chat, *users)) == 2
    assert contacts.get_identity(chat.table(), Address(IdentityKind.PHONE, "+14155550000")) is None


def test_what_a_visitor_typed_becomes_a_question_and_joins_nobody(
    handlers: list[ModuleType],
) -> None:
    chat, _ = handlers
    chat.lambda_handler(chat_event(chat_message(OTHER), delivery="msg_1"), None)
    chat.lambda_handler(chat_event(chat_message({"verified": False}), delivery="msg_2"), None)
    assert len(homes(chat, VISITOR, EMAIL)) == 2
    assert len(suggestions.list_open(chat.table(), limit=10).suggestions) == 1


def test_a_whatsapp_user_known_by_number_and_by_scoped_id_becomes_one_contact(
    handlers: list[ModuleType],
) -> None:
    _, sms = handlers
    user = Address(IdentityKind.WHATSAPP, "US.13491208655302741918")
    phone = Address(IdentityKind.PHONE, "+5511987654321")
    number_only = form_body("whatsapp_number", MessageSid="SM1", ExternalUserId="")
    for body in (number_only, form_body("whatsapp_bsuid")):
        sms.lambda_handler(twilio_event(body), None)
    before = homes(sms, phone, user)
    both = form_body("whatsapp_number", ExternalUserId=user.value)
    sms.lambda_handler(twilio_event(both), None)
    assert len(before) == 2
    assert len(homes(sms, phone, user)) == 1

"""inbound_chat from the gateway's event to the table (channels.md §3.3)."""

from collections.abc import Iterator
from types import ModuleType

import boto3
import pytest

from shared.model.identity import Address, IdentityKind, Trust
from shared.store import contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.deployment import deploy, fresh_containers
from tests.webhooks import CHAT, Event, chat_event, chat_message, http_event

VISITOR = Address(IdentityKind.CHAT, "shop:v-12")
EMAIL = Address(IdentityKind.EMAIL, "ada@example.com")


@pytest.fixture
def inbound(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with fresh_containers("inbound_chat") as [handler]:
        deploy(monkeypatch)
        yield handler


def post(handler: ModuleType, event: Event) -> int:
    status: int = handler.lambda_handler(event, None)["statusCode"]
    return status


def items() -> int:
    scan: int = boto3.client("dynamodb").scan(TableName="throughline")["Count"]
    return scan


def test_a_visitors_message_is_recorded_once(inbound: ModuleType) -> None:
    event = chat_event(chat_message())
    assert [post(inbound, event), post(inbound, event)] == [204, 204]
    identity = contacts.get_identity(inbound.table(), VISITOR)
    assert identity
    assert (identity.messages, identity.trust) == (1, Trust.CLAIMED)


def test_the_same_delivery_with_another_body_changes_nothing(inbound: ModuleType) -> None:
    post(inbound, chat_event(chat_message(text="one"), delivery="msg_1"))
    before = items()
    post(inbound, chat_event(chat_message(text="two"), delivery="msg_1"))
    assert items() == before


def test_what_a_visitor_typed_identifies_nobody(inbound: ModuleType) -> None:
    post(inbound, chat_event(chat_message()))
    assert contacts.get_identity(inbound.table(), EMAIL) is None


def test_a_verified_visitor_is_known_by_e_mail_too(inbound: ModuleType) -> None:
    post(inbound, chat_event(chat_message({"verified": True})))
    visitor, email = (contacts.get_identity(inbound.table(), a) for a in (VISITOR, EMAIL))
    assert visitor
    assert email
    assert (visitor.home, email.trust) == (email.home, Trust.VERIFIED)


def test_a_visitor_who_uses_anothers_id_unproven_is_marked(inbound: ModuleType) -> None:
    post(inbound, chat_event(chat_message({"verified": True}), delivery="msg_1"))
    post(inbound, chat_event(chat_message({"verified": False}), delivery="msg_2"))
    identity = contacts.get_identity(inbound.table(), VISITOR)
    assert identity
    assert identity.trust is Trust.VERIFIED


@pytest.mark.parametrize("signature", ["", "garbage", "v1,AAAA"])
def test_an_unproven_event_is_unauthorised_and_counted(
    inbound: ModuleType, signature: str, capsys: pytest.CaptureFixture[str]
) -> None:
    event = chat_event(chat_message(), headers={"webhook-signature": signature})
    assert (post(inbound, event), items()) == (401, 0)
    assert '"RejectedSignatures":[1.0]' in capsys.readouterr().out


def test_a_body_that_is_no_text_is_unauthorised(inbound: ModuleType) -> None:
    event = http_event(b"\xff", path=CHAT, headers=chat_event({})["headers"])
    assert post(inbound, event) == 401


def test_a_signed_event_of_no_known_kind_is_kept_and_the_site_told_so(inbound: ModuleType) -> None:
    assert post(inbound, chat_event({"type": "visitor.waved", "data": {}})) == 202


def test_without_its_secrets_it_asks_the_site_to_come_again(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_containers("inbound_chat") as [handler]:
        deploy(monkeypatch, chat=None)
        assert post(handler, chat_event(chat_message())) == 503

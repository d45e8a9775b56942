"""Every secret is changed without a deploy and without refusing anybody meanwhile."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from functions.timeline_api import file_ids
from functions.timeline_api.file_ids import FileId
from shared.model.consent import Purpose
from shared.model.cursor import Cursor
from shared.model.errors import NotFoundError, RejectedError
from shared.rules import cursors, reply_tokens, unsubscribe
from shared.runtime import clients, secrets
from shared.runtime.secrets import SigningKeys
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.deployment import SECRETS, deploy, fresh_containers
from tests.webhooks import (
    ACCOUNT,
    BASE,
    OLD_SECRET,
    SECRET,
    chat_event,
    chat_message,
    form_body,
    twilio_event,
)

READERS = (secrets.signing_keys, secrets.twilio_account, secrets.chat_sites)


class Containers:
    """inbound_sms and inbound_chat in containers that run on and on."""

    def __init__(self, sms: ModuleType, chat: ModuleType) -> None:
        self._sms, self._chat = sms, chat
        self.seconds = 0.0
        self._number = 0

    def change(self, name: str, content: Any) -> None:
        """What an operator puts."""
        text = json.dumps(content)
        clients.secretsmanager().put_secret_value(SecretId=name, SecretString=text)

    def a_minute_passes(self) -> None:
        self.seconds += 60

    def takes_text(self, token: str) -> bool:
        """Whether a text is taken that Twilio signed with this token."""
        self._number += 1
        body = form_body("sms", MessageSid=f"SM{self._number}")
        answer = self._sms.lambda_handler(twilio_event(body, token=token), None)
        assert answer["statusCode"] in (200, 403)
        return bool(answer["statusCode"] == 200)

    def takes_chat(self, secret: str) -> bool:
        """Whether a message is taken that a site signed with this secret."""
        self._number += 1
        event = chat_event(chat_message(), delivery=f"msg_{self._number}", secrets=(secret,))
        answer = self._chat.lambda_handler(event, None)
        assert answer["statusCode"] in (204, 401)
        return bool(answer["statusCode"] == 204)


@pytest.fixture
def containers(
    table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Containers]:
    with fresh_containers("inbound_sms", "inbound_chat") as [sms, chat]:
        deploy(monkeypatch)
        running = Containers(sms, chat)
        for reader in READERS:
            monkeypatch.setattr(reader, "_clock", lambda: running.seconds)
        yield running


def test_twilios_token_is_changed_without_refusing_a_text(containers: Containers) -> None:
    old, new = ACCOUNT.auth_token, "the next token"
    both = {"account_sid": "AC1", "auth_token": new, "previous_auth_token": old}
    assert containers.takes_text(old)
    assert not containers.takes_text(new)

    containers.change("twilio", both)
    assert containers.takes_text(old)
    containers.a_minute_passes()
    assert containers.takes_text(old)  # until the new one is promoted
    assert containers.takes_text(new)

    containers.change("twilio", {"account_sid": "AC1", "auth_token": new})
    containers.a_minute_passes()
    assert containers.takes_text(new)
    assert not containers.takes_text(old)


def test_a_sites_secret_is_changed_without_refusing_a_message(containers: Containers) -> None:
    site = SECRETS["chat"]["sites"]["shop"]
    containers.change("chat", {"sites": {"shop": {**site, "secrets": [OLD_SECRET]}}})
    assert containers.takes_chat(OLD_SECRET)
    assert not containers.takes_chat(SECRET)

    containers.change("chat", {"sites": {"shop": {**site, "secrets": [OLD_SECRET, SECRET]}}})
    containers.a_minute_passes()
    assert containers.takes_chat(OLD_SECRET)
    assert containers.takes_chat(SECRET)

    containers.change("chat", {"sites": {"shop": {**site, "secrets": [SECRET]}}})
    containers.a_minute_passes()
    assert not containers.takes_chat(OLD_SECRET)


def test_a_container_asks_for_a_secret_once_a_minute(containers: Containers) -> None:
    asked: list[str] = []
    clients.secretsmanager().meta.events.register(
        "before-call.secrets-manager.*", lambda model, **_: asked.append(model.name)
    )
    for _ in range(5):
        assert containers.takes_text(ACCOUNT.auth_token)
    assert len(asked) == 2  # Twilio's and our own keys
    containers.a_minute_passes()
    assert containers.takes_text(ACCOUNT.auth_token)
    assert len(asked) == 3  # our keys were only read to open the table, which stays open


# ---- our own keys

BEFORE, AFTER = {"k1": "the first"}, {"k1": "the first", "k2": "the second"}
QUERY = "GET /v1/conversations"
CONVERSATION = "cnv_01ARZ3NDEKTSV4RRFFQ69G5FAV"
FILE = FileId("ctc_1", datetime(2026, 11, 20, tzinfo=UTC), "ent_1", 0)

Keys = dict[str, bytes]
MADE: dict[str, tuple[Callable[[Keys], str], Callable[[Keys, str], Any], Any]] = {
    "reply token": (
        lambda keys: reply_tokens.make(keys, CONVERSATION),
        reply_tokens.read,
        CONVERSATION,
    ),
    "cursor": (
        lambda keys: cursors.seal(keys, Cursor("here"), QUERY),
        lambda keys, token: cursors.unseal(keys, token, QUERY),
        Cursor("here"),
    ),
    "link to unsubscribe": (
        lambda keys: unsubscribe.url(BASE, keys, "email#1", Purpose.MARKETING).rpartition("/")[2],
        unsubscribe.read,
        ("email#1", Purpose.MARKETING),
    ),
    "id of a file": (lambda keys: file_ids.seal(keys, FILE), file_ids.unseal, FILE),
}


@pytest.mark.parametrize("name", MADE)
def test_what_an_old_key_signed_is_good_as_long_as_the_key_is_kept(name: str) -> None:
    make, read, meant = MADE[name]
    before, after = (dict(SigningKeys.from_json(stored).keys) for stored in (BEFORE, AFTER))

    assert read(after, make(before)) == meant
    assert read(after, make(after)) == meant
    assert not _is_read(read, before, make(after)), "the newest key signs"
    assert not _is_read(read, {"k2": after["k2"]}, make(before)), "a key that is gone"


def _is_read(read: Callable[[Keys, str], Any], keys: Keys, token: str) -> bool:
    try:
        return read(keys, token) is not None
    except (NotFoundError, RejectedError):
        return False


def test_known_customers_are_found_again_under_new_keys() -> None:
    before, after = (SigningKeys.from_json(stored) for stored in (BEFORE, AFTER))

    assert after.current == "k2"
    assert before.identity_key == after.identity_key


@pytest.mark.parametrize("name", MADE)
def test_a_first_key_that_leaked_signs_for_nobody_and_still_finds_customers(name: str) -> None:
    make, read, _ = MADE[name]
    before = SigningKeys.from_json(BEFORE)
    after = SigningKeys.from_json({"identity": BEFORE["k1"], "k2": "the second"})

    assert before.identity_key == after.identity_key
    assert not _is_read(read, dict(after.keys), make(dict(before.keys)))

"""A promised answer that has not come is announced, on the deployed hub."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from infrastructure.local import clock
from infrastructure.local.entrances import Entrances
from infrastructure.local.hub import FIRST_RESPONSE
from tests.e2e.bus import Bus
from tests.e2e.test_entrances import contact_of, phone, soon
from tests.e2e.test_notifications import sweep

WITHIN = 60.0  # seconds; the functions may have to start


@pytest.fixture
def real_time(hub: dict[str, Any]) -> Iterator[None]:
    yield
    clock.shift(hub, "")


def test_whoever_waits_longer_than_promised_is_announced_once_and_whoever_was_answered_never(
    entrances: Entrances, hub: dict[str, Any], bus: Bus, real_time: None
) -> None:
    waits, was_answered = (asked(entrances) for _ in range(2))
    path = f"/v1/contacts/{was_answered['id']}/messages"
    assert entrances.api("POST", path, body={"text": "Here you are."}).status_code == 202

    def breached() -> list[str]:
        mine = {conversation_of(waits), conversation_of(was_answered)}
        told = (it["detail"] for it in bus.events() if it["detail-type"] == "SlaBreached")
        return [it["conversation_id"] for it in told if it["conversation_id"] in mine]

    sweep(hub)
    assert breached() == []
    clock.shift(hub, f"+{(FIRST_RESPONSE + timedelta(minutes=1)) // timedelta(minutes=1)}m")

    def announced() -> list[str]:
        sweep(hub)
        return breached()

    soon("it is announced", announced, within=WITHIN)
    assert announced() == [conversation_of(waits)]


def asked(hub: Entrances) -> dict[str, Any]:
    """A customer who asks something."""
    number = phone()
    assert hub.text_message(number, "hello?").ok
    return soon("the contact", lambda: contact_of(hub, f"phone:{number}"))


def conversation_of(contact: dict[str, Any]) -> str:
    (conversation,) = contact["open_conversations"]
    found: str = conversation["id"]
    return found

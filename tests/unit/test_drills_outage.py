"""A drill: the bus is away for ten minutes while customers write and agents answer."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.model.events import detail
from shared.store.stream import announced
from tests.faults.scenarios.scenario import by_webhook
from tests.faults.scenarios.story import chat
from tests.http_events import AGENT, http_event
from tests.running import Running, running

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # where the numbers are
ANA, CLEO = "ana@example.org", "cleo@example.org"
PHONE = "+14155550101"
_numbers = count(1)


@pytest.fixture
def run() -> Iterator[Running]:
    with running(NOON) as made:
        yield made


def away(entry: dict[str, Any]) -> str:
    raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "PutEvents")


def takes_a_part() -> Callable[[dict[str, Any]], str]:
    turns = count(1)
    return lambda entry: "ThrottlingException" if next(turns) % 3 else ""


def answer(run: Running, address: str, words: str) -> None:
    """An agent answers the mail of this address."""
    found = agent(run, "GET", "/v1/contacts", query=f"identity=email:{address}")
    (contact,) = found["items"]
    body = {"channel": "email", "text": words}
    agent(run, "POST", f"/v1/contacts/{contact['id']}/messages", body=body)


def agent(run: Running, method: str, path: str, **request: Any) -> Any:
    scope = "timeline:read messages:send"
    headers = {"idempotency-key": f"key-{next(_numbers)}"}
    event = http_event(method, path, claims={**AGENT, "scope": scope}, headers=headers, **request)
    told = run.account.invoke("timeline_api", event)
    assert told["statusCode"] < 300, told["body"]
    return json.loads(told["body"])


def known(run: Running) -> None:
    """Ana, by her site's word, and Cleo, with their numbers."""
    for number, (address, phone) in enumerate(((ANA, PHONE), (CLEO, "+14155550102"))):
        visitor = {"id": f"v-{number}", "email": address, "phone": phone}
        assert by_webhook(run.account, "inbound_chat", lambda: chat(number, visitor))(1)  # noqa: B023
    run.minutes(1)


def ten_minutes(run: Running) -> None:
    """What happens while the bus is away."""
    for number, sender in enumerate((ANA, CLEO), 1):
        run.mail(number, sender)
    run.minutes(1)
    for words in ("It left.", "It is with the courier.", "It comes tomorrow."):
        answer(run, ANA, words)
        run.minutes(1)
    answer(run, CLEO, "It left.")
    run.minutes(2)
    run.mail(3, CLEO)
    assert run.text(1, "+14155550109") == 200
    run.minutes(4)


def texts(run: Running) -> list[str]:
    return [send[1] for send in run.account.providers.sent if send[0] == "twilio"]


def mails(run: Running) -> Counter[str]:
    return Counter(send[1] for send in run.account.providers.sent if send[0] == "ses")


def events(run: Running) -> list[dict[str, Any]]:
    """All that was ever announced, in order, as it is on the bus."""
    told = [detail(event) for record in run.account.records for event in announced(record)]
    return [json.loads(json.dumps(each)) for each in told]


def by_contact(told: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Each contact's events in order, those that came again left out."""
    found: dict[str, dict[str, None]] = {}
    for each in told:
        found.setdefault(each.get("home_contact_id", ""), {})[each["metadata"]["id"]] = None
    return {home: list(ids) for home, ids in found.items()}


@pytest.mark.parametrize("outage", [away, "in part"])
def test_after_ten_minutes_without_a_bus_every_event_comes_and_each_customer_hears_of_it_once(
    run: Running, outage: Any
) -> None:
    known(run)
    before = len(run.archive)
    run.refuses = takes_a_part() if outage == "in part" else outage
    ten_minutes(run)
    assert outage == "in part" or len(run.archive) == before
    run.refuses = lambda entry: ""
    run.minutes(3)

    told = [event["detail"] for event in run.archive]
    announced_once = {each["metadata"]["id"]: each for each in events(run)}
    assert {each["metadata"]["id"]: each for each in told} == announced_once
    if outage != "in part":
        assert len(told) == len(announced_once)
        assert by_contact(told) == by_contact(events(run))

    # Ana's three answers make one text. Cleo wrote again: hers would come too late, and the mail
    # that opened her ticket is acknowledged; Ana's needs no word any more.
    assert mails(run) == {ANA: 3, CLEO: 2}
    assert set(texts(run)) == {PHONE}
    assert len(texts(run)) <= (3 if outage == "in part" else 1)
    assert not run.dead

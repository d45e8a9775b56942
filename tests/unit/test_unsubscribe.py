"""The link in mail that a rule sent: it is signed, a GET only asks, and one POST is enough."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from types import ModuleType
from typing import Any

import boto3
import pytest

from shared.model.consent import Purpose
from shared.model.entry import Author, AuthorType, Kind
from shared.providers.ses.composing import compose
from shared.rules import unsubscribe
from shared.store import consents, contacts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_EMAIL, mail
from tests.conftest import BUCKET, REGION
from tests.deployment import deploy, fresh_containers
from tests.hub import KEYS
from tests.outbound import BASE, Office, key_of
from tests.webhooks import http_event


@pytest.fixture
def function(table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with fresh_containers("unsubscribe") as (handler,):
        deploy(monkeypatch)
        yield handler


def click(function: ModuleType, url: str, method: str = "POST") -> Any:
    path = url.removeprefix(BASE)
    event = http_event("List-Unsubscribe=One-Click", path=path)
    event["requestContext"]["http"]["method"] = method
    event["pathParameters"] = {"token": path.rpartition("/")[2]}
    return function.lambda_handler(event, None)


def consent(table: Table) -> dict[str, str]:
    ana = contacts.get_identity(table, ANA_EMAIL)
    assert ana
    return dict(ana.consent)


def told(office: Office, purpose: Purpose = Purpose.TRANSACTIONAL) -> str:
    """A rule writes to Ana by mail; the link in it."""
    sent = office.answer(
        office.hub.receive(mail()).contact_id,
        author=Author(AuthorType.SYSTEM, "answered"),
        purpose=purpose,
        kind=Kind.NOTIFICATION,
        automatic=True,
    )
    office.deliver(key_of(sent))
    return office.provider.sent[-1].unsubscribe_url


def test_mail_of_a_rule_says_how_to_get_no_more_of_it_and_an_agents_does_not(
    office: Office,
) -> None:
    url = told(office)
    headers = message_from_bytes(compose(office.provider.sent[-1]))
    assert headers["List-Unsubscribe"] == f"<{url}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    office.deliver(key_of(office.answer(office.hub.contact(ANA_EMAIL).root.id)))
    assert office.provider.sent[-1].unsubscribe_url == ""
    assert "List-Unsubscribe" not in message_from_bytes(compose(office.provider.sent[-1]))


def test_one_click_denies_the_mails_purpose_at_its_address(
    office: Office, function: ModuleType
) -> None:
    url = told(office)
    for _ in range(2):
        answer = click(function, url)
        assert answer["statusCode"] == 200
    assert "unsubscribed" in answer["body"]
    assert consent(office.table) == {"email:transactional": "stopped"}
    (said,) = consents.read(office.table, office.table.address_key(ANA_EMAIL)).statements
    assert (said.own, said.source) == (True, "List-Unsubscribe")
    agents = key_of(office.answer(office.hub.contact(ANA_EMAIL).root.id))
    office.deliver(agents)
    assert office.receipt(agents).state == "accepted"


def test_a_scanner_that_follows_the_link_changes_nothing(
    office: Office, function: ModuleType
) -> None:
    answer = click(function, told(office), "GET")
    assert answer["statusCode"] == 200
    assert '<form method="post">' in answer["body"]
    assert answer["headers"]["cache-control"] == "no-store"
    assert consent(office.table) == {}


def test_a_link_that_is_not_ours_leads_nowhere(office: Office, function: ModuleType) -> None:
    url = told(office)
    assert click(function, url[:-1] + ("A" if url[-1] != "A" else "B"))["statusCode"] == 404
    assert click(function, url, "PUT")["statusCode"] == 405
    assert consent(office.table) == {}


def test_a_click_that_could_not_be_recorded_is_kept_and_takes_effect_when_it_is_replayed(
    office: Office, function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = told(office)

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError

    with monkeypatch.context() as broken:
        broken.setattr(function, "unsubscribe", fail)
        answers = [click(function, url) for _ in range(2)]
        assert click(function, url, "GET")["statusCode"] == 200
    assert {answer["statusCode"] for answer in answers} == {200}
    assert "reached us" in answers[0]["body"]
    assert consent(office.table) == {}
    (parked,) = parked_in(office)
    for _ in range(2):
        assert function.lambda_handler({"replay": parked["content"]}, None) == {"failed": ""}
    assert consent(office.table) == {"email:transactional": "stopped"}
    assert len(consents.read(office.table, office.table.address_key(ANA_EMAIL)).statements) == 1


def parked_in(office: Office) -> list[Any]:
    """What lies in the content bucket."""
    s3 = boto3.client("s3", region_name=REGION)
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix="parked/unsubscribe/").get("Contents", [])
    bodies = [s3.get_object(Bucket=BUCKET, Key=it["Key"])["Body"] for it in found]
    return [json.load(body) for body in bodies]


def test_a_link_names_nobody_in_words() -> None:
    url = unsubscribe.url(BASE, KEYS, "email#abc", Purpose.SURVEY)
    assert unsubscribe.read(KEYS, url.rpartition("/")[2]) == ("email#abc", Purpose.SURVEY)
    assert "example.com/webhooks/unsubscribe/" in url


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)

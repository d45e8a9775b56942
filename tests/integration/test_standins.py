"""The one-machine run's stand-ins behave as the providers they stand in for."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import parse_qsl

import jwt
import pytest
import requests

from infrastructure.local.standins.issuer import AUDIENCE, Issuer
from infrastructure.local.standins.outbox import Outbox
from infrastructure.local.standins.server import Reply, Request, Route, Server
from infrastructure.local.standins.site import PATH, Site, post_signed
from infrastructure.local.standins.twilio import (
    BUSY_AT_FIRST,
    PICTURE,
    REFUSED,
    UNANSWERED,
    Twilio,
    signature,
)
from shared.providers.twilio import TwilioMedia
from shared.runtime.secrets import TwilioAccount
from tests.e2e.machine import free_ports

ACCOUNT, TOKEN = "AC0", "a token"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WITHIN = 5  # seconds


class World:
    """The stand-ins, and a hub that keeps what they report to it."""

    def __init__(self, directory: Path) -> None:
        port = free_ports()
        self.url = f"http://127.0.0.1:{port}"
        self.outbox = Outbox(directory / "outbox.json")
        self.reported: list[Request] = []
        hub: Future[str] = Future()
        hub.set_result(self.url)
        self.server = Server(
            port,
            [
                Route("POST", "/webhooks/.*", self.report),
                *Twilio(ACCOUNT, TOKEN, self.outbox).routes(),
                *Site(SECRET, self.outbox, hub).routes(),
            ],
        )

    def report(self, request: Request) -> Reply:
        self.reported.append(request)
        return Reply(204)

    def reports(self, count: int) -> list[Request]:
        wait_until(lambda: len(self.reported) >= count)
        return self.reported

    def sms(self, to: str, **fields: str) -> requests.Response:
        form = {"To": to, "From": "+12025550100", "Body": "hello", **fields}
        return requests.post(self.messages, data=form, auth=(ACCOUNT, TOKEN), timeout=WITHIN)

    @property
    def messages(self) -> str:
        return f"{self.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.server.stop()


def test_a_text_is_queued_then_sent_then_delivered_each_reported_with_a_signature(
    world: World,
) -> None:
    callback = f"{world.url}/webhooks/twilio/status/a/b/c"
    answer = world.sms("+12025550101", StatusCallback=callback)
    assert (answer.status_code, answer.json()["status"], answer.json()["price"]) == (
        201, "queued", None
    )  # fmt: skip
    forms = []
    for request in world.reports(3):
        forms.append(dict(parse_qsl(request.body.decode())))
        assert request.headers["x-twilio-signature"] == signature(TOKEN, callback, forms[-1])
    assert [form["MessageStatus"] for form in forms] == ["queued", "sent", "delivered"]


def test_a_sent_text_has_its_price_and_is_found_by_to_from_and_date(world: World) -> None:
    sid = world.sms("+12025550101").json()["sid"]
    today = time.strftime("%Y-%m-%d", time.gmtime())

    def listed(**query: str) -> list[str]:
        page = requests.get(world.messages, params=query, auth=(ACCOUNT, TOKEN), timeout=WITHIN)
        return [message["sid"] for message in page.json()["messages"]]

    assert listed(To="+12025550101", From="+12025550100", DateSent=today) == [sid]
    assert listed(To="+12025550102") == listed(DateSent="2020-01-01") == []
    one = world.messages.replace("Messages.json", f"Messages/{sid}.json")

    def price() -> str | None:
        fetched = requests.get(one, auth=(ACCOUNT, TOKEN), timeout=WITHIN).json()
        return str(fetched["price"]) if fetched["price"] else None

    wait_until(lambda: price() is not None)
    assert price() == "-0.00830"


@pytest.mark.parametrize(("to", "refusal"), REFUSED.items())
def test_magic_numbers_are_refused(world: World, to: str, refusal: tuple[int, int, str]) -> None:
    answer = world.sms(to)
    assert (answer.status_code, answer.json()["code"]) == refusal[:2]


def test_a_busy_number_is_accepted_the_second_time(world: World) -> None:
    assert [world.sms(BUSY_AT_FIRST).status_code for _ in range(2)] == [429, 201]


def test_an_unanswered_text_is_sent_all_the_same(world: World) -> None:
    with pytest.raises(requests.ConnectionError):
        world.sms(UNANSWERED)
    assert "message" in world.outbox.rows("twilio")[0]["raw"]


def listed(world: World, **query: str) -> list[str]:
    page = requests.get(world.messages, params=query, auth=(ACCOUNT, TOKEN), timeout=WITHIN)
    return [message["sid"] for message in page.json()["messages"]]


def habits(world: World, **changed: float) -> None:
    requests.post(f"{world.url}/twilio/habits", json=changed, timeout=WITHIN).raise_for_status()


def test_a_list_can_be_made_to_lag(world: World) -> None:
    habits(world, list_lag_seconds=60)
    sid = world.sms("+12025550101").json()["sid"]
    assert listed(world) == []
    habits(world)
    assert listed(world) == [sid]


def test_answers_and_callbacks_can_be_lost(world: World) -> None:
    habits(world, loses_answers=True, loses_callbacks=True)
    with pytest.raises(requests.ConnectionError):
        world.sms("+12025550101", StatusCallback=f"{world.url}/webhooks/twilio/status/a/b/c")
    (row,) = world.outbox.rows("twilio")
    wait_until(lambda: row["raw"]["message"]["status"] == "delivered")
    assert (world.reported, len(listed(world))) == ([], 1)


def test_a_text_whose_webhook_was_lost_is_in_the_list(world: World) -> None:
    told = {"from": "+12025550101", "to": "+12025550100", "body": "hello?", "seconds_ago": 300}
    requests.post(f"{world.url}/twilio/received", json=told, timeout=WITHIN)
    page = requests.get(world.messages, auth=(ACCOUNT, TOKEN), timeout=WITHIN).json()
    (message,) = page["messages"]
    assert (message["direction"], message["body"]) == ("inbound", "hello?")


def test_a_file_that_came_in_is_fetched_as_from_twilio(world: World) -> None:
    url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
    account = TwilioAccount(account_sid=ACCOUNT, auth_token=TOKEN)
    assert TwilioMedia(account, world.url).read(url) == PICTURE


def test_a_wrong_token_is_refused_and_leaves_no_trace(world: World) -> None:
    answer = requests.post(world.messages, data={}, auth=(ACCOUNT, "other"), timeout=WITHIN)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert world.outbox.rows() == []


def test_the_site_reports_a_message_delivered_once_however_often_it_came(world: World) -> None:
    data = {"session": "s-81", "entry": "ent_1", "text": "hello"}
    for _ in range(2):
        event = {"type": "message.created", "data": data}
        assert post_signed(world.url + PATH, "ent_1", event, SECRET).ok
    [report] = world.reports(1)
    assert report.headers["webhook-id"] == "delivered-ent_1"
    assert [row["text"] for row in world.outbox.rows("chat")] == ["hello", "hello"]


def test_the_site_refuses_a_message_signed_by_another(world: World) -> None:
    other = "whsec_" + "A" * 32
    assert post_signed(world.url + PATH, "ent_1", {"data": {}}, other).status_code == 401
    assert world.outbox.rows() == []


def test_a_token_verifies_against_the_published_keys(tmp_path: Path) -> None:
    port = free_ports()
    issuer = Issuer(f"http://127.0.0.1:{port}", tmp_path / "issuer.pem")
    server = Server(port, issuer.routes())
    configuration = f"{issuer.url}/.well-known/openid-configuration"
    jwks_uri = requests.get(configuration, timeout=WITHIN).json()["jwks_uri"]
    key_set = jwt.PyJWKSet.from_dict(requests.get(jwks_uri, timeout=WITHIN).json())
    server.stop()
    claims = jwt.decode(
        issuer.token("agent-1", "timeline:read"),
        key_set.keys[0],
        algorithms=["RS256"],
        audience=AUDIENCE,
        issuer=issuer.url,
    )
    assert claims["scope"] == "timeline:read"


def test_the_outbox_is_kept_over_a_restart(world: World, tmp_path: Path) -> None:
    world.sms("+12025550101")
    world.outbox.save()
    assert [row["text"] for row in Outbox(tmp_path / "outbox.json").rows()] == ["hello"]

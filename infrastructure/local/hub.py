"""A hub's life on one machine: engine, stand-ins, deployment, `hub.json`, story, and the end."""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from infrastructure.local import deploy, story
from infrastructure.local.aws import REGION, STACK
from infrastructure.local.console import HubError, Stopped, say
from infrastructure.local.credentials import Credentials
from infrastructure.local.engine import ENGINE_DIED, Engine, require_free
from infrastructure.local.entrances import Entrances
from infrastructure.local.place import Place
from infrastructure.local.standins import site
from infrastructure.local.standins.issuer import AUDIENCE, EVERY_SCOPE, Issuer
from infrastructure.local.standins.mail import Mail
from infrastructure.local.standins.outbox import Outbox
from infrastructure.local.standins.server import Route, Server
from infrastructure.local.standins.twilio import Twilio

SMS_NUMBER = "+12025550100"
MAIL_ADDRESS = "support@in.example.com"
MAIL_DOMAIN = "in.example.com"
MAIL_PREFIX = "inbound/"
FIRST_RESPONSE = timedelta(hours=1)  # promised at any hour, so that `make clock` shows a breach


def run(place: Place, port: int, *, fresh: bool) -> None:
    """Run a hub until it is told to stop; the stand-ins listen on the port after the engine's.

    Raises HubError when it cannot start or go on. Nothing it started outlives it.
    """
    with stopped_by_signals(), ExitStack() as cleanup:
        started = time.monotonic()
        place.directory.mkdir(parents=True, exist_ok=True)
        cleanup.enter_context(alone(place))
        require_free(port, port + 1)
        place.hub_file.unlink(missing_ok=True)  # of a hub that was killed
        if fresh:
            shutil.rmtree(place.data, ignore_errors=True)
        place.data.mkdir(exist_ok=True)

        standins_url = f"http://127.0.0.1:{port + 1}"
        engine = Engine(place, port, standins_url)
        credentials = Credentials.of(place)
        issuer = Issuer(standins_url, place.issuer_key_file)
        outbox = Outbox(place.outbox_file)
        hub_url: Future[str] = Future()
        routes = [
            Route("GET", "/outbox", outbox.answer),
            *issuer.routes(),
            *Twilio(credentials.account_sid, credentials.auth_token, outbox).routes(),
            *site.Site(credentials.chat_secret, outbox, hub_url).routes(),
            *Mail(engine.aws, outbox).routes(),
        ]
        cleanup.callback(outbox.save)
        cleanup.callback(Server(port + 1, routes).stop)

        say("Starting the engine (MiniStack)")
        cleanup.callback(engine.stop)
        engine.start()
        site_url = standins_url + site.PATH
        parameters = template_parameters(standins_url)
        api_url, outputs = deploy.bring_up_to_date(
            engine.aws, place, credentials, parameters, site_url
        )
        hub_url.set_result(api_url)
        hub = describe(api_url, outputs, credentials, issuer, engine)
        say(f"Up after {time.monotonic() - started:.0f} s.")
        entrances = Entrances(hub)
        story.play_or_recall(entrances)
        cleanup.enter_context(offered(place, hub))
        story.show_way_in(entrances, place)
        while True:
            signal.pause()


def template_parameters(standins_url: str) -> dict[str, str]:
    """The template's parameters on this machine; all else is as its defaults say."""
    return {
        "Target": "local",
        "Issuer": standins_url,
        "Audience": AUDIENCE,
        "MailDomain": MAIL_DOMAIN,
        "MailSender": MAIL_ADDRESS,
        "SmsSender": SMS_NUMBER,
        "TwilioApiUrl": standins_url,
        "DebounceSeconds": "2",  # who watches does not want to wait
        "BusinessHours": "always",
        "FirstResponseMinutes": str(FIRST_RESPONSE // timedelta(minutes=1)),
        "DeletionProtection": "false",
    }


def describe(
    api_url: str,
    outputs: dict[str, str],
    credentials: Credentials,
    issuer: Issuer,
    engine: Engine,
) -> dict[str, Any]:
    """What the hub offers to programs, design.md §11."""
    return {
        "api_url": api_url,
        "token": issuer.token("agent-1", EVERY_SCOPE),
        "tokens": {"read_only": issuer.token("agent-2", "timeline:read")},
        "twilio": {
            "account_sid": credentials.account_sid,
            "auth_token": credentials.auth_token,
            "number": SMS_NUMBER,
        },
        "chat": {"secret": credentials.chat_secret},
        "mail": {
            "bucket": outputs["MailBucketName"],
            "prefix": MAIL_PREFIX,
            "address": MAIL_ADDRESS,
        },
        "outbox_url": f"{issuer.url}/outbox",
        "aws": {
            "endpoint_url": engine.aws.endpoint_url,
            "region": REGION,
            "table": outputs["TableName"],
            "bus": outputs["BusName"],
            "stack": STACK,
        },
    }


@contextmanager
def offered(place: Place, hub: dict[str, Any]) -> Iterator[None]:
    """Have `hub.json` there, whole from its first moment, readable by its owner alone."""
    try:
        write_private(place.authorization_file, f"Authorization: Bearer {hub['token']}\n")
        write_private(place.hub_file, json.dumps(hub, indent=2) + "\n")
        yield
    finally:
        place.hub_file.unlink(missing_ok=True)
        place.authorization_file.unlink(missing_ok=True)


def write_private(file: Path, content: str) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    draft.replace(file)


def clean(place: Place) -> None:
    """Delete all that a hub keeps at this place; raises HubError while one is running."""
    if place.directory.exists():
        with alone(place):
            shutil.rmtree(place.directory)


def running(place: Place) -> dict[str, Any]:
    """What the hub that runs at this place offers; raises HubError when none does."""
    try:
        hub: dict[str, Any] = json.loads(place.hub_file.read_text())
    except FileNotFoundError as error:
        raise HubError("no hub is running here; start one with `make run`") from error
    return hub


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Hold the place for this process; raises HubError when another hub holds it."""
    descriptor = os.open(place.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"a hub is already running in {place.directory}; stop it first"
            raise HubError(message) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise Stopped in the main thread at Ctrl-C, SIGTERM or the engine's death, but only once."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, ENGINE_DIED)

    def stop(number: int, _frame: FrameType | None) -> None:
        for name in names:
            signal.signal(name, signal.SIG_IGN)
        raise Stopped("the engine ended by itself" if number == ENGINE_DIED else None)

    previous = {name: signal.signal(name, stop) for name in names}
    try:
        yield
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)

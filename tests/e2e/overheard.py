"""What the end-to-end run's people said, and all that was logged meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote, urlsplit

import requests

from infrastructure.local.aws import LocalAws
from infrastructure.local.entrances import Entrances
from shared.store.attributes import from_wire
from tests.personal import said_in, said_in_mail, texts

_KEYS = ("PK", "SK", "GSI1PK", "GSI1SK")
_ENGINES = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")


@contextmanager
def listening(said: set[str]) -> Iterator[None]:
    """Note every text that this process sends: requests' paths, queries and bodies, and mails."""
    send, mail = requests.Session.send, Entrances.mail

    def overhear(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> Any:
        url = urlsplit(request.url or "")
        said.update(unquote(part) for part in str(url.path).split("/"))
        said.update(value for _, value in parse_qsl(str(url.query)))
        said.update(said_in(_bytes(request.body)))
        return send(session, request, **how)

    def overhear_mail(entrances: Entrances, source: bytes, **how: Any) -> None:
        said.update(said_in_mail(source))
        mail(entrances, source, **how)

    with (
        patch.object(requests.Session, "send", overhear),
        patch.object(Entrances, "mail", overhear_mail),
    ):
        yield


def kept(hub: Entrances) -> Iterator[str]:
    """Every text on the table and in what went out: what the story's people said, too."""
    client = hub.aws.client("dynamodb")
    for page in client.get_paginator("scan").paginate(TableName=hub.hub["aws"]["table"]):
        for wire in page["Items"]:
            item = from_wire(wire)
            yield from texts({name: part for name, part in item.items() if name not in _KEYS})
    yield from texts(hub.outbox())


def logged(aws: LocalAws) -> Iterator[str]:
    """Every line in every log group, but for the engine's own."""
    client = aws.client("logs")
    for group in client.get_paginator("describe_log_groups").paginate():
        for each in group["logGroups"]:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=each["logGroupName"]
            )
            lines = (event["message"] for page in pages for event in page["events"])
            yield from (line for line in lines if not line.startswith(_ENGINES))


def of_customers(said: Iterable[str], hub: Mapping[str, Any]) -> set[str]:
    """What was said, without our own addresses."""
    own = {hub["mail"]["address"], hub["twilio"]["number"]}
    return {text for text in said if text not in own}


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode(errors="replace")

"""Timeline pages over short and long histories, and over merged members."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import urllib3

from shared.model.contact import Profile
from shared.model.entry import Author, AuthorType, Direction
from shared.store import items, keys
from shared.store.attributes import to_wire
from shared.store.keys import Key
from shared.store.table import Table
from shared.store.timeline import read_page
from tests.benchmarks.deployment import Deployment, calls_of
from tests.benchmarks.figures import Figure, middle, undisturbed
from tests.benchmarks.measuring import Work, cpu, turns
from tests.builders import NOW
from tests.timelines import entry, lay, profile, receipt

ROUNDS = 60
HISTORIES = (10, 1_000, 100_000)
LONGEST = 1_000_000
MEMBERS = (1, 2, 5, 20)
_WITH_RECEIPTS = 100  # more than a page's
_HEADERS = {
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=benchmark/20261120/us-east-1/dynamodb/"
    "aws4_request, SignedHeaders=host, Signature=0",
}


def measure(hub: Deployment, *, full: bool = False, rounds: int = ROUNDS) -> Iterator[Figure]:
    """Pages of 10 entries with their receipts at each length, then pages of 50."""
    table = hub.new_table()
    histories = (*HISTORIES, LONGEST) if full else HISTORIES
    for length in histories:
        lay(table, profile(f"ctc_{length}"))
        fill(hub, table.name, f"ctc_{length}", length)
    yield from _by_length(table, histories, rounds)
    yield from _by_members(table, rounds)


def fill(hub: Deployment, table: str, home: str, length: int) -> None:
    """A history of answers, one a minute, as lean as they come; the newest with their receipts."""
    pool = urllib3.PoolManager()
    puts = _puts(home, length)
    while batch := list(islice(puts, 25)):
        body = f'{{"RequestItems": {{"{table}": [{",".join(batch)}]}}}}'
        answer = pool.request("POST", hub.url, body=body.encode(), headers=_HEADERS)
        assert answer.status == 200, answer.data


def _puts(home: str, length: int) -> Iterator[str]:
    """Requests as DynamoDB takes them: one is made with care, the others differ in time and id."""
    agent = Author(AuthorType.AGENT, "agent")
    first = entry(home=home, direction=Direction.OUTBOUND, author=agent, id="ent_NUMBER")
    beside = receipt(first)
    pairs: Iterable[tuple[Key, Any]] = (
        (keys.entry(home, first.occurred_at, first.id), items.entry_item(first, None)),
        (keys.receipt(beside.key), items.receipt_item(beside)),
    )
    made = [
        json.dumps({"PutRequest": {"Item": to_wire({"PK": at.pk, "SK": at.sk} | item)}})
        for at, item in pairs
    ]
    then = keys.timestamp(NOW)
    for number in range(length):
        at = keys.timestamp(NOW - timedelta(minutes=number))
        for text in made if number < _WITH_RECEIPTS else made[:1]:
            yield text.replace(then, at).replace("NUMBER", f"{number:026d}")


def _by_length(table: Table, histories: tuple[int, ...], rounds: int) -> Iterator[Figure]:
    works = [_page(table, f"ctc_{length}", 10) for length in histories]
    calls = calls_of(table._client)
    cpu(works[-1])
    yield Figure(name="timeline page, AWS calls", value=len(calls), unit="", target=1)
    units = [_read_units(table, f"ctc_{length}") for length in histories]
    taken = turns(works, rounds)
    for length, used, times in zip(histories, units, taken, strict=True):
        name = f"page of 10 of {length:,} entries"
        yield Figure(name=f"{name}, CPU", value=undisturbed(times), unit="ms")
        if length == histories[0]:
            continue
        ratio = middle([one / two for one, two in zip(times, taken[0], strict=True)])
        yield Figure(name=f"{name}, CPU over 10's", value=ratio, unit="x", target=1.1)
        yield Figure(
            name=f"{name}, read units over 10's", value=used / units[0], unit="x", target=1.1
        )
    (fifty,) = turns([_page(table, f"ctc_{histories[-1]}", 50)], rounds)
    yield Figure(
        name=f"page of 50 of {histories[-1]:,} entries, CPU",
        value=undisturbed(fifty),
        unit="ms",
        target=12,
        note="in one request; django-helpdesk and LibreDesk need 23 requests",
    )


def _by_members(table: Table, rounds: int) -> Iterator[Figure]:
    works = []
    for number in MEMBERS:
        homes = [f"ctc_{number}of{member}" for member in range(number)]
        root = profile(homes[0], members=homes)
        others: list[Profile] = [profile(home, root=homes[0]) for home in homes[1:]]
        lay(table, root, *others)
        for home in homes:
            lay(table, *(entry(home=home, at=NOW - timedelta(minutes=n)) for n in range(60)))
        works.append(_page(table, homes[0], 50))
    taken = turns(works, rounds // 2)
    for number, times, work in zip(MEMBERS, taken, works, strict=True):
        calls = calls_of(table._client)
        cpu(work)
        name = f"page of 50 over {number} members"
        yield Figure(name=f"{name}, AWS calls", value=len(calls), unit="", target=number)
        yield Figure(name=f"{name}, CPU", value=undisturbed(times), unit="ms")


def _page(table: Table, contact: str, limit: int) -> Work:
    return lambda: read_page(table, contact, limit=limit)


def _read_units(table: Table, contact: str) -> float:
    """What DynamoDB itself says a page of 10 consumes."""
    used: list[float] = []
    events = table._client.meta.events

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def keep(parsed: dict[str, Any], **_: Any) -> None:
        used.append(parsed["ConsumedCapacity"]["CapacityUnits"])

    events.register("provide-client-params.dynamodb.Query", ask)
    events.register("after-call.dynamodb.Query", keep)
    cpu(_page(table, contact, 10))
    events.unregister("provide-client-params.dynamodb.Query", ask)
    events.unregister("after-call.dynamodb.Query", keep)
    return sum(used)

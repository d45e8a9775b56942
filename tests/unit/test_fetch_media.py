"""The files of a message, brought from its provider once the message is recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from shared.fetch_media import Fetched, MediaFetcher, Place
from shared.model.entry import Attachment, Entry
from shared.model.errors import NotFoundError, RejectedError, UnavailableError
from shared.store import entries, keys
from shared.store.attachments import Attachments
from shared.store.objects import Objects
from shared.store.stream import announced
from shared.store.table import Delete, Table
from tests.api import Api
from tests.builders import sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub
from tests.streams import record, written


@dataclass
class Twilio:
    """Files by their URL; what is not there raises what it is told to."""

    files: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    while_reading: Callable[[], Any] = lambda: None

    def read(self, url: str) -> bytes:
        self.asked.append(url)
        self.while_reading()
        found = self.files[url]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def twilio() -> Twilio:
    return Twilio({url(n): b"JPEG%d" % n for n in range(10)})


@pytest.fixture
def fetcher(table: Table, hub: Hub, twilio: Twilio) -> MediaFetcher:
    client = boto3.client("s3", region_name=REGION)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return MediaFetcher(
        table=table,
        attachments=Attachments(lambda: client, BUCKET),
        content=Objects(lambda: client, BUCKET),
        read=twilio.read,
    )


def url(number: int) -> str:
    return f"https://api.twilio.com/Media/ME{number}"


def mms(hub: Hub, *numbers: int) -> Entry:
    """A message with these files, number -1 somewhere else than at Twilio."""
    files = tuple(
        Attachment(
            name=f"file-{number}.jpg",
            media_type="image/jpeg",
            source_url=url(number) if number >= 0 else "",
        )
        for number in numbers
    )
    entry = hub.receive(sms("look", attachments=files)).entry
    assert entry
    return entry


def place(entry: Entry) -> Place:
    return Place(entry.home, entry.occurred_at, entry.id)


def now(table: Table, entry: Entry) -> Entry:
    return entries.get(table, entry.home, entry.occurred_at, entry.id)


def kept() -> list[bytes]:
    """What lies in the bucket, in all versions."""
    client = boto3.client("s3", region_name=REGION)
    versions = client.list_object_versions(Bucket=BUCKET).get("Versions", [])
    return sorted(
        client.get_object(Bucket=BUCKET, Key=it["Key"], VersionId=it["VersionId"])["Body"].read()
        for it in versions
    )


def test_of_ten_files_the_one_that_is_not_there_and_the_one_in_our_own_network_are_given_up(
    table: Table, hub: Hub, api: Api, fetcher: MediaFetcher, twilio: Twilio
) -> None:
    entry = mms(hub, *range(8), -1, 9)
    twilio.files[url(3)] = NotFoundError("Twilio has no such file")
    with pytest.raises(UnavailableError, match="1 files"):
        fetcher.fetch(place(entry), last_try=False)
    shown = api.get(f"/v1/contacts/{entry.home}/timeline")["items"][0]
    states = [it["state"] for it in shown["attachments"]]
    assert states == [*["available"] * 3, "pending", *["available"] * 4, "unavailable", "available"]

    assert fetcher.fetch(place(entry), last_try=True) == Fetched(lost=1)
    shown = api.get(f"/v1/contacts/{entry.home}/timeline")["items"][0]
    states = [it["state"] for it in shown["attachments"]]
    assert (shown["text"], states[3], states[8], states.count("available")) == (
        "look",
        "unavailable",
        "unavailable",
        8,
    )
    assert shown["attachments"][0]["bytes"] == 5
    assert api.call("GET", shown["attachments"][0]["url"]).status == 302
    assert kept() == [b"JPEG%d" % n for n in (0, 1, 2, 4, 5, 6, 7, 9)]


def test_a_file_takes_one_write_and_once_kept_none(
    table: Table, hub: Hub, fetcher: MediaFetcher, twilio: Twilio, aws_calls: list[str]
) -> None:
    entry = mms(hub, 0, 1)
    aws_calls.clear()
    assert fetcher.fetch(place(entry), last_try=False) == Fetched(kept=2)
    assert fetcher.fetch(place(entry), last_try=False) == Fetched()
    assert aws_calls == ["GetItem", "UpdateItem", "UpdateItem", "GetItem"]
    assert twilio.asked == [url(0), url(1)]


def test_nothing_is_given_up_while_nobody_knows_whether_it_is_there(
    table: Table, hub: Hub, fetcher: MediaFetcher, twilio: Twilio
) -> None:
    entry = mms(hub, 0)
    twilio.files[url(0)] = UnavailableError("a file was not given: http-503")
    with pytest.raises(UnavailableError):
        fetcher.fetch(place(entry), last_try=True)
    assert now(table, entry).attachments[0].is_elsewhere


def test_what_may_never_be_fetched_is_given_up_at_once(
    table: Table, hub: Hub, fetcher: MediaFetcher, twilio: Twilio
) -> None:
    entry = mms(hub, 0, 1)
    twilio.files[url(0)] = RejectedError("a file is larger than 16 MB")
    assert fetcher.fetch(place(entry), last_try=False) == Fetched(kept=1, lost=1)


def test_two_who_fetch_at_once_keep_it_once(
    table: Table, hub: Hub, fetcher: MediaFetcher, twilio: Twilio
) -> None:
    entry = mms(hub, 0)

    def other() -> None:
        twilio.while_reading = lambda: None
        fetcher.fetch(place(entry), last_try=False)

    twilio.while_reading = other
    with pytest.raises(UnavailableError):
        fetcher.fetch(place(entry), last_try=False)
    assert fetcher.fetch(place(entry), last_try=False) == Fetched()
    assert set(kept()) == {b"JPEG0"}


def test_nothing_stays_of_a_message_that_was_erased_while_its_file_was_fetched(
    table: Table, hub: Hub, fetcher: MediaFetcher, twilio: Twilio
) -> None:
    entry = mms(hub, 0)
    at = keys.entry(entry.home, entry.occurred_at, entry.id)
    twilio.while_reading = lambda: table.write(Delete(at, "attribute_exists(PK)"))
    with pytest.raises(UnavailableError):
        fetcher.fetch(place(entry), last_try=False)
    assert kept() == [b"JPEG0"]
    assert fetcher.fetch(place(entry), last_try=False) == Fetched()
    assert kept() == []


def test_a_kept_file_announces_nothing_and_moves_the_entrys_revision_on(
    table: Table, hub: Hub, fetcher: MediaFetcher
) -> None:
    entry = mms(hub, 0)
    [before] = [item for item in written(table) if item["type"] == "entry"]
    fetcher.fetch(place(entry), last_try=False)
    [after] = [item for item in written(table) if item["type"] == "entry"]
    assert announced(record(before))[0].files_elsewhere  # type: ignore[attr-defined]
    assert announced(record(after, before)) == ()
    assert after["revision"] == before["revision"] + 1

"""Files that agents send: kept before the message is, once, and shown on its entry."""

from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from shared.model.consent import Medium
from shared.model.errors import UnavailableError
from shared.store.attachments import Attachments
from tests.api import Api
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, later, mail, sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub

KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
def ana(hub: Hub) -> str:
    """The path of a contact known by chat, mail and phone who last wrote by mail."""
    contact_id = hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE))).contact_id
    hub.receive(sms(), now=later(minutes=1))
    hub.receive(mail(), now=later(minutes=2))
    return f"/v1/contacts/{contact_id}"


def file(content_bytes: bytes = b"%PDF-1.4", **changes: str) -> dict[str, str]:
    """A file as an agent app sends it."""
    sent = {"name": "invoice.pdf", "media_type": "application/pdf"}
    return {**sent, "content": b64encode(content_bytes).decode(), **changes}


def message(*files: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {"text": "Your invoice.", "attachments": list(files), **fields}


def kept() -> dict[str, bytes]:
    """What lies in the content bucket."""
    client = boto3.client("s3", region_name=REGION)
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    keys = [each["Key"] for each in listed]
    return {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_files_are_kept_and_shown_on_the_entry(api: Api, ana: str, channel: str) -> None:
    sent = api.post(f"{ana}/messages", message(file(), file(b"PNG"), channel=channel))
    assert [(it["name"], it["media_type"], it["bytes"]) for it in sent["attachments"]] == [
        ("invoice.pdf", "application/pdf", 8),
        ("invoice (2).pdf", "application/pdf", 3),
    ]
    assert sorted(kept().values()) == [b"%PDF-1.4", b"PNG"]
    assert all(key.startswith("attachments/att_") for key in kept())
    answer = api.call("GET", sent["attachments"][0]["url"])
    assert answer.status == 302
    assert kept()[urlsplit(answer.headers["Location"]).path.lstrip("/")] == b"%PDF-1.4"
    assert sent in api.get(f"{ana}/timeline")["items"]


def test_names_are_made_safe_and_types_lower_case(api: Api, ana: str) -> None:
    names = ["../../etc/passwd", "C:\\a\\b.pdf", "\u202efdp.exe\n", "..", "n" * 255]
    files = [file(name=name, media_type="Application/PDF") for name in names]
    shown = api.post(f"{ana}/messages", message(*files))["attachments"]
    assert [it["name"] for it in shown] == [
        "passwd",
        "b.pdf",
        "fdp.exe",
        "attachment-4.pdf",
        "n" * 120,
    ]
    assert {it["media_type"] for it in shown} == {"application/pdf"}


def test_a_text_with_a_file_costs_what_an_mms_does(api: Api, ana: str) -> None:
    plain, with_file = (
        api.post(f"{ana}/messages", message(*files, channel="sms")) for files in ((), (file(),))
    )
    assert with_file["cost_micro_usd"] > plain["cost_micro_usd"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (message(file(content="no base64!")), "attachments.0.content"),
        (message(file(), file(content="YQ")), "attachments.1.content"),
        (message(file(content="")), "attachments.0.content"),
        (message(file(media_type="pdf")), "attachments.0.media_type"),
        (message(file(media_type="text/html; charset=utf-8")), "attachments.0.media_type"),
        (message(file(name="")), "attachments.0.name"),
        (message(file(url="https://example.com")), "attachments.0.url"),
        (message(*[file()] * 11), "attachments"),
        (message(file(b"x" * 2_000_000), file(b"x" * 2_000_001)), "attachments"),
        (message(file(), channel="chat"), "attachments"),
    ],
)
def test_a_file_that_cannot_be_sent_is_422_names_the_field_and_leaves_no_trace(
    api: Api, ana: str, body: dict[str, Any], field: str
) -> None:
    before = api.get(f"{ana}/timeline")
    answer = api.call("POST", f"{ana}/messages", body=body)
    assert (answer.status, answer.fields) == (422, [field])
    assert (kept(), api.get(f"{ana}/timeline")) == ({}, before)


def test_four_megabytes_are_taken_and_what_lambda_would_not_take_is_413(api: Api, ana: str) -> None:
    sent = api.post(f"{ana}/messages", message(file(b"x" * 4_000_000)))
    assert sent["attachments"][0]["bytes"] == 4_000_000
    answer = api.call("POST", f"{ana}/messages", body=message(file(b"x" * 4_600_000)))
    assert answer.status == 413


def test_the_same_request_keeps_its_files_once_and_another_leaves_them_alone(
    api: Api, ana: str
) -> None:
    first, second = (
        api.call("POST", f"{ana}/messages", body=message(file()), headers=KEY) for _ in range(2)
    )
    assert (first.status, first.text) == (second.status, second.text)
    other = api.call("POST", f"{ana}/messages", body=message(file(b"other")), headers=KEY)
    assert other.fields == ["Idempotency-Key"]
    assert list(kept().values()) == [b"%PDF-1.4"]


def test_nothing_is_kept_for_somebody_who_wants_nothing(api: Api, ana: str) -> None:
    consent = {
        "identity": {"kind": "email", "value": ANA_EMAIL.value},
        "medium": Medium.EMAIL,
        "state": "denied",
        "source": "asked on the phone",
    }
    api.put(f"{ana}/consent", consent)
    assert api.call("POST", f"{ana}/messages", body=message(file())).status == 409
    assert kept() == {}


def test_no_message_is_written_whose_files_were_not_kept(
    api: Api, ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise UnavailableError("the content bucket did not take an attachment")

    before = api.get(f"{ana}/timeline")
    monkeypatch.setattr(Attachments, "keep", fail)
    assert api.call("POST", f"{ana}/messages", body=message(file())).status == 503
    assert api.get(f"{ana}/timeline") == before

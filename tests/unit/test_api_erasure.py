"""The API's export and erasure, and the answers of whoever was erased."""

import json

import boto3

from shared import erase
from shared.merge import Decision, merge
from shared.store.objects import Objects
from tests.api import Api
from tests.builders import ANA_EMAIL, NOW, mail, sms
from tests.conftest import BUCKET, REGION
from tests.hub import Hub


def finish(hub: Hub, contact_id: str) -> None:
    """What the sweep does within a minute."""
    objects = Objects(lambda: boto3.client("s3", region_name=REGION), BUCKET)
    erase.finish(hub.table, contact_id, content=objects, mails=objects, now=NOW)


def kept(key: str) -> list[str]:
    """The lines of an object in the content bucket."""
    answer = boto3.client("s3", region_name=REGION).get_object(Bucket=BUCKET, Key=key)
    return answer["Body"].read().decode().splitlines()


def test_an_export_is_a_file_of_json_lines_behind_a_short_link(api: Api, hub: Hub) -> None:
    ana = hub.receive(mail("where is it?")).contact_id
    answer = api.call("GET", f"/v1/contacts/{ana}/export")
    assert answer.status == 302
    assert f"exports/{ana}.jsonl" in answer.headers["Location"]
    lines = [json.loads(line) for line in kept(f"exports/{ana}.jsonl")]
    assert [line["text"] for line in lines if line["type"] == "entry"] == ["where is it?"]
    assert api.call("GET", "/v1/contacts/ctc_nobody/export").status == 404


def test_an_erasure_begins_at_once_and_every_id_answers_410_from_then_on(
    api: Api, hub: Hub
) -> None:
    ana = hub.receive(mail()).contact_id
    api.call("GET", f"/v1/contacts/{ana}/export")
    answer = api.call("DELETE", f"/v1/contacts/{ana}")
    assert answer.status == 202
    assert (answer.json["members"], answer.json["finished_at"]) == ([ana], None)
    assert api.call("GET", f"/v1/contacts/{ana}").status == 410
    finish(hub, ana)
    for path in ("", "/timeline", "/handover", "/export"):
        answer = api.call("GET", f"/v1/contacts/{ana}{path}")
        assert answer.status == 410
        certificate = answer.json["certificate"]
        assert certificate["finished_at"] == "2026-11-20T12:00:00.000Z"
        assert (certificate["entries"], certificate["addresses"]) == (1, 1)
    assert api.call("DELETE", f"/v1/contacts/{ana}").status == 410
    found = api.get("/v1/contacts", f"identity=email:{ANA_EMAIL.value}")
    assert found["items"] == []
    listed = boto3.client("s3", region_name=REGION).list_objects_v2(Bucket=BUCKET)
    assert listed["KeyCount"] == 0, "the export is gone too"


def test_a_merged_contact_is_erased_only_by_the_names_of_all(api: Api, hub: Hub) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    merge(hub.table, ana, other, Decision(by="agent-1", reason="one person"), now=NOW)
    answer = api.call("DELETE", f"/v1/contacts/{ana}")
    assert (answer.status, answer.json["members"]) == (409, sorted([ana, other]))
    answer = api.call("DELETE", f"/v1/contacts/{ana}", query=f"members={ana}")
    assert answer.status == 409
    answer = api.call("DELETE", f"/v1/contacts/{other}", query=f"members={ana},{other}")
    assert answer.status == 202
    assert api.call("DELETE", "/v1/contacts/ctc_nobody").status == 404


def test_nothing_is_written_to_or_merged_with_somebody_who_was_erased(api: Api, hub: Hub) -> None:
    ana, other = hub.receive(mail()).contact_id, hub.receive(sms()).contact_id
    api.call("DELETE", f"/v1/contacts/{ana}")
    finish(hub, ana)
    path = f"/v1/contacts/{ana}"
    assert api.call("POST", f"{path}/messages", body={"text": "hello"}).status == 410
    assert api.call("POST", f"{path}/notes", body={"text": "hello"}).status == 410
    assert api.call("PATCH", path, body={"name": "Ana"}).status == 410
    body = {"other": ana, "reason": "one person"}
    answer = api.call("POST", f"/v1/contacts/{other}/merge", body=body)
    assert (answer.status, answer.json["detail"]) == (409, "one of these contacts is erased")

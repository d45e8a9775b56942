"""Files: links that are good for a minute, always saved, and HTML that does no harm."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from functions.timeline_api.mail_html import sanitise
from shared.model.entry import Attachment
from shared.store.table import Table
from tests.api import Api
from tests.builders import mail
from tests.conftest import BUCKET, REGION
from tests.hub import Hub
from tests.timelines import entry, lay, profile


@pytest.fixture
def bucket(api: Api) -> Any:
    """The content bucket, with one file in it."""
    client = boto3.client("s3", region_name=REGION)
    client.put_object(Bucket=BUCKET, Key="attachments/1", Body=b"%PDF")
    return client


def item(api: Api, hub: Hub, **fields: Any) -> Any:
    """The one entry that a mail with these fields makes."""
    recorded = hub.receive(mail(**fields))
    (shown,) = api.get(f"/v1/contacts/{recorded.contact_id}/timeline")["items"]
    return shown


def fetched(bucket: Any, url: str) -> str:
    """What the object that a link leads to holds."""
    key = urlsplit(url).path.removeprefix(f"/{BUCKET}").removeprefix("/")
    return str(bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())


def link(api: Api, path: str) -> str:
    answer = api.call("GET", path)
    assert (answer.status, answer.text) == (302, "")
    return answer.headers["Location"]


@pytest.mark.usefixtures("bucket")
def test_an_attachment_leads_to_a_link_for_a_minute_that_saves_and_never_shows(
    api: Api, hub: Hub
) -> None:
    name = 'Räch"nung\r\n2026.html'
    file = Attachment(name=name, media_type="text/html", object_key="attachments/1")
    url = link(api, item(api, hub, attachments=(file,))["attachments"][0]["url"])
    asked = parse_qs(urlsplit(url).query)
    assert urlsplit(url).path.endswith("/attachments/1")
    assert asked["response-content-type"] == ["application/octet-stream"]
    assert asked["response-content-disposition"] == [
        "attachment; filename*=UTF-8''R%C3%A4ch%22nung%0D%0A2026.html"
    ]
    assert asked.get("X-Amz-Expires", ["60"]) == ["60"]


def test_a_file_that_is_still_at_its_provider_is_404(api: Api, hub: Hub) -> None:
    file = Attachment(name="a.jpg", media_type="image/jpeg", source_url="https://media.example/1")
    shown = item(api, hub, attachments=(file,))["attachments"][0]
    assert shown["url"] is None
    assert api.call("GET", f"/v1/attachments/{shown['id']}").status == 404


def test_a_mails_html_is_made_harmless_before_anyone_gets_it(
    api: Api, hub: Hub, bucket: Any
) -> None:
    url = link(api, item(api, hub, html="<p onclick=x()>Hi<script>x()</script></p>")["html_url"])
    assert "/bodies/ent_" in urlsplit(url).path
    assert fetched(bucket, url).endswith("<p>Hi</p>")


def test_the_html_of_a_large_mail_comes_from_where_its_body_is(
    api: Api, hub: Hub, bucket: Any
) -> None:
    import random

    words = random.Random(2).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=200_000)
    shown = item(api, hub, html=f"<p>{''.join(words)}</p>")
    url = link(api, shown["html_url"])
    assert "".join(words) in fetched(bucket, url)


def test_an_id_is_good_as_it_is_or_not_at_all(api: Api, hub: Hub, table: Table) -> None:
    file = Attachment(name="a", media_type="text/plain", object_key="attachments/1")
    file_id = item(api, hub, attachments=(file,))["attachments"][0]["id"]
    for wrong in (file_id[:-1], file_id + "A", "att_1", "..", "%00", file_id.replace("k1", "k2")):
        assert api.call("GET", f"/v1/attachments/{wrong}").status == 404
    lay(table, profile("ctc_ana"), entry(), entry())
    cursor = api.get("/v1/contacts/ctc_ana/timeline", "limit=1")["next_cursor"]
    assert api.call("GET", f"/v1/attachments/{cursor}").status == 404


def test_the_file_of_an_entry_that_is_gone_is_404(api: Api, hub: Hub, table: Table) -> None:
    file = Attachment(name="a", media_type="text/plain", object_key="attachments/1")
    shown = item(api, hub, attachments=(file,))
    at = f"ENTRY#{shown['occurred_at']}#{shown['id']}"
    key = {"PK": {"S": f"CONTACT#{shown['home_contact_id']}"}, "SK": {"S": at}}
    table._client.delete_item(TableName=table.name, Key=key)
    assert api.call("GET", shown["attachments"][0]["url"]).status == 404


# ---- HTML

REL = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<script>x()</script><style>p{}</style>Hi", "Hi"),
        ('<img src="https://track.example/1.gif">', "<img>"),
        ('<img src="cid:logo">', "<img>"),
        ('<img src="data:image/png;base64,AA==">', '<img src="data:image/png;base64,AA==">'),
        ('<img src="data:text/html,x">', "<img>"),
        ('<p style="color:red;background:url(https://t.example)">', '<p style="color:red"></p>'),
        ('<td background="https://t.example/1.gif">a', "a"),
        ('<form action="https://phish.example"><input name=pin></form>', ""),
        ('<iframe src="https://t.example"></iframe>', ""),
        ('<a href="javascript:x()">a</a>', f"<a {REL}>a</a>"),
        ('<a href="data:text/html,x">a</a>', f"<a {REL}>a</a>"),
        ('<a href="/relative">a</a>', f"<a {REL}>a</a>"),
        (
            '<a href="https://a.example/?b&c">a</a>',
            f'<a href="https://a.example/?b&amp;c" {REL}>a</a>',
        ),
        ('<meta http-equiv="refresh" content="0;url=https://t.example">', ""),
        ('<svg><a xlink:href="javascript:x()">a</a></svg>', ""),
        ("<b>unclosed", "<b>unclosed</b>"),
    ],
)
def test_html_loads_nothing_and_runs_nothing(html: str, kept: str) -> None:
    page = sanitise(html)
    head, _, body = page.partition("\n")
    assert "default-src 'none'" in head
    assert body == kept


def test_hostile_html_is_done_within_seconds() -> None:
    import time

    started = time.monotonic()
    for html in ("<div>" * 20_000, "<p " + "a=1 " * 50_000 + ">", "<a " * 100_000, "x" * 9_000_000):
        assert len(sanitise(html)) < 2_000_000
    assert time.monotonic() - started < 20

"""The API's timeline: pages, filters, cursors, and what an entry shows."""

import random
from dataclasses import replace
from typing import Any

import pytest

from shared.model.cost import Cost
from shared.model.entry import (
    Attachment,
    Author,
    AuthorType,
    Channel,
    Direction,
    Entry,
    Kind,
    ProviderRef,
)
from shared.model.identity import Trust
from shared.model.receipt import ReceiptState
from shared.model.recording import Marker
from shared.rules import signed_tokens
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.api import Api
from tests.builders import ANA_EMAIL, later, mail, sms
from tests.hub import KEYS, Hub
from tests.timelines import entry, lay, profile, receipt

ANA = "/v1/contacts/ctc_ana/timeline"
OUT = Direction.OUTBOUND


def offloaded(bodies: Bodies, whole: Entry) -> Entry:
    return bodies.offload(whole, Marker(provider="test", id=whole.id))


@pytest.fixture
def numbered(table: Table) -> None:
    """Ana with entries "0" to "6", a minute apart."""
    entries = [
        entry(
            at=later(minutes=number),
            text=str(number),
            channel=Channel.EMAIL if number % 2 else Channel.SMS,
            direction=OUT if number % 3 == 0 else Direction.INBOUND,
        )
        for number in range(7)
    ]
    lay(table, profile("ctc_ana"), *entries)


def texts(page: Any) -> list[str]:
    return [item["text"] for item in page["items"]]


# ---- what an entry shows


def test_a_message_of_which_nobody_knows_whether_it_left_says_so_in_words(
    api: Api, table: Table
) -> None:
    sent = entry(at=later(minutes=1), direction=OUT, text="On its way.")
    lay(table, profile("ctc_ana"), sent, receipt(sent, ReceiptState.UNCONFIRMED))
    (item,) = api.get(ANA)["items"]
    assert item["receipt"]["state"] == "unconfirmed"
    assert item["receipt"]["advice"] == "may not have left; send again?"


def test_an_outbound_entry_shows_its_receipt_and_its_real_price(api: Api, table: Table) -> None:
    sent = entry(
        at=later(minutes=1),
        direction=OUT,
        author=Author(AuthorType.AGENT, id="agent-1", name="Ada"),
        text="On its way.",
        provider=ProviderRef("twilio", "SM1"),
        cost=Cost(provider_micro_usd=8_300, own_micro_usd=10, category="t", units=1, rate="t"),
    )
    failed = replace(
        receipt(sent, ReceiptState.FAILED),
        error="30003",
        booked_micro_usd=1_009,
        steps={"queued": later(minutes=1), "failed": later(minutes=2)},
    )
    lay(table, profile("ctc_ana"), sent, failed)
    (item,) = api.get(ANA)["items"]
    assert item == {
        "id": sent.id,
        "contact_id": "ctc_ana",
        "home_contact_id": "ctc_ana",
        "conversation_id": "cnv_1",
        "kind": "message",
        "channel": "sms",
        "direction": "outbound",
        "occurred_at": "2026-11-20T12:01:00.000Z",
        "received_at": "2026-11-20T12:01:00.000Z",
        "identity": {"kind": "phone", "value": "+14155550101"},
        "trust": "verified",
        "author": {"type": "agent", "id": "agent-1", "name": "Ada"},
        "subject": "",
        "text": "On its way.",
        "html_url": None,
        "attachments": [],
        "receipt": {
            "state": "failed",
            "at": "2026-11-20T12:02:00.000Z",
            "error": "30003",
            "advice": None,
        },
        "cost_micro_usd": 1_009,
        "purpose": None,
        "automatic": False,
        "guest": False,
        "quoted_text": "",
        "provider": {"name": "twilio", "id": "SM1"},
        "data": None,
        "defects": [],
        "template": None,
    }


def test_a_received_mail_shows_its_subject_files_html_and_defects(api: Api, hub: Hub) -> None:
    files = (
        Attachment(name="a.pdf", media_type="application/pdf", size_bytes=7, object_key="k/1"),
        Attachment(name="b.jpg", media_type="image/jpeg", source_url="https://media.example"),
    )
    recorded = hub.receive(
        mail(
            "Here.",
            html="<p>Here.</p>",
            quoted_text="> old",
            attachments=files,
            defects=("bad_date",),
            author_name="Ana",
            trust=Trust.CLAIMED,
        )
    )
    (item,) = api.get(f"/v1/contacts/{recorded.contact_id}/timeline")["items"]
    assert item["subject"] == "Where is my order?"
    assert item["identity"] == {"kind": "email", "value": ANA_EMAIL.value}
    assert item["author"] == {"type": "customer", "id": None, "name": "Ana"}
    assert (item["trust"], item["defects"]) == ("claimed", ["bad_date"])
    assert (item["quoted_text"], item["receipt"]) == ("> old", None)
    assert item["html_url"].startswith("/v1/attachments/")
    first, second = item["attachments"]
    assert (first["name"], first["bytes"]) == ("a.pdf", 7)
    assert first["url"] == f"/v1/attachments/{first['id']}"
    assert second["url"] is None


def test_a_large_body_is_shown_whole(api: Api, hub: Hub) -> None:
    text = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz \n", k=400_000))
    recorded = hub.receive(mail(text))
    (item,) = api.get(f"/v1/contacts/{recorded.contact_id}/timeline")["items"]
    assert item["text"] == text


def test_only_the_large_bodies_that_are_shown_are_fetched(
    api: Api, table: Table, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = random.Random(3)
    for number in range(3):
        text = "".join(noise.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=200_000))
        lay(table, offloaded(bodies, entry(at=later(minutes=number), text=text)))
    lay(table, profile("ctc_ana"))
    fetched: list[str] = []
    s3 = bodies._client().meta.events
    s3.register("before-call.s3.GetObject", lambda params, **_: fetched.append(params["url_path"]))
    api.get(ANA, "limit=1")
    assert len(fetched) == 1


def test_an_answer_stays_below_lambdas_six_megabytes(
    api: Api, table: Table, bodies: Bodies
) -> None:
    control, newlines = "\x01" * 700_000, "\n" * 800_000
    for number, text in enumerate((newlines, newlines, control, control, "x" * 7_000_000)):
        lay(table, offloaded(bodies, entry(at=later(minutes=number), text=text)))
    lay(table, profile("ctc_ana"))
    pages = traverse(api, "")
    assert [len(page["items"]) for page in pages] == [1, 1, 1, 2]
    cut = pages[0]["items"][0]
    assert (len(cut["text"]), cut["defects"]) == (500_000, ["text_cut"])
    assert len(pages[3]["items"][1]["text"]) == 800_000


# ---- pages


def traverse(api: Api, query: str, path: str = ANA) -> list[Any]:
    """All pages of a query."""
    pages = [api.get(path, query)]
    while pages[-1]["next_cursor"]:
        pages.append(api.get(path, f"{query}&cursor={pages[-1]['next_cursor']}"))
    return pages


@pytest.mark.usefixtures("numbered")
def test_pages_of_two_show_every_entry_once_in_either_order(api: Api) -> None:
    newest_first = [text for page in traverse(api, "limit=2") for text in texts(page)]
    oldest_first = [text for page in traverse(api, "order=asc&limit=2") for text in texts(page)]
    assert newest_first == ["6", "5", "4", "3", "2", "1", "0"]
    assert oldest_first == newest_first[::-1]


@pytest.mark.usefixtures("numbered")
def test_entries_that_arrive_meanwhile_disturb_no_traversal_and_show_in_the_next(
    api: Api, table: Table
) -> None:
    first = api.get(ANA, "limit=3")
    lay(table, entry(at=later(minutes=9), text="new"), entry(at=later(minutes=4.5), text="late"))
    rest = api.get(ANA, f"limit=9&cursor={first['next_cursor']}")
    assert texts(first) + texts(rest) == ["6", "5", "4", "3", "2", "1", "0"]
    afresh = ["new", "6", "5", "late", "4", "3", "2", "1", "0"]
    assert texts(api.get(ANA)) == afresh


@pytest.mark.usefixtures("numbered")
def test_an_unmerged_contacts_page_costs_one_query(
    api: Api, table: Table, aws_calls: list[str]
) -> None:
    page = api.get(ANA, "limit=2")
    api.get(ANA, f"limit=2&cursor={page['next_cursor']}")
    assert aws_calls == ["Query", "Query"]


@pytest.mark.usefixtures("numbered")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("channel=email", ["5", "3", "1"]),
        ("channel=email&channel=sms&limit=2", ["6", "5"]),
        ("channel=email,sms&limit=2", ["6", "5"]),
        ("kind=note", []),
        ("kind=message&limit=1", ["6"]),
        ("since=2026-11-20T12:02:00Z&until=2026-11-20T12:05:00Z", ["4", "3", "2"]),
        ("since=2026-11-20T14:05:00%2B02:00", ["6", "5"]),
        ("since=2026-11-20T14:05:00+02:00", ["6", "5"]),
        ("q=4", ["4"]),
        ("q=", ["6", "5", "4", "3", "2", "1", "0"]),
        ("conversation=cnv_1&limit=1", ["6"]),
        ("conversation=cnv_2", []),
        ("limit=1000000000000", ["6", "5", "4", "3", "2", "1", "0"]),
        ("limit=999999999", ["6", "5", "4", "3", "2", "1", "0"]),
    ],
)
def test_filters(api: Api, query: str, shown: list[str] | None) -> None:
    answer = api.call("GET", ANA, query=query)
    if shown is None:
        assert answer.status == 400
    else:
        assert texts(answer.json) == shown


def test_a_search_takes_a_plus_for_a_space_and_no_heed_of_case(api: Api, hub: Hub) -> None:
    contact_id = hub.receive(sms("Where is my ORDER 1+1?")).contact_id
    path = f"/v1/contacts/{contact_id}/timeline"
    assert len(api.get(path, "q=my+order")["items"]) == 1
    assert len(api.get(path, "q=1%2B1")["items"]) == 1
    assert api.get(path, "q=1+1")["items"] == []


@pytest.mark.usefixtures("numbered")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=abc", "limit"),
        ("limit=1.5", "limit"),
        ("limit=%F0%9F%98%80", "limit"),
        ("limit=1&limit=2", "limit"),
        ("order=up", "order"),
        ("order=", "order"),
        ("channel=pigeon", "channel"),
        ("channel=sms,", "channel"),
        ("kind=letter", "kind"),
        ("since=yesterday", "since"),
        ("since=2026-11-20T12:00:00", "since"),
        ("until=0001-01-01T00:00:00%2B23:59", "until"),
        ("since=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z", "since"),
        (f"q={'x' * 201}", "q"),
        ("chanel=sms", "chanel"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_400_and_named(api: Api, query: str, field: str) -> None:
    answer = api.call("GET", ANA, query=query)
    assert (answer.status, answer.fields) == (400, [field])


# ---- cursors


@pytest.mark.usefixtures("numbered")
def test_a_cursor_is_good_for_its_own_contact_filters_and_order_only(
    api: Api, table: Table
) -> None:
    lay(table, profile("ctc_bob"), entry(home="ctc_bob"), entry(home="ctc_bob"))
    cursor = api.get(ANA, "limit=1&channel=sms")["next_cursor"]
    assert api.call("GET", ANA, query=f"limit=5&channel=sms&cursor={cursor}").status == 200
    for path, query in (
        ("/v1/contacts/ctc_bob/timeline", "channel=sms"),
        (ANA, "channel=email"),
        (ANA, ""),
        (ANA, "channel=sms&order=asc"),
        ("/v1/conversations", ""),
    ):
        assert api.call("GET", path, query=f"{query}&cursor={cursor}").status == 400


@pytest.mark.usefixtures("numbered")
def test_a_cursor_that_was_tampered_with_is_400(api: Api) -> None:
    cursor = api.get(ANA, "limit=1")["next_cursor"]
    for position in range(len(cursor)):
        other = "A" if cursor[position] != "A" else "B"
        tampered = cursor[:position] + other + cursor[position + 1 :]
        assert api.call("GET", ANA, query=f"cursor={tampered}").status == 400


def test_a_file_id_is_no_cursor(api: Api, table: Table) -> None:
    lay(table, profile("ctc_ana"))
    token = signed_tokens.sign(KEYS, "file", '["ENTRY#", true]')
    assert api.call("GET", ANA, query=f"cursor={token}").status == 400


# ---- notes beside messages


def test_entries_of_every_kind_stand_side_by_side(api: Api, table: Table) -> None:
    lay(
        table,
        profile("ctc_ana"),
        *(
            entry(at=later(minutes=minute), kind=kind, address=None, conversation_id="", cost=None)
            for minute, kind in enumerate(Kind)
        ),
    )
    items = api.get(ANA)["items"]
    assert [item["kind"] for item in items] == [str(kind) for kind in reversed(Kind)]
    assert {item["identity"] for item in items} == {None}

"""The API's costs: every line, sums that are exact, and months as they were booked."""

import pytest

from shared import merge
from shared.rate_card import rate_card
from shared.reprice import reprice
from shared.store import ledger
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.api import Api
from tests.builders import ANA_PHONE, chat, later, mail, sms
from tests.hub import Hub
from tests.outbound import Office, key_of


@pytest.fixture
def office(table: Table, bodies: Bodies) -> Office:
    return Office(table, bodies)


def priced(office: Office, contact: str) -> None:
    """A text that was sent, and billed in December."""
    key = key_of(office.answer(contact, channel="sms"))
    office.deliver(key)
    office.wait(days=12)
    reprice(key, "-0.0166", "usd", table=office.table, card=rate_card(), now=office.now)


def test_the_ledger_shows_estimates_and_what_they_turned_out_as(
    api: Api, hub: Hub, office: Office
) -> None:
    ana = hub.receive(sms()).contact_id
    priced(office, ana)
    costs = api.get(f"/v1/contacts/{ana}/costs")
    price, out, received = costs["items"]
    assert [line["kind"] for line in costs["items"]] == ["price", "estimate", "estimate"]
    assert [line["amount_micro_usd"] for line in costs["items"]] == [8_300, 11_825, 8_310]
    assert (price["actual"], out["actual"], received["actual"]) == (True, False, False)
    assert price["billed"] == {"amount": "-0.0166", "currency": "USD"}
    assert price["entry_id"] == out["entry_id"]
    assert (price["at"][:7], price["entry_at"][:7]) == ("2026-12", "2026-11")
    assert costs["by_month"] == {"2026-11": 8_310 + 11_825, "2026-12": 8_300}
    assert costs["by_channel"] == {"sms": costs["total_micro_usd"]}
    assert costs["total_micro_usd"] == 8_310 + 11_825 + 8_300
    contact = api.get(f"/v1/contacts/{ana}")["cost"]
    assert contact["total_micro_usd"] == costs["total_micro_usd"]
    assert contact["by_channel"] == costs["by_channel"]


def test_a_time_asked_for_is_that_of_booking(api: Api, hub: Hub, office: Office) -> None:
    ana = hub.receive(sms(), now=later()).contact_id
    late = sms(received_at=later(days=14), occurred_at=later(days=10))
    hub.receive(late, now=later(days=14))
    priced(office, ana)
    november = api.get(
        f"/v1/contacts/{ana}/costs", "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    )
    december = api.get(f"/v1/contacts/{ana}/costs", "from=2026-12-01T00:00:00Z")
    assert november["by_month"] == {"2026-11": 8_310 + 11_825}
    assert december["by_month"] == {"2026-12": 8_310 + 8_300}
    assert {line["entry_at"][:10] for line in december["items"]} == {"2026-11-30", "2026-11-20"}


def test_pages_bring_every_line_once_and_each_has_the_whole_sums(api: Api, hub: Hub) -> None:
    ana = hub.receive(sms()).contact_id
    for number in range(6):
        hub.receive(sms(), now=later(seconds=number))
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        query = "limit=3" + (f"&cursor={cursor}" if cursor else "")
        page = api.get(f"/v1/contacts/{ana}/costs", query)
        assert page["total_micro_usd"] == 7 * 8_310
        seen += [line["id"] for line in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 7


def test_what_is_merged_is_summed_and_a_merged_id_answers(api: Api, hub: Hub, table: Table) -> None:
    ana, other = hub.receive(sms()).contact_id, hub.receive(mail()).contact_id
    decision = merge.Decision(by="agent", reason="the same")
    merge.merge(table, ana, other, decision, now=later())
    for contact_id in (ana, other):
        costs = api.get(f"/v1/contacts/{contact_id}/costs")
        assert costs["by_channel"] == {"email": 8_310, "sms": 8_310}


def test_an_address_that_is_split_off_takes_its_costs_along(api: Api, hub: Hub) -> None:
    ana = hub.receive(chat(vouched=(ANA_PHONE,))).contact_id
    hub.receive(sms())
    phone = {"kind": "phone", "value": ANA_PHONE.value}
    done = api.post(f"/v1/contacts/{ana}/split", {"identity": phone, "reason": "another's"})
    costs = [
        api.get(f"/v1/contacts/{done[who]['id']}/costs")["by_channel"]
        for who in ("contact", "other")
    ]
    assert costs == [{"chat": 8_310}, {"sms": 8_310}]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z",
        "limit=0",
        "month=2026-11",
    ],
)
def test_a_question_that_cannot_be_read_is_400(api: Api, hub: Hub, query: str) -> None:
    ana = hub.receive(sms()).contact_id
    assert api.call("GET", f"/v1/contacts/{ana}/costs", query=query).status == 400


def test_the_end_of_time_is_far_enough(api: Api, hub: Hub) -> None:
    ana = hub.receive(sms()).contact_id
    query = "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"
    assert api.get(f"/v1/contacts/{ana}/costs", query)["total_micro_usd"] == 8_310


def test_more_lines_than_an_answer_can_sum_are_refused(
    api: Api, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_LINES", 1)
    ana = hub.receive(sms()).contact_id
    hub.receive(sms())
    answer = api.call("GET", f"/v1/contacts/{ana}/costs")
    assert (answer.status, answer.fields) == (422, ["from"])


def test_the_costs_of_nobody_are_not_found(api: Api) -> None:
    assert api.call("GET", "/v1/contacts/ctc_nobody/costs").status == 404


def test_a_query_that_cannot_be_read_is_refused_before_anybody_is_looked_up(api: Api) -> None:
    for query in ("limit=0", "cursor=x", "from=yesterday"):
        assert api.call("GET", "/v1/contacts/ctc_nobody/costs", query=query).status == 400

"""What finance sees in CloudWatch asks for what meter_costs emits, by the same names."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.meter_costs.documents import emit_counts, emit_line
from shared.model.cost import Cost
from shared.model.entry import Channel, Direction
from shared.model.ledger import CostLine, LineKind
from tests.template import RESOURCES, ROOT, TEMPLATE, of_type

STACK = {"AWS::StackName": "throughline", "AWS::Region": "us-east-1", "MeterCostsLogGroup": "/logs"}


@pytest.fixture
def documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """One EMF document of each kind."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "meter_costs")
    line = CostLine(
        id="cost:ent_1:2",
        home="ctc_1",
        entry_id="ent_1",
        channel=Channel.SMS,
        direction=Direction.OUTBOUND,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        cost=Cost(
            provider_micro_usd=1, own_micro_usd=1, category="sms.segment", units=1, rate="test"
        ),
        kind=LineKind.PRICE,
    )
    emit_line(line)
    emit_counts(served=1, opened=1, month_to_date=1)
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def body(name: str, key: str) -> Any:
    """A resource's JSON, its `${…}` filled in."""
    text = RESOURCES[name]["Properties"][key]["Fn::Sub"]
    return json.loads(re.sub(r"\$\{([\w:]+)\}", lambda found: STACK[found[1]], text))


def emitted(documents: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Each metric with its sets of dimensions."""
    directives = [document["_aws"]["CloudWatchMetrics"][0] for document in documents]
    return {
        metric["Name"]: directive["Dimensions"]
        for directive in directives
        for metric in directive["Metrics"]
    }


def test_the_dashboard_shows_metrics_that_exist(documents: list[dict[str, Any]]) -> None:
    metrics = emitted(documents)
    text = json.dumps(body("CostDashboard", "DashboardBody"))
    searched = set(re.findall(r'MetricName=\\+"(\w+)', text))
    named = set(re.findall(r'"Throughline", "(\w+)"', text))
    assert searched == {"CostMicroUsd", "OwnCostMicroUsd", "CorrectionMicroUsd"}
    assert named == {"MonthToDateCost", "ContactsServed", "ConversationsOpened"}
    assert all(metrics[name] == [["channel", "direction"]] for name in searched)
    assert all(metrics[name] == [[]] for name in named)
    assert set(metrics) == searched | named


def test_the_dashboard_says_that_it_is_live_and_unaudited() -> None:
    first = body("CostDashboard", "DashboardBody")["widgets"][0]["properties"]["markdown"]
    assert "Live and unaudited" in first


def test_widgets_do_not_overlap_and_expressions_name_what_is_there() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body("CostDashboard", "DashboardBody")["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        metrics = [metric[-1] for metric in widget["properties"].get("metrics", [])]
        ids = {metric["id"] for metric in metrics if "id" in metric}
        for metric in metrics:
            expression = metric.get("expression", "")
            if "SEARCH" not in expression:
                assert set(re.findall(r"\b[a-z]+\b", expression)) <= ids


def test_contributor_insights_and_saved_queries_read_properties_that_exist(
    documents: list[dict[str, Any]],
) -> None:
    rule = body("DearestContacts", "RuleBody")
    contribution = rule["Contribution"]
    read = {*contribution["Keys"], contribution["ValueOf"], contribution["Filters"][0]["Match"]}
    assert read == {"$.contact", "$.micro_usd"}
    assert {"contact", "micro_usd"} <= documents[0].keys()
    shown = body("CostDashboard", "DashboardBody")["widgets"][-1]["properties"]["insightRule"]
    assert shown["ruleName"] == "throughline-dearest-contacts"
    for query in of_type("AWS::Logs::QueryDefinition").values():
        text = query["QueryString"]
        assert "max(micro_usd) as amount by fact_id" in text, "an amount may stand there twice"
        (by,) = re.findall(r"by fact_id, (.+)", text)
        assert set(by.split(", ")) <= documents[0].keys()
        assert query["LogGroupNames"] == [{"Ref": "MeterCostsLogGroup"}]


def test_an_alarm_goes_off_above_the_operators_own_amount(
    documents: list[dict[str, Any]],
) -> None:
    alarm = of_type("AWS::CloudWatch::Alarm")["MonthToDateCostAlarm"]
    assert alarm["MetricName"] in emitted(documents)
    assert "Dimensions" not in alarm
    assert alarm["Threshold"] == {"Ref": "MonthlyCostAlarm"}
    assert TEMPLATE["Parameters"]["MonthlyCostAlarm"]["Type"] == "Number"


def test_what_is_deployed_carries_a_tag_to_allocate_its_costs_by() -> None:
    assert 'tags = "application=throughline"' in (ROOT / "samconfig.toml").read_text()


def test_the_stream_names_its_shard_to_the_meter() -> None:
    mapping = of_type("AWS::Lambda::EventSourceMapping")["MeterCostsMapping"]
    assert 0 < mapping["TumblingWindowInSeconds"] <= 900

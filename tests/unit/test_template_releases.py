"""What template.yaml promises about deploying: a new version takes over, or back goes the old."""

import json
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

from tests.expanded import expanded
from tests.template import (
    FUNCTIONS,
    RESOURCES,
    TEMPLATE,
    as_list,
    each_function,
    environment,
    package,
)

SHIFTING = "Canary10Percent5Minutes"
each_way = pytest.mark.parametrize("deployment", ["AllAtOnce", SHIFTING])


def of_type(kind: str, deployment: str = SHIFTING) -> dict[str, Any]:
    resources = expanded(deployment)
    return {name: it["Properties"] for name, it in resources.items() if it["Type"] == kind}


def named_in(value: Any) -> Iterator[str]:
    """What a part of a template refers to: resources, parameters and AWS's own words."""
    if isinstance(value, list):
        for each in value:
            yield from named_in(each)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if name == "Ref":
            yield part
        elif name == "Fn::GetAtt":
            yield part[0] if isinstance(part, list) else part.split(".")[0]
        elif name == "Fn::Sub":
            text, given = (part, {}) if isinstance(part, str) else part
            for found in re.findall(r"\$\{([\w:]+)[.\w]*\}", text):
                if found not in given:
                    yield found
            yield from named_in(given)
        else:
            yield from named_in(part)


# ---- what calls a function


def test_whatever_calls_a_function_calls_the_alias_that_deployments_lead_on() -> None:
    aliases = {f"{name}Aliaslive" for name in FUNCTIONS}

    assert set(of_type("AWS::Lambda::Alias")) == aliases
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionName"]["Ref"] in aliases
    for permission in of_type("AWS::Lambda::Permission").values():
        assert permission["FunctionName"]["Ref"] in aliases
    for schedule in of_type("AWS::Scheduler::Schedule").values():
        assert schedule["Target"]["Arn"]["Ref"] in aliases
    for limits in of_type("AWS::Lambda::EventInvokeConfig").values():
        assert limits["Qualifier"] == "live"
    (api,) = of_type("AWS::ApiGatewayV2::Api").values()
    for methods in api["Body"]["paths"].values():
        for operation in methods.values():
            assert set(named_in(operation["x-amazon-apigateway-integration"])) & aliases


def test_an_operator_replays_through_the_alias_too() -> None:
    for name in ("InboundSms", "InboundChat", "ReceiptsTwilio"):
        value = TEMPLATE["Outputs"][f"{name}FunctionName"]["Value"]
        assert value == {"Ref": f"{name}Function.Alias"}


def test_a_schedule_may_call_the_alias_and_nothing_else() -> None:
    for name, role in of_type("AWS::IAM::Role").items():
        if "scheduler.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
            continue
        (policy,) = role["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Resource"]["Ref"].endswith("Aliaslive"), name


# ---- new versions


@each_function
def test_all_that_makes_a_function_makes_a_new_version_of_it(name: str) -> None:
    assert FUNCTIONS[name]["AutoPublishAliasAllProperties"] is True
    assert RESOURCES["DependenciesLayer"]["Properties"]["PublishLambdaVersion"] is True


@each_function
def test_a_changed_setting_makes_a_new_version(name: str) -> None:
    """SAM does not see it: a parameter's value is not part of the hash it publishes by."""
    number = {"Fn::If": ["OnAws", {"Fn::GetAtt": ["Settings", "VersionNumber"]}, "local"]}
    assert environment(name)["SETTINGS_VERSION"] == number
    assert FUNCTIONS[name]["VersionDescription"] == number
    (version,) = [
        it for it in of_type("AWS::Lambda::Version").values() if it["FunctionName"]["Ref"] == name
    ]
    assert version["Description"] == number


def test_whatever_functions_are_told_is_among_the_settings() -> None:
    told = {word for name in FUNCTIONS for word in named_in(environment(name))}

    content = set(named_in(RESOURCES["Settings"]["Properties"]["Content"]))

    assert content == {word for word in told if not word.startswith("AWS::")} - {"Settings"}


# ---- a deployment that goes wrong


def of_alarms_about(service: str) -> set[str]:
    """The metrics of a function's own that raise alarms."""
    return {
        alarm["MetricName"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if {"Name": "service", "Value": service} in alarm.get("Dimensions", [])
    }


@each_function
def test_a_new_version_that_fails_is_taken_back(name: str) -> None:
    group = of_type("AWS::CodeDeploy::DeploymentGroup")[f"{name}DeploymentGroup"]
    release = f"{name.removesuffix('Function')}ReleaseAlarm"

    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    asked = set(named_in(group["AlarmConfiguration"]["Fn::If"][1]))
    assert release in asked
    dimensions = {it["Name"]: it["Value"] for it in RESOURCES[release]["Properties"]["Dimensions"]}
    assert dimensions == {
        "FunctionName": {"Ref": name},
        "Resource": {"Fn::Sub": f"${{{name}}}:live"},
        # What the old version does wrong must not hold up its successor.
        "ExecutedVersion": {"Fn::GetAtt": [name, "Version.Version"]},
    }


@each_function
def test_who_answers_requests_is_asked_for_5xx_and_refusals_too(name: str) -> None:
    events = FUNCTIONS[name].get("Events", {}).values()
    if not any(event["Type"] == "HttpApi" for event in events):
        return
    asked = FUNCTIONS[name]["DeploymentPreference"]["Alarms"]["Fn::If"][1]
    alarms = [RESOURCES[it["Ref"]]["Properties"] for it in asked]
    counted = {it["MetricName"] for it in alarms}

    assert {"Errors", "ServerErrors"} <= counted
    for other in of_alarms_about(package(name)) & {"MessagesParked", "RejectedSignatures"}:
        assert other in counted
    for alarm in alarms:
        if alarm["MetricName"] != "Errors":
            assert alarm["Dimensions"][0] == {"Name": "service", "Value": package(name)}


def test_who_wants_none_of_it_deploys_all_at_once() -> None:
    kinds = {it["Type"] for it in expanded("AllAtOnce").values()}

    assert not {kind for kind in kinds if kind.startswith("AWS::CodeDeploy::")}
    for alias in expanded("AllAtOnce").values():
        assert "UpdatePolicy" not in alias


# ---- the whole


@each_way
def test_every_name_stands_for_something_and_nothing_needs_itself(deployment: str) -> None:
    resources = expanded(deployment)
    known = {*resources, *TEMPLATE["Parameters"]}
    needs = {}
    for name, resource in resources.items():
        named = {it for it in named_in(resource) if not it.startswith("AWS::")}
        named |= set(as_list(resource.get("DependsOn", [])))
        assert named <= known, f"{name} names {named - known}"
        needs[name] = named & resources.keys()
    assert list(TopologicalSorter(needs).static_order())


@each_way
def test_the_stack_is_well_within_what_cloudformation_takes(deployment: str) -> None:
    assert len(expanded(deployment)) < 400  # of 500
    assert len(json.dumps(expanded(deployment))) < 800_000  # of 1 MB
    assert len(TEMPLATE["Outputs"]) < 150  # of 200

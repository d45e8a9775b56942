"""What template.yaml promises about functions, the API and the whole, which no deployment shows."""

import importlib
import json
import re
from dataclasses import fields

import pytest

from functions.timeline_api import routes
from shared.runtime.settings import SETTINGS
from tests.template import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    ROUTES,
    TEMPLATE,
    each_function,
    environment,
    package,
    setting,
)

# Types that the engine of the one-machine run refuses or has no use for, or that would refuse it:
# the buckets' policies deny plain HTTP.
ON_AWS_ALONE = {
    "AWS::AppConfig::Application",
    "AWS::AppConfig::ConfigurationProfile",
    "AWS::AppConfig::HostedConfigurationVersion",
    "AWS::CloudWatch::InsightRule",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
}
KEPT_WHEN_THE_STACK_GOES = {
    "Table",
    "MailBucket",
    "ContentBucket",
    "KeysSecret",
    "TwilioSecret",
    "ChatSecret",
}


# ---- functions


@each_function
def test_a_function_runs_a_handler_that_imports(name: str) -> None:
    module = importlib.import_module(f"functions.{package(name)}.handler")

    assert callable(module.lambda_handler)


@each_function
def test_a_function_has_a_build_rule_for_its_package(name: str) -> None:
    rules = (ROOT / "infrastructure" / "build.mk").read_text()

    assert f"build-{name}: PACKAGE = {package(name)}\n" in rules
    assert RESOURCES[name]["Metadata"] == {"BuildMethod": "makefile"}


def test_every_function_with_settings_is_deployed() -> None:
    assert sorted(package(name) for name in FUNCTIONS) == sorted(SETTINGS)


@each_function
def test_the_environment_is_what_the_settings_ask_for(name: str) -> None:
    told = {
        variable.lower()
        for variable in environment(name)
        if not variable.startswith("POWERTOOLS_") and variable != "SETTINGS_VERSION"
    }

    assert told == {field.name for field in fields(SETTINGS[package(name)])}


@each_function
def test_a_function_names_itself_in_logs_and_metrics(name: str) -> None:
    variables = environment(name)

    assert variables["POWERTOOLS_SERVICE_NAME"] == package(name)
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Throughline"
    assert variables["POWERTOOLS_LOG_LEVEL"] == "INFO"


@each_function
def test_a_function_has_its_own_log_group_with_an_end_to_its_logs(name: str) -> None:
    log_group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]

    assert RESOURCES[log_group]["Type"] == "AWS::Logs::LogGroup"
    assert RESOURCES[log_group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    users = [
        f for f, it in FUNCTIONS.items() if it["LoggingConfig"]["LogGroup"]["Ref"] == log_group
    ]
    assert users == [name]


@each_function
def test_a_function_has_a_timeout_that_its_caller_outlasts(name: str) -> None:
    is_webhook = any(function == name for function, _ in ROUTES.values())
    is_daily = package(name) == "reconcile"

    # Twilio waits 15 seconds, an HTTP API 30; nobody waits for what is done once a day.
    assert 0 < setting(name, "Timeout") <= (10 if is_webhook else 900 if is_daily else 60)


@each_function
def test_no_secret_is_in_an_environment(name: str) -> None:
    for variable, value in environment(name).items():
        if "SECRET" in variable:
            assert RESOURCES[value["Fn::GetAtt"][0]]["Type"] == "AWS::SecretsManager::Secret"
    assert "{{resolve:secretsmanager" not in json.dumps(TEMPLATE)


# ---- HTTP


def test_there_is_no_catch_all_route() -> None:
    assert not [route for route in ROUTES if "$default" in route or "{proxy" in route]
    assert not any("ANY" in route for route in ROUTES)


def test_the_api_has_the_routes_of_its_function_each_behind_its_scope() -> None:
    scopes = {
        route: event["Auth"]["AuthorizationScopes"]
        for route, (_, event) in ROUTES.items()
        if " /v1/" in route
    }

    assert scopes == {f"{it.method} {it.path}": [it.scope] for it in routes.ROUTES}


def test_no_route_of_the_api_is_behind_anything_but_an_agents_token() -> None:
    for route, (_, event) in ROUTES.items():
        asked = event["Auth"].get("Authorizer", "AgentToken")
        assert asked == ("NONE" if " /webhooks/" in route else "AgentToken"), route
    # What is not in the functions' events is nowhere: the API has no description beside them.
    assert not {"DefinitionBody", "DefinitionUri"} & RESOURCES["Api"]["Properties"].keys()
    apis = [each for each in RESOURCES.values() if "Api" in each["Type"]]
    assert apis == [RESOURCES["Api"]]


def test_a_route_that_names_no_authorizer_needs_an_agents_token() -> None:
    api = RESOURCES["Api"]["Properties"]["Auth"]

    assert api["DefaultAuthorizer"] == "AgentToken"
    assert api["Authorizers"] == {
        "AgentToken": {
            "IdentitySource": "$request.header.Authorization",
            "JwtConfiguration": {"issuer": {"Ref": "Issuer"}, "audience": {"Ref": "Audience"}},
        }
    }


def test_no_token_is_taken_for_want_of_an_audience_or_an_issuer() -> None:
    for name in ("Issuer", "Audience"):
        parameter = TEMPLATE["Parameters"][name]
        assert "Default" not in parameter
        assert not re.fullmatch(parameter["AllowedPattern"], "")


def test_only_webhooks_are_open_and_each_has_a_throttle() -> None:
    open_routes = {r for r, (_, it) in ROUTES.items() if it["Auth"].get("Authorizer") == "NONE"}

    assert open_routes == {route for route in ROUTES if " /webhooks/" in route}
    assert open_routes == set(RESOURCES["Api"]["Properties"]["RouteSettings"])
    assert open_routes | {route for route in ROUTES if " /v1/" in route} == set(ROUTES)


def test_the_access_log_names_the_route_and_nobody() -> None:
    logged = RESOURCES["Api"]["Properties"]["AccessLogSettings"]["Format"]

    assert json.loads(logged)["route"] == "$context.routeKey"
    assert json.loads(logged)["request_id"] == "$context.requestId"
    for personal in ("path", "sourceIp", "authorizer", "identity", "userAgent"):
        assert personal not in logged


# ---- the whole


def test_what_customers_said_outlives_the_stack() -> None:
    for name in KEPT_WHEN_THE_STACK_GOES:
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_the_table_can_be_restored_and_announces_its_changes() -> None:
    table = RESOURCES["Table"]["Properties"]

    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_what_the_local_engine_refuses_is_deployed_on_aws_alone() -> None:
    for name, resource in RESOURCES.items():
        adds_metrics_up = "Metrics" in resource.get("Properties", {})
        refused = resource["Type"] in ON_AWS_ALONE or adds_metrics_up
        assert (resource.get("Condition") in ("OnAws", "OwnRuleSet")) == refused, name


def test_mail_comes_through_a_rule_set_of_our_own_or_the_one_that_is_active() -> None:
    """Activating another would take everybody else's mail away."""
    (written,) = [
        statement["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"]
        for statement in RESOURCES["MailBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    rule = RESOURCES["ReceiptRule"]["Properties"]
    own, given = {"Ref": "ReceiptRuleSet"}, {"Ref": "ReceiptRuleSetName"}

    assert TEMPLATE["Conditions"]["OwnRuleSet"] == {
        "Fn::And": [{"Condition": "OnAws"}, {"Fn::Equals": [given, ""]}]
    }
    assert rule["RuleSetName"] == {"Fn::If": ["OwnRuleSet", own, given]}
    assert "After" not in rule
    assert rule["Rule"]["Recipients"] == [{"Ref": "MailDomain"}]
    assert written[1]["RuleSet"]["Fn::If"][2] == given


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_a_parameter_says_what_it_is_for_and_its_default_is_allowed(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]

    assert parameter["Description"].rstrip().endswith(".")
    if "AllowedPattern" in parameter and "Default" in parameter:
        assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
    if "AllowedValues" in parameter:
        assert parameter["Default"] in parameter["AllowedValues"]


def test_every_parameter_stands_in_a_group_of_the_console() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(p for group in groups for p in group["Parameters"]) == sorted(
        TEMPLATE["Parameters"]
    )


def test_placeholders_are_no_secrets_anybody_could_use() -> None:
    """A token that stands in a public template would let anyone sign as Twilio."""
    twilio = RESOURCES["TwilioSecret"]["Properties"]
    assert "auth_token" not in json.loads(twilio["GenerateSecretString"]["SecretStringTemplate"])
    assert twilio["GenerateSecretString"]["GenerateStringKey"] == "auth_token"
    assert json.loads(RESOURCES["ChatSecret"]["Properties"]["SecretString"]) == {"sites": {}}


def test_no_line_is_hard_to_read() -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()

    one_piece = ("arn:", "SEARCH(", '"markdown"')  # JSON has no way to break a text
    long = [line for line in lines if len(line) > 100]
    assert not [line for line in long if not any(it in line for it in one_piece)]

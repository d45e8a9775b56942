"""What template.yaml promises and no deployment would show: limits, rights, dead letters, alarms."""

import importlib
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.model.events import Change
from shared.runtime.settings import SETTINGS
from shared.store import attributes, items

ROOT = Path(__file__).parents[2]

# Types that the engine of the one-machine run refuses (docs/testing on one machine).
REFUSED_LOCALLY = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Archive",
    "AWS::Events::Connection",
    "AWS::Events::ApiDestination",
    "AWS::Logs::QueryDefinition",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
    "AWS::SecretsManager::RotationSchedule",
}
KEPT_WHEN_THE_STACK_GOES = {"Table", "MailBucket", "ContentBucket", "KeysSecret"}
SCOPES = {
    "timeline:read",
    "timeline:write",
    "messages:send",
    "contacts:write",
    "conversations:write",
}
# SAM's own policy templates that name one resource and no more than their name says.
NARROW_POLICY_TEMPLATES = {
    "AWSSecretsManagerGetSecretValuePolicy",
    "SQSPollerPolicy",
    "SQSSendMessagePolicy",
}


# ---- reading the template


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms written out: `!Ref A` is `{"Ref": "A"}`."""


def _long_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{suffix} holds a map")
    return {name: value}


Loader.add_multi_constructor("!", _long_form)


def load() -> dict[str, Any]:
    template: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506
    return template


TEMPLATE = load()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of one type, by logical id."""
    return {
        name: resource["Properties"] if "Properties" in resource else {}
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


FUNCTIONS = of_type("AWS::Serverless::Function")
MAPPINGS = of_type("AWS::Lambda::EventSourceMapping")
QUEUES = of_type("AWS::SQS::Queue")
DEAD_LETTER_QUEUES = {name for name in QUEUES if name.endswith("DeadLetterQueue")}
RULES = of_type("AWS::Events::Rule")
STREAM_MAPPINGS = {name for name, mapping in MAPPINGS.items() if "StartingPosition" in mapping}
each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_mapping = pytest.mark.parametrize("name", MAPPINGS)
each_stream_mapping = pytest.mark.parametrize("name", sorted(STREAM_MAPPINGS))
each_dead_letter_queue = pytest.mark.parametrize("name", sorted(DEAD_LETTER_QUEUES))
each_rule = pytest.mark.parametrize("name", RULES)


def setting(function: str, key: str) -> Any:
    """A function's property, or what Globals say."""
    return FUNCTIONS[function].get(key, TEMPLATE["Globals"]["Function"].get(key))


def package(function: str) -> str:
    """The package under functions/ that a function runs."""
    match = re.fullmatch(
        r"functions\.(\w+)\.handler\.lambda_handler", FUNCTIONS[function]["Handler"]
    )
    assert match, FUNCTIONS[function]["Handler"]
    return match[1]


def environment(function: str) -> dict[str, Any]:
    variables: dict[str, Any] = dict(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    return variables | FUNCTIONS[function]["Environment"]["Variables"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(function: str) -> list[dict[str, Any]]:
    """What a function may do, beside SAM's own policy templates."""
    return [
        statement
        for policy in FUNCTIONS[function].get("Policies", [])
        if "Statement" in policy
        for statement in policy["Statement"]
    ]


def http_events() -> dict[str, tuple[str, dict[str, Any]]]:
    """Each HTTP route, `POST /webhooks/chat`, with its function and its properties."""
    return {
        f"{event['Properties']['Method']} {event['Properties']['Path']}": (
            name,
            event["Properties"],
        )
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }


ROUTES = http_events()


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
        variable.lower() for variable in environment(name) if not variable.startswith("POWERTOOLS_")
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

    # Twilio waits 15 seconds, an HTTP API 30.
    assert 0 < setting(name, "Timeout") <= (10 if is_webhook else 60)


@each_function
def test_no_secret_is_in_an_environment(name: str) -> None:
    for variable, value in environment(name).items():
        if "SECRET" in variable:
            assert RESOURCES[value["Ref"]]["Type"] == "AWS::SecretsManager::Secret"
    assert "{{resolve:secretsmanager" not in json.dumps(TEMPLATE)


# ---- rights


@each_function
def test_a_function_has_a_role_of_its_own(name: str) -> None:
    assert "Role" not in FUNCTIONS[name]
    for policy in FUNCTIONS[name]["Policies"]:
        assert isinstance(policy, dict), f"{policy} is somebody else's managed policy"
        assert "Statement" in policy or set(policy) <= NARROW_POLICY_TEMPLATES


@each_function
def test_a_function_may_do_named_things_to_named_resources(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert "*" not in action
        for resource in as_list(statement["Resource"]):
            text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
            assert text != "*"
            assert "*" not in text[:-1], (
                f"{text}: a wildcard stands only at the end, under a prefix"
            )


@each_function
def test_nobody_scans_the_table(name: str) -> None:
    actions = {action for it in statements(name) for action in as_list(it["Action"])}

    assert not actions & {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:DeleteTable"}


def test_only_lists_and_the_sweep_read_the_index() -> None:
    readers = {package(f) for f in FUNCTIONS if "/index/GSI1" in json.dumps(statements(f))}

    assert readers == {"timeline_api", "sweep"}


def test_a_role_is_not_widened_by_an_event_source() -> None:
    """SAM gives a function with an SQS or stream event a managed policy over every queue."""
    kinds = {event["Type"] for f in FUNCTIONS.values() for event in f.get("Events", {}).values()}

    assert kinds == {"HttpApi", "ScheduleV2"}


def test_only_named_sources_may_write_to_a_queue_or_topic() -> None:
    policies = of_type("AWS::SQS::QueuePolicy") | of_type("AWS::SNS::TopicPolicy")
    for policy in policies.values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert set(statement["Principal"]) == {"Service"}
            assert "SourceArn" in json.dumps(statement["Condition"])


def test_the_buckets_are_private_and_encrypted() -> None:
    for bucket in of_type("AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
    for policy in of_type("AWS::S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                condition = statement["Condition"]["StringEquals"]
                assert set(condition) == {"AWS:SourceAccount", "AWS:SourceArn"}


# ---- queues, streams and what they could not do


@each_mapping
def test_a_batch_fails_record_by_record(name: str) -> None:
    assert MAPPINGS[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", sorted(MAPPINGS.keys() - STREAM_MAPPINGS))
def test_a_queue_hides_a_message_for_six_times_its_functions_timeout(name: str) -> None:
    queue = QUEUES[MAPPINGS[name]["EventSourceArn"]["Fn::GetAtt"][0]]

    assert queue["VisibilityTimeout"] >= 6 * setting(
        MAPPINGS[name]["FunctionName"]["Ref"], "Timeout"
    )


@pytest.mark.parametrize("name", sorted(QUEUES.keys() - DEAD_LETTER_QUEUES))
def test_a_queue_gives_up_into_a_dead_letter_queue_of_its_own(name: str) -> None:
    redrive = QUEUES[name]["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] == name.replace(
        "Queue", "DeadLetterQueue"
    )
    assert redrive["maxReceiveCount"] >= 3


@each_dead_letter_queue
def test_dead_letters_are_kept_as_long_as_sqs_keeps_anything(name: str) -> None:
    assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600


@each_dead_letter_queue
def test_a_dead_letter_raises_an_alarm_and_is_found_in_the_outputs(name: str) -> None:
    watched = alarms("AWS/SQS", "ApproximateNumberOfMessagesVisible")

    assert {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}} in watched
    assert TEMPLATE["Outputs"][f"{name}Url"]["Value"] == {"Ref": name}


def alarms(namespace: str, metric: str) -> list[dict[str, Any]]:
    """The dimensions that alarms watch a metric at."""
    return [
        dimension
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
        for dimension in alarm["Dimensions"]
    ]


@each_stream_mapping
def test_a_stream_reader_starts_at_the_beginning_and_loses_no_record(name: str) -> None:
    mapping = MAPPINGS[name]

    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["ContentBucket", "Arn"]
    }


@each_stream_mapping
def test_a_stream_reader_that_fails_or_lags_raises_an_alarm(name: str) -> None:
    reader = {"Name": "FunctionName", "Value": MAPPINGS[name]["FunctionName"]}

    assert reader in alarms("AWS/Lambda", "IteratorAge")
    assert reader in alarms("AWS/Lambda", "Errors")


def test_events_are_retried_until_just_before_the_stream_forgets_them() -> None:
    mapping = MAPPINGS["PublishEventsMapping"]

    assert "MaximumRetryAttempts" not in mapping
    assert mapping["MaximumRecordAgeInSeconds"] == 23 * 3600  # the stream keeps 24 hours


def test_every_alarm_reaches_the_operators_topic() -> None:
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}

    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
        assert alarm["TreatMissingData"] == "notBreaching"


# ---- the stream's filters, against what the store writes


def passes(pattern: Any, value: Any) -> bool:
    """Whether an event filter lets a value through (equality and `exists` on leaves)."""
    if isinstance(pattern, list):
        return any(
            (value is not None) is rule["exists"] if isinstance(rule, dict) else value == rule
            for rule in pattern
        )
    return isinstance(value, dict) and all(
        passes(part, value.get(name)) for name, part in pattern.items()
    )


def lets_through(mapping: str, record: dict[str, Any]) -> bool:
    filters = MAPPINGS[mapping]["FilterCriteria"]["Filters"]
    return any(passes(json.loads(it["Pattern"]), record) for it in filters)


def record(item: dict[str, Any], event_name: str = "INSERT") -> dict[str, Any]:
    return {"eventName": event_name, "dynamodb": {"NewImage": attributes.to_wire(item)}}


def test_the_relay_gets_what_is_stamped_with_a_change_and_nothing_else() -> None:
    change = Change(events=("EntryRecorded",), cause="", correlation="c", depth=0, by="")
    stamped = {"PK": "a", "SK": "b", "type": "entry", "change": items.stored_change(change)}

    assert lets_through("PublishEventsMapping", record(stamped))
    assert lets_through("PublishEventsMapping", record(stamped, "MODIFY"))
    assert not lets_through("PublishEventsMapping", record({"PK": "a", "type": "entry"}))
    assert not lets_through("PublishEventsMapping", {"eventName": "REMOVE", "dynamodb": {}})


def test_the_meter_gets_entries_and_cost_lines_once() -> None:
    assert lets_through("MeterCostsMapping", record({"type": "entry"}))
    assert lets_through("MeterCostsMapping", record({"type": "cost_line"}))
    assert not lets_through("MeterCostsMapping", record({"type": "entry"}, "MODIFY"))
    assert not lets_through("MeterCostsMapping", record({"type": "receipt"}))


# ---- HTTP


def test_there_is_no_catch_all_route() -> None:
    assert not [route for route in ROUTES if "$default" in route or "{proxy" in route]
    assert not any("ANY" in route for route in ROUTES)


@pytest.mark.parametrize("route", sorted(route for route in ROUTES if " /v1/" in route))
def test_an_api_route_needs_a_token_with_a_scope(route: str) -> None:
    auth = ROUTES[route][1]["Auth"]
    api = RESOURCES["Api"]["Properties"]["Auth"]

    assert auth.get("Authorizer", api["DefaultAuthorizer"]) in api["Authorizers"]
    assert len(auth["AuthorizationScopes"]) == 1
    assert set(auth["AuthorizationScopes"]) <= SCOPES


def test_only_webhooks_are_open_and_each_has_a_throttle() -> None:
    open_routes = {r for r, (_, it) in ROUTES.items() if it["Auth"].get("Authorizer") == "NONE"}

    assert open_routes == {route for route in ROUTES if " /webhooks/" in route}
    assert open_routes == set(RESOURCES["Api"]["Properties"]["RouteSettings"])
    assert open_routes | {route for route in ROUTES if " /v1/" in route} == set(ROUTES)


def test_the_access_log_names_the_route_and_nobody() -> None:
    logged = RESOURCES["Api"]["Properties"]["AccessLogSettings"]["Format"]

    assert json.loads(logged)["route"] == "$context.routeKey"
    for personal in ("path", "sourceIp", "authorizer", "identity", "userAgent"):
        assert personal not in logged


# ---- events


@each_rule
def test_a_rule_puts_events_on_a_queue_that_lets_it_in(name: str) -> None:
    (target,) = RULES[name]["Targets"]
    queue = target["Arn"]["Fn::GetAtt"][0]

    assert RULES[name]["EventPattern"]["source"] == ["throughline"]
    for queue_name in (queue, target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]):
        policy = of_type("AWS::SQS::QueuePolicy")[f"{queue_name}Policy"]
        assert policy["Queues"] == [{"Ref": queue_name}]
        assert {"Fn::GetAtt": [name, "Arn"]} in as_list(
            policy["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]
        )


def test_a_notification_rule_hands_over_its_constants_and_the_whole_event() -> None:
    event = {"source": "throughline", "detail": {"text": 'no "words" here'}}
    for rule in RULES.values():
        for target in rule["Targets"]:
            if "InputTransformer" not in target:
                continue
            template = target["InputTransformer"]["InputTemplate"]
            handed = json.loads(template.replace("<aws.events.event.json>", json.dumps(event)))
            assert handed.pop("event") == event
            assert handed.keys() == {
                "rule",
                "template",
                "purpose",
                "ladder",
                "wait_seconds",
                "debounce_seconds",
                "urgent",
            }


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
        assert (resource.get("Condition") == "OnAws") == (resource["Type"] in REFUSED_LOCALLY), name


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

    assert not [line for line in lines if len(line) > 100 and "arn:" not in line]

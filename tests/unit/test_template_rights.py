"""What template.yaml lets each function, queue, topic and bucket do: named things to named ones."""

import json

from tests.template import FUNCTIONS, as_list, each_function, of_type, package, statements

# SAM's own policy templates that name one resource and no more than their name says.
NARROW_POLICY_TEMPLATES = {
    "AWSSecretsManagerGetSecretValuePolicy",
    "SQSPollerPolicy",
    "SQSSendMessagePolicy",
}


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

"""Each role, asked what its function asks for in all that befalls it, and what is none of its."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shared.runtime import clients
from tests.faults.account import Account, account
from tests.faults.scenarios import SCENARIOS
from tests.faults.scenarios.scenario import by_schedule
from tests.rights import Asked, asked_by, may, statements_of
from tests.template import FUNCTIONS, package

NAMES = {
    "keys": "KeysSecret",
    "twilio": "TwilioSecret",
    "chat": "ChatSecret",
    "/throughline/public-base-urls": "parameter/AWS-StackName/public-base-urls",
    "content": "ContentBucket",
    "mail": "MailBucket",
    "deliver": "DeliverQueue",
    "notify": "NotifyQueue",
    "throughline": "Bus",
    "support@in.example.com": "MailSender",
}
PACKAGES = [package(name) for name in FUNCTIONS]
SERVICES = ("dynamodb", "s3", "sqs", "events", "sesv2", "secretsmanager", "ssm")
SECRETS = ("KeysSecret", "TwilioSecret", "ChatSecret")


def of_key(action: str, *keys: str, resource: str = "Table") -> Asked:
    return Asked(f"dynamodb:{action}", resource, {"dynamodb:LeadingKeys": keys})


# What no scenario leads to.
RARE: Mapping[str, tuple[Asked, ...]] = {
    "inbound_sms": (Asked("s3:PutObject", "ContentBucket/parked/sms/1.json"),),
    "inbound_chat": (Asked("s3:PutObject", "ContentBucket/parked/chat/1.json"),),
    "receipts_twilio": (Asked("s3:PutObject", "ContentBucket/parked/receipts/1.json"),),
    "unsubscribe": (Asked("s3:PutObject", "ContentBucket/parked/unsubscribe/1.json"),),
    "meter_costs": (Asked("s3:PutObject", "ContentBucket/parked/amounts/1.json"),),
    "sweep": (Asked("s3:DeleteObjectVersion", "ContentBucket/exports/ctc_1.jsonl"),),
}


@pytest.fixture(scope="module")
def asked() -> Iterator[dict[str, set[str]]]:
    """What each function was refused, had its role been asked, in every scenario of the faults."""
    refused: dict[str, set[str]] = {name: set() for name in PACKAGES}
    with account() as made:
        running: list[str] = []
        invoke = made.invoke

        def watched(function: str, event: Any) -> Any:
            running.append(function)
            try:
                return invoke(function, event)
            finally:
                running.pop()

        def note(model: Any, params: Mapping[str, Any], **_: Any) -> None:
            if not running:
                return
            service = model.service_model.service_name
            for each in asked_by(service, model.name, params, NAMES):
                heard.add((running[-1], each.action))
                if not may(running[-1], each):
                    refused[running[-1]].add(str(each))

        heard: set[tuple[str, str]] = set()
        made.invoke = watched  # type: ignore[method-assign]
        for name in SERVICES:
            events = getattr(clients, name)().meta.events
            events.register_first("before-parameter-build.*.*", note)
        empty = made.keep()
        for scenario in SCENARIOS:
            if scenario.function == "timeline_api" and not scenario.name.startswith("GET"):
                continue  # it may do anything with any item
            made.restore(empty)
            scenario.prepare(made)(1)
        made.restore(empty)
        _fees_of_what_was_metered(made)
        assert len(heard) > 70
        yield refused


def _fees_of_what_was_metered(made: Account) -> None:
    (scenario,) = [it for it in SCENARIOS if it.name == "estimates"]
    scenario.prepare(made)(1)
    made.wait(hours=25)
    by_schedule(made, "reconcile", {"run": "fees"})(1)


@pytest.mark.parametrize("function", PACKAGES)
def test_a_role_allows_whatever_its_function_does(
    function: str, asked: dict[str, set[str]]
) -> None:
    assert not asked[function]
    for each in RARE.get(function, ()):
        assert may(function, each), each


# ---- what is none of its


@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_reads_the_secrets_it_is_told_of_and_no_other(function: str) -> None:
    told = {
        "KeysSecret": set(PACKAGES) - {"publish_events", "meter_costs"},
        "TwilioSecret": {
            *("inbound_sms", "receipts_twilio", "fetch_media", "deliver_message", "reconcile")
        },
        "ChatSecret": {"inbound_chat", "deliver_message"},
    }
    for secret in SECRETS:
        reads = may(function, Asked("secretsmanager:GetSecretValue", secret))
        assert reads == (function in told[secret])
        assert not may(function, Asked("secretsmanager:PutSecretValue", secret))


def test_only_those_who_show_or_erase_a_history_may_list_one() -> None:
    lists = {name for name in PACKAGES if may(name, of_key("Query", "CONTACT#ctc_1"))}

    assert lists == {"timeline_api", "sweep"}
    for name in PACKAGES:
        for action in ("Scan", "PartiQLSelect", "DeleteTable", "ExportTableToPointInTime"):
            assert not may(name, of_key(action, "CONTACT#ctc_1"))


@pytest.mark.parametrize(
    ("function", "refused"),
    [
        ("unsubscribe", of_key("GetItem", "CONTACT#ctc_1")),
        ("unsubscribe", of_key("GetItem", "CONVERSATION#cnv_1")),
        ("unsubscribe", of_key("UpdateItem", "IDENTITY#email#1", "MERGE#mrg_1")),
        ("assign_agent", of_key("GetItem", "IDENTITY#email#1")),
        ("assign_agent", of_key("PutItem", "CONTACT#ctc_1", "MERGE#mrg_1")),
        ("fetch_media", of_key("GetItem", "IDENTITY#phone#1")),
        ("fetch_media", of_key("BatchGetItem", "CONTACT#ctc_1", "CONVERSATION#cnv_1")),
        ("meter_costs", of_key("Query", "CONTACT#ctc_1")),
        ("meter_costs", of_key("BatchGetItem", "IDENTITY#phone#1")),
        ("reconcile", of_key("Query", "CONTACT#ctc_1")),
        ("sweep", of_key("Query", "INBOX#open#1", resource="Table/index/GSI1")),
        ("inbound_sms", of_key("DeleteItem", "CONTACT#ctc_1")),
        ("publish_events", of_key("GetItem", "CONTACT#ctc_1")),
        ("inbound_sms", Asked("s3:GetObject", "ContentBucket/bodies/ent_1")),
        ("inbound_email", Asked("s3:GetObject", "ContentBucket/attachments/att_1")),
        ("timeline_api", Asked("s3:GetObject", "MailBucket/inbound/1")),
        ("timeline_api", Asked("s3:GetObject", "ContentBucket/parked/sms/1.json")),
        ("deliver_message", Asked("s3:PutObject", "ContentBucket/bodies/ent_1")),
        ("publish_events", Asked("s3:PutObject", "ContentBucket/parked/sms/1.json")),
        ("sweep", Asked("s3:DeleteObject", "ContentBucket/parked/sms/1.json")),
        (
            "deliver_message",
            Asked("ses:SendEmail", "identity/in.example.com", {"ses:FromAddress": ["a@b.com"]}),
        ),
        ("notify_customer", Asked("sqs:SendMessage", "DeliverQueue")),
        ("inbound_sms", Asked("events:PutEvents", "Bus")),
    ],
)
def test_a_role_refuses_what_is_none_of_its_functions_business(
    function: str, refused: Asked
) -> None:
    assert not may(function, refused)


def test_a_condition_on_keys_is_not_met_by_a_request_without_any() -> None:
    """`ForAllValues` holds of nothing at all: `Null` must stand beside it."""
    for function in PACKAGES:
        for statement in statements_of(function):
            condition = statement.get("Condition", {})
            if "dynamodb:LeadingKeys" in condition.get("ForAllValues:StringLike", {}):
                assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
    assert not may("unsubscribe", of_key("GetItem"))

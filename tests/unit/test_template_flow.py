"""What template.yaml promises about queues, streams and rules: nothing gets lost in between."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.notify_customer.requests import read
from infrastructure.event_schemas import REQUEST
from shared.deliver import Outcome
from shared.fetch_media import TRIES
from shared.model.entry import AuthorType, Channel, Direction, Kind
from shared.model.events import Change, EntryRecorded, Metadata, detail, receipt_changed
from shared.model.identity import IdentityKind, Trust
from shared.model.notification import ORIGIN, Request
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.record import Outcome as Recording
from shared.rules.ladder import FAILURES
from shared.store import attributes, items
from shared.templates import templates
from tests.template import (
    DEAD_LETTER_QUEUES,
    MAPPINGS,
    QUEUES,
    RESOURCES,
    ROOT,
    RULES,
    STREAM_MAPPINGS,
    TEMPLATE,
    as_list,
    called_by,
    lets_through,
    of_type,
    passes,
    setting,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SILENCES = {f"{it}SilentAlarm": f"Silent{it}Minutes" for it in ("Sms", "WhatsApp", "Email", "Chat")}
DELIVERIES = ("DeliverTexts", "DeliverMail", "DeliverChat")
each_stream_mapping = pytest.mark.parametrize("name", sorted(STREAM_MAPPINGS))
each_dead_letter_queue = pytest.mark.parametrize("name", sorted(DEAD_LETTER_QUEUES))


# ---- queues, streams and what they could not do


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_batch_fails_record_by_record(name: str) -> None:
    assert MAPPINGS[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", sorted(MAPPINGS.keys() - STREAM_MAPPINGS))
def test_a_queue_hides_a_message_for_six_times_its_functions_timeout(name: str) -> None:
    queue = QUEUES[MAPPINGS[name]["EventSourceArn"]["Fn::GetAtt"][0]]

    assert queue["VisibilityTimeout"] >= 6 * setting(called_by(name), "Timeout")


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
        for dimension in alarm.get("Dimensions", [])
    ]


def test_a_message_that_left_twice_or_may_not_have_left_raises_an_alarm() -> None:
    for service in ("deliver_message", "receipts_twilio", "reconcile"):
        dimension = {"Name": "service", "Value": service}
        assert dimension in alarms("Throughline", Outcome.DOUBLE)
    assert {"Name": "service", "Value": "deliver_message"} in alarms(
        "Throughline", Outcome.UNCONFIRMED
    )


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
    reader = {"Name": "FunctionName", "Value": {"Ref": called_by(name)}}

    assert reader in alarms("AWS/Lambda", "IteratorAge")
    assert reader in alarms("AWS/Lambda", "Errors")


def test_events_are_retried_until_just_before_the_stream_forgets_them() -> None:
    mapping = MAPPINGS["PublishEventsMapping"]

    assert "MaximumRetryAttempts" not in mapping
    assert mapping["MaximumRecordAgeInSeconds"] == 23 * 3600  # the stream keeps 24 hours


@pytest.mark.parametrize("name", sorted(QUEUES.keys() - DEAD_LETTER_QUEUES))
def test_a_queue_that_nobody_empties_raises_an_alarm(name: str) -> None:
    watched = alarms("AWS/SQS", "ApproximateAgeOfOldestMessage")

    assert {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}} in watched


@each_stream_mapping
def test_a_stream_that_lags_raises_an_alarm_after_5_minutes_and_after_6_hours(name: str) -> None:
    reader = [{"Name": "FunctionName", "Value": {"Ref": called_by(name)}}]
    thresholds = [
        alarm["Threshold"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "IteratorAge" and alarm["Dimensions"] == reader
    ]

    assert sorted(thresholds) == [5 * 60_000, 6 * 3_600_000]


@pytest.mark.parametrize("metric", ["MessagesParked", "RejectedSignatures"])
def test_what_proves_its_sender_raises_an_alarm_when_parked_or_refused(metric: str) -> None:
    channels = {"inbound_sms": "sms", "inbound_chat": "chat", "receipts_twilio": "receipts"}
    if metric == "MessagesParked":  # a link that is not ours leads nowhere, and proves nothing
        channels["unsubscribe"] = "unsubscribe"
    watched = alarms("Throughline", metric)

    for service, channel in channels.items():
        handler = (ROOT / f"functions/{service}/handler.py").read_text()
        assert re.search(rf'proven_webhook\(\s*channel="{channel}"', handler)
        at = watched.index({"Name": "service", "Value": service})
        assert watched[at + 1] == {"Name": "channel", "Value": channel}


def test_what_could_not_be_processed_is_gone_within_the_month_that_an_erasure_may_take() -> None:
    rules = of_type("AWS::S3::Bucket")["ContentBucket"]["LifecycleConfiguration"]["Rules"]
    days = {it["Prefix"]: it["ExpirationInDays"] for it in rules if it["Status"] == "Enabled"}

    assert (days["parked/"], days["aws/lambda/"]) == (30, 30)


@pytest.mark.parametrize("name", SILENCES)
def test_a_channel_that_falls_silent_raises_an_alarm_if_it_is_asked_for(name: str) -> None:
    resource, minutes = RESOURCES[name], SILENCES[name]

    assert TEMPLATE["Parameters"][minutes]["Default"] == 0
    assert resource["Condition"] == f"Watches{name.removesuffix('SilentAlarm')}"
    assert TEMPLATE["Conditions"][resource["Condition"]] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": minutes}, 0]}]
    }
    alarm = resource["Properties"]
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, {"Ref": minutes})
    # CloudWatch looks back a day at most over periods of a minute.
    assert TEMPLATE["Parameters"][minutes]["MaxValue"] * 60 == 24 * 3600


def test_what_is_recorded_is_counted_by_its_channel_from_the_logs() -> None:
    filters = of_type("AWS::Logs::MetricFilter")
    counting = [filters[f"Inbound{name}Recorded"] for name in ("Sms", "Chat", "Email")]

    counted = {it["LogGroupName"]["Ref"] for it in counting}
    assert counted == {f"Inbound{name}LogGroup" for name in ("Sms", "Chat", "Email")}
    for it in counting:
        assert it["FilterPattern"] == f'{{ $.message = "{Recording.RECORDED}" }}'
        (made,) = it["MetricTransformations"]
        assert made["MetricName"] == Recording.RECORDED
        assert made["Dimensions"] == [{"Key": "channel", "Value": "$.channel"}]
    watched = [it["Value"] for it in alarms("Throughline", Recording.RECORDED)]
    assert watched == [Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.CHAT]


def test_who_is_told_to_come_slower_is_counted_from_the_access_log() -> None:
    throttled = of_type("AWS::Logs::MetricFilter")["RequestsThrottled"]
    logged = RESOURCES["Api"]["Properties"]["AccessLogSettings"]

    assert throttled["LogGroupName"] == {"Ref": logged["DestinationArn"]["Fn::GetAtt"][0]}
    assert throttled["FilterPattern"] == '{ $.status = "429" }'
    assert json.loads(logged["Format"])["status"] == "$context.status"
    (made,) = throttled["MetricTransformations"]
    alarm = of_type("AWS::CloudWatch::Alarm")["RequestsThrottledAlarm"]
    assert (alarm["MetricName"], alarm.get("Dimensions")) == (made["MetricName"], None)


def test_a_sweep_that_does_not_run_raises_an_alarm_as_one_that_fails() -> None:
    ran = of_type("AWS::CloudWatch::Alarm")["SweepStoppedAlarm"]

    assert (ran["MetricName"], ran["ComparisonOperator"]) == ("Invocations", "LessThanThreshold")
    assert ran["TreatMissingData"] == "breaching"
    sweep = {"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}
    assert sweep in alarms("AWS/Lambda", "Errors")


def test_every_alarm_reaches_the_operators_topic() -> None:
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}

    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
        silence = {"MonthToDateCostAlarm": "ignore"}  # it is what it was while nobody writes
        means_trouble = name in SILENCES or name == "SweepStoppedAlarm"
        expected = "breaching" if means_trouble else silence.get(name, "notBreaching")
        assert alarm["TreatMissingData"] == expected


# ---- the stream's filters, against what the store writes


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


def conversation(old: dict[str, Any] | None, **new: Any) -> dict[str, Any]:
    kept = {"type": "conversation"}
    event = record(kept | new, "INSERT" if old is None else "MODIFY")
    if old is not None:
        event["dynamodb"]["OldImage"] = attributes.to_wire(kept | old)
    return event


def test_the_meter_gets_a_conversation_that_begins_or_ceases_to_wait() -> None:
    waits = {"waiting_since": "2026-11-20T12:00:00.000Z"}
    assert lets_through("MeterCostsMapping", conversation(None, **waits))
    assert lets_through("MeterCostsMapping", conversation({}, **waits))
    assert lets_through("MeterCostsMapping", conversation(waits))
    assert not lets_through("MeterCostsMapping", conversation({}, assignee="ana"))
    deleted = conversation(waits) | {"eventName": "REMOVE"}
    del deleted["dynamodb"]["NewImage"]
    assert not lets_through("MeterCostsMapping", deleted)


# ---- rules


@pytest.mark.parametrize("name", RULES)
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


def event(**fields: Any) -> dict[str, Any]:
    """An agent's answer by e-mail, as it is on the bus, but for `fields`."""
    facts: dict[str, Any] = {
        "metadata": Metadata(
            id="EntryRecorded:ent_1",
            type="EntryRecorded",
            time=NOW,
            correlation="c",
            depth=0,
            cause="",
        ),
        "entry_id": "ent_1",
        "home_contact_id": "ctc_1",
        "conversation_id": "cnv_1",
        "kind": Kind.MESSAGE,
        "channel": Channel.EMAIL,
        "direction": Direction.OUTBOUND,
        "trust": Trust.VERIFIED,
        "automatic": False,
        "opens_conversation": False,
        "author_type": AuthorType.AGENT,
        "address_kind": IdentityKind.EMAIL,
        "occurred_at": NOW,
        "status": "",
        "files_elsewhere": False,
    }
    recorded = EntryRecorded(**facts | fields)
    return {
        "source": recorded.metadata.source,
        "detail-type": recorded.metadata.type,
        "detail": json.loads(json.dumps(detail(recorded))),
    }


def matches(rule: str, recorded: dict[str, Any]) -> bool:
    return passes(RULES[rule]["EventPattern"], recorded)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("kind", [Kind.MESSAGE, Kind.NOTIFICATION])
def test_whatever_is_written_to_a_customer_is_handed_out(channel: Channel, kind: Kind) -> None:
    queues = [name for name in DELIVERIES if matches(name, event(channel=channel, kind=kind))]

    assert len(queues) == 1


def test_what_came_in_or_stays_inside_is_not_handed_out() -> None:
    for name in DELIVERIES:
        for channel in Channel:
            assert not matches(name, event(channel=channel, direction=Direction.INBOUND))
            assert not matches(name, event(channel=channel, direction=Direction.INTERNAL))
            assert not matches(name, event(channel=channel, kind=Kind.NOTE))


def test_only_texts_that_came_with_files_elsewhere_have_them_fetched() -> None:
    came: dict[str, Any] = {"direction": Direction.INBOUND, "files_elsewhere": True}

    for channel in (Channel.SMS, Channel.WHATSAPP):
        assert matches("FetchMedia", event(**came, channel=channel))
        assert not matches("FetchMedia", event(direction=Direction.INBOUND, channel=channel))
    assert not matches("FetchMedia", event(**came))


def test_a_file_is_given_up_on_the_try_after_which_its_queue_would_give_up() -> None:
    assert QUEUES["FetchMediaQueue"]["RedrivePolicy"]["maxReceiveCount"] == TRIES


def test_each_provider_has_a_queue_and_a_concurrency_of_its_own() -> None:
    channels = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.CHAT)
    rules = [next(n for n in DELIVERIES if matches(n, event(channel=it))) for it in channels]

    assert rules == ["DeliverTexts", "DeliverTexts", "DeliverMail", "DeliverChat"]
    for name in ("Deliver", *DELIVERIES):
        mapping = MAPPINGS[f"{name}Mapping"]
        assert mapping["EventSourceArn"] == {"Fn::GetAtt": [f"{name}Queue", "Arn"]}
        assert called_by(f"{name}Mapping") == "DeliverMessageFunction"
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10


def test_an_agents_answer_by_mail_is_announced_and_nothing_a_machine_wrote() -> None:
    assert matches("AgentAnswered", event())
    assert not matches("AgentAnswered", event(channel=Channel.SMS))
    assert not matches("AgentAnswered", event(direction=Direction.INBOUND))
    assert not matches("AgentAnswered", event(automatic=True))
    assert not matches("AgentAnswered", event(author_type=AuthorType.SYSTEM))
    assert not matches("AgentAnswered", event(kind=Kind.NOTIFICATION))


def test_a_mail_that_opens_a_conversation_is_acknowledged_unless_a_machine_wrote_it() -> None:
    came: dict[str, Any] = {"direction": Direction.INBOUND, "author_type": AuthorType.CUSTOMER}
    opened = came | {"opens_conversation": True}

    assert matches("TicketOpened", event(**opened))
    assert not matches("TicketOpened", event(**came))
    assert not matches("TicketOpened", event(**opened, automatic=True))
    assert not matches("TicketOpened", event(**opened, channel=Channel.SMS))
    assert not matches("TicketOpened", event(opens_conversation=True))


@pytest.mark.parametrize(
    ("rule", "kind", "status"),
    [
        ("OrderShipped", Kind.ORDER, "shipped"),
        ("OrderDelivered", Kind.ORDER, "delivered"),
        ("MissedCall", Kind.CALL, "missed-call"),
        ("MissedCall", Kind.EVENT, "missed-call"),
    ],
)
def test_what_shops_and_phones_tell_of_is_announced(rule: str, kind: Kind, status: str) -> None:
    told: dict[str, Any] = {
        "kind": kind,
        "channel": Channel.ORDER,
        "direction": Direction.INBOUND,
        "author_type": AuthorType.CUSTOMER,
    }
    assert matches(rule, event(**told, status=status))
    assert not matches(rule, event(**told, status="placed"))
    assert not matches(rule, event(status=status))


def test_only_a_notifications_failure_leads_to_its_next_rung() -> None:
    def failed(state: ReceiptState, *, ladder: bool) -> bool:
        key = ReceiptKey(home="ctc_1", at=NOW, entry_id="ent_1")
        receipt = Receipt(key=key, state=state, steps={state: NOW}, channel="sms")
        receipt = replace(receipt, ladder_id="ctc_1#rule#cnv_1" if ladder else "")
        changed = detail(receipt_changed(receipt, Change(events=("ReceiptChanged",))))
        return passes(
            RULES["NextRung"]["EventPattern"],
            {"source": "throughline", "detail-type": "ReceiptChanged", "detail": changed},
        )

    assert {s for s in ReceiptState if failed(s, ladder=True)} == FAILURES
    assert not any(failed(state, ladder=False) for state in ReceiptState)


NOTIFICATION_RULES = sorted(n for n, it in RULES.items() if "InputTransformer" in it["Targets"][0])


@pytest.mark.parametrize("name", NOTIFICATION_RULES)
def test_a_notification_rule_asks_for_what_notify_customer_understands(name: str) -> None:
    (target,) = RULES[name]["Targets"]
    template = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
    template = template.replace("${DebounceSeconds}", "60")
    body = template.replace("<aws.events.event.json>", json.dumps(event()))

    request = read(body)

    assert isinstance(request, Request)
    assert request.cause.id == "EntryRecorded:ent_1"
    assert Draft202012Validator(json.loads(REQUEST.read_text())).is_valid(json.loads(body))
    for rung in request.ladder:
        channel = Channel.EMAIL if rung == ORIGIN else Channel(rung)
        facts = {"reference": "#7Q4K-2M", "order": "1042", "name": ""}
        assert templates().render(request.template, channel, "", facts).text

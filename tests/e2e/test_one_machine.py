"""The one-machine run itself: its starts, its stops, and what it keeps in between."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from infrastructure.local import story
from infrastructure.local.aws import LocalAws
from infrastructure.local.entrances import Entrances
from tests.e2e.machine import Machine, free_ports

WITHIN = 20  # seconds in which an event or a message must have come through


@pytest.fixture
def announced(hub: dict[str, Any]) -> Iterator["Announced"]:
    listener = Announced(hub)
    yield listener
    listener.close()


class Announced:
    """Counts the bus's EntryRecorded events by entry, in a queue that lives on with the hub."""

    def __init__(self, hub: dict[str, Any]) -> None:
        aws = LocalAws(hub["aws"]["endpoint_url"])
        self.bus, self.rule = hub["aws"]["bus"], "one-machine-test"
        self.events, self.sqs = aws.client("events"), aws.client("sqs")
        self.queue: str = self.sqs.create_queue(QueueName=self.rule)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.queue, AttributeNames=["QueueArn"]
        )["Attributes"]
        pattern = json.dumps({"detail-type": ["EntryRecorded"]})
        self.events.put_rule(Name=self.rule, EventBusName=self.bus, EventPattern=pattern)
        self.events.put_targets(
            Rule=self.rule,
            EventBusName=self.bus,
            Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}],
        )
        self.counted: Counter[str] = Counter()

    def times(self, entry_id: str) -> int:
        """How often the entry was announced, once it was or time is up."""
        deadline = time.monotonic() + WITHIN
        while not self.counted[entry_id] and time.monotonic() < deadline:
            self.read()
        self.read()  # what comes twice comes at once
        return self.counted[entry_id]

    def read(self) -> None:
        messages = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages", [])
        for message in messages:
            detail = json.loads(message["Body"])["detail"]
            self.counted[detail["entry_id"]] += 1
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def close(self) -> None:
        self.events.remove_targets(Rule=self.rule, EventBusName=self.bus, Ids=["queue"])
        self.events.delete_rule(Name=self.rule, EventBusName=self.bus)
        self.sqs.delete_queue(QueueUrl=self.queue)


def write_note(entrances: Entrances, text: str) -> str:
    """A note on the story's customer; returns its entry's id."""
    contact = story.find_contact(entrances, story.customer(0))
    assert contact is not None
    answer = entrances.api("POST", f"/v1/contacts/{contact['id']}/notes", body={"text": text})
    return str(story.accepted(answer).json()["id"])


def test_the_story_is_told_to_its_end_and_the_hub_offers_what_programs_need(
    machine: Machine, hub: dict[str, Any]
) -> None:
    assert "What went out through the providers:" in machine.output()
    assert stat.S_IMODE(machine.hub_file.stat().st_mode) == 0o600
    assert hub.keys() == {
        "api_url", "token", "tokens", "twilio", "chat", "mail", "outbox_url", "aws"
    }  # fmt: skip


def test_the_pasted_curl_works(machine: Machine) -> None:
    [line] = [line for line in machine.output().splitlines() if line.startswith("  curl ")]
    answer = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(answer.stdout)["items"]


def test_a_stopped_hub_leaves_nothing_running_and_comes_back_with_its_data(
    machine: Machine, entrances: Entrances, announced: Announced
) -> None:
    before = write_note(entrances, "written well before the stop")
    assert announced.times(before) == 1
    last = write_note(entrances, "written just before the stop")

    assert machine.stop(signal.SIGINT) == 0
    assert machine.processes() == []
    assert not machine.hub_file.exists()
    assert not (machine.directory / "tmp").exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", machine.port)) != 0

    assert machine.start() < 30
    after = write_note(entrances, "written after the start")
    contact = story.find_contact(entrances, story.customer(0))
    assert contact is not None
    kept = [entry["id"] for entry in story.timeline(entrances, contact["id"])]
    assert kept[-3:] == [before, last, after]
    assert [announced.times(entry) for entry in (before, last, after)] == [1, 1, 1]


@pytest.mark.parametrize("taken", [0, 1], ids=["the engine's", "the stand-ins'"])
def test_a_port_in_use_is_one_clear_line_and_nothing_is_left_running(
    another_machine: Machine, taken: int
) -> None:
    port = another_machine.port + taken
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", port))
        occupant.listen()
        assert another_machine.launch().wait(WITHIN) != 0
    [line] = another_machine.output().splitlines()
    assert line.startswith(f"throughline: port {port} is in use")
    assert another_machine.processes() == []


def test_a_second_hub_at_the_same_place_is_refused(machine: Machine) -> None:
    second = Machine(machine.directory, free_ports())
    assert second.launch().wait(WITHIN) != 0
    [line] = second.output().splitlines()
    assert "is already running" in line
    assert requests.get(machine.hub["outbox_url"], timeout=5).ok


def test_an_engine_that_dies_ends_the_run_with_one_clear_line(another_machine: Machine) -> None:
    run = another_machine.launch()
    deadline = time.monotonic() + WITHIN
    while not (engine := [each for each in another_machine.processes() if "engine_pro" in each]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(int(engine[0].split()[0]), signal.SIGKILL)
    assert run.wait(WITHIN) != 0
    assert "throughline: the engine ended by itself" in another_machine.output().splitlines()[-1]
    assert another_machine.processes() == []

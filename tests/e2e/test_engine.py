"""The engine's own mending: a table's stream outlives a restart."""

import io
import os
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

from infrastructure.local.engine import Engine
from infrastructure.local.place import Place
from tests.e2e.machine import free_ports

WITHIN = 15  # seconds
READER = """
from pathlib import Path

def read(event, context):
    if Path({broken!r}).exists():
        raise RuntimeError("broken for now")
    with Path({read!r}).open("a") as file:
        for record in event["Records"]:
            file.write(record["dynamodb"]["Keys"]["PK"]["S"])
"""


def test_a_stream_loses_and_repeats_nothing_over_a_restart(tmp_path: Path) -> None:
    broken, read = tmp_path / "broken", tmp_path / "read"
    read.touch()
    port = free_ports()
    engine = start(tmp_path, port)
    try:
        make_table_with_reader(engine, READER.format(broken=str(broken), read=str(read)))
        for key in "abc":
            put(engine, key)
        assert wait_for(read, "abc") == "abc"
        broken.touch()
        put(engine, "d")
        engine.stop()
        broken.unlink()
        engine = start(tmp_path, port)
        put(engine, "e")
        assert wait_for(read, "abcde") == "abcde"
        engine.stop()
        engine = start(tmp_path, port)
        put(engine, "f")
        assert wait_for(read, "abcdef") == "abcdef"
    finally:
        engine.stop()


def test_an_engine_killed_while_it_saves_comes_back_whole(tmp_path: Path) -> None:
    read = tmp_path / "read"
    read.touch()
    port = free_ports()
    engine = start(tmp_path, port)
    try:
        make_table_with_reader(engine, READER.format(broken=str(tmp_path / "no"), read=str(read)))
        put(engine, "a")
        assert wait_for(read, "a") == "a"
        engine.stop()
        engine = start(tmp_path, port)
        for number in range(20):  # so that it takes a while to write
            put(engine, "b", number=number)
        assert wait_for(read, "a" + "b" * 20) == "a" + "b" * 20
        kill_while_saving(engine, tmp_path)
        engine = start(tmp_path, port)
        put(engine, "c")
        assert wait_for(read, "a" + "b" * 20 + "c") == "a" + "b" * 20 + "c"
    finally:
        engine.stop()


def test_a_queue_is_read_when_the_engine_has_moved_to_another_port(tmp_path: Path) -> None:
    read = tmp_path / "read"
    read.touch()
    source = f"""
def read(event, context):
    with open({str(read)!r}, "a") as file:
        file.write("".join(record["body"] for record in event["Records"]))
"""
    engine = start(tmp_path, free_ports())
    try:
        sqs = engine.aws.client("sqs")
        url = sqs.create_queue(QueueName="moved")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        make_reader(engine, source, asked["Attributes"]["QueueArn"])
        engine.stop()
        engine = start(tmp_path, free_ports())
        sqs = engine.aws.client("sqs")
        url = sqs.get_queue_url(QueueName="moved")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="a")
        assert wait_for(read, "a") == "a"
    finally:
        engine.stop()


def kill_while_saving(engine: Engine, directory: Path) -> None:
    process, saving = engine._process, Place(directory).engine_state / "saving"
    assert process
    assert process.stdin
    engine._stopping = True  # or its watcher would end this process
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + WITHIN
    while not saving.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    assert saving.exists()


def start(directory: Path, port: int) -> Engine:
    engine = Engine(Place(directory), port, mail_url="http://127.0.0.1:9")
    engine.start()
    return engine


def make_table_with_reader(engine: Engine, source: str) -> None:
    stream = engine.aws.client("dynamodb").create_table(
        TableName="streamed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    make_reader(engine, source, stream, StartingPosition="LATEST")


def make_reader(engine: Engine, source: str, read_from: str, **mapping: Any) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("reader.py", source)
    functions = engine.aws.client("lambda")
    functions.create_function(
        FunctionName="reader",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/reader",
        Handler="reader.read",
        Code={"ZipFile": archive.getvalue()},
    )
    functions.create_event_source_mapping(
        EventSourceArn=read_from, FunctionName="reader", **mapping
    )


def put(engine: Engine, key: str, *, number: int = 0) -> None:
    item = {"PK": {"S": key}, "words": {"S": str(number % 10) * 300_000}}
    engine.aws.client("dynamodb").put_item(TableName="streamed", Item=item)


def wait_for(file: Path, expected: str) -> str:
    """What the file holds once it is as long as expected, and a moment later."""
    deadline = time.monotonic() + WITHIN
    while len(file.read_text()) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    return file.read_text()

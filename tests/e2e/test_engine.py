"""The engine's own mending: a table's stream outlives a restart."""

import io
import time
import zipfile
from pathlib import Path

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
        EventSourceArn=stream, FunctionName="reader", StartingPosition="LATEST"
    )


def put(engine: Engine, key: str) -> None:
    engine.aws.client("dynamodb").put_item(TableName="streamed", Item={"PK": {"S": key}})


def wait_for(file: Path, expected: str) -> str:
    """What the file holds once it is as long as expected, and a moment later."""
    deadline = time.monotonic() + WITHIN
    while len(file.read_text()) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    return file.read_text()

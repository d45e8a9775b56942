"""`python -m infrastructure.restore FROM [--stack NAME]`, what `make restore` calls.

Puts back into the hub's table what the table FROM, restored from a backup of it, has beyond it, and
announces the mail that has come since the backup once more. Without a stack it is the hub on this
machine; with one it takes cloudformation:DescribeStacks; dynamodb:DescribeTable and Scan on FROM,
GetItem and PutItem on the stack's table; s3:ListBucket on the mail bucket and sqs:SendMessage.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.local.console import HubError, say
from infrastructure.local.place import ROOT
from infrastructure.parked.__main__ import where
from infrastructure.parked.item import Hub
from shared.model.errors import UnavailableError
from shared.restore import restore
from shared.store.restoring import read_all
from shared.store.table import Table

# What a mail stored just before the backup led to may have been written just after it.
_EARLIER = timedelta(hours=1)


def main() -> int:
    options = parse()
    try:
        hub = where(options.stack, options.directory)
        since = backed_up_at(hub, options.backup)
        table = Table(hub.client("dynamodb"), hub.outputs["TableName"], b"")
        backup = read_all(hub.client("dynamodb"), options.backup)
        restored = restore(table, backup, now=datetime.now(UTC))
        say(f"{restored.put_back} items put back, {restored.left_out} left as they are.")
        say(f"{announce(hub, since)} mails announced again.")
    except (HubError, ClientError, BotoCoreError, UnavailableError) as error:
        print(f"throughline: {error}", file=sys.stderr)
        return 1
    return 0


def backed_up_at(hub: Hub, backup: str) -> datetime:
    """What moment a restored table shows. Raises HubError for any other table."""
    told = hub.client("dynamodb").describe_table(TableName=backup)["Table"]
    if "RestoreSummary" not in told or backup == hub.outputs["TableName"]:
        raise HubError(f"{backup} is no table that was restored from a backup")
    at: datetime = told["RestoreSummary"]["RestoreDateTime"]
    return at


def announce(hub: Hub, since: datetime) -> int:
    """Tell inbound_email of the mail stored since then; what it knows already it counts once."""
    sqs, queue = hub.client("sqs"), hub.outputs["MailQueueUrl"]
    keys = list(stored(hub, since - _EARLIER))
    for key in keys:
        place = {
            "bucket": {"name": hub.outputs["MailBucketName"]},
            "object": {"key": quote_plus(key)},
        }
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [{"s3": place}]}))
    return len(keys)


def stored(hub: Hub, since: datetime) -> Iterator[str]:
    pages = hub.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=hub.outputs["MailBucketName"], Prefix="inbound/"):
        yield from (it["Key"] for it in page.get("Contents", []) if it["LastModified"] >= since)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infrastructure.restore")
    parser.add_argument("backup", help="the restored table")
    parser.add_argument("--stack", default="", help="a stack of your AWS account")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="the hub's own")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

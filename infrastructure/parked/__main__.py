"""`python -m infrastructure.parked [ID] [--replay [--all]] [--stack NAME]`: see `make help`.

Without a stack it reads the hub that runs on this machine, with one the AWS account that the
environment is signed in to. That takes cloudformation:DescribeStacks; s3:ListBucket, GetObject and
DeleteObject on the content bucket, GetObject on the mail bucket; sqs:ReceiveMessage, SendMessage,
DeleteMessage and ChangeMessageVisibility; lambda:InvokeFunction; events:PutEvents.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.local import hub as local
from infrastructure.local.aws import LocalAws
from infrastructure.local.console import HubError, say
from infrastructure.local.place import ROOT, Place
from infrastructure.parked.bucket import in_bucket
from infrastructure.parked.item import Hub, Kept
from infrastructure.parked.queues import in_queues


def main() -> int:
    options = parse()
    try:
        with kept(where(options.stack, options.directory)) as found:
            if options.replay:
                return replay(choose(found, "" if options.all else options.id))
            if options.id:
                look(*choose(found, options.id))
            else:
                show(found)
    except (HubError, ClientError, BotoCoreError) as error:
        print(f"throughline: {error}", file=sys.stderr)
        return 1
    return 0


def where(stack: str, directory: Path) -> Hub:
    """The stack of this name in the AWS account, else the hub on this machine."""
    if not stack:
        aws = LocalAws(local.running(Place(directory.resolve()))["aws"]["endpoint_url"])
        return Hub(outputs=aws.outputs(), client=cache(aws.client))
    stacks = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stacks[0].get("Outputs", [])}
    if "ContentBucketName" not in outputs:
        raise HubError(f"the stack {stack} is no hub: it has no output ContentBucketName")
    return Hub(outputs=outputs, client=cache(boto3.client))


@contextmanager
def kept(hub: Hub) -> Iterator[list[Kept]]:
    """Everything that could not be processed, the oldest first."""
    with in_queues(hub) as dead:
        yield sorted([*in_bucket(hub), *dead], key=lambda item: item.at)


def choose(found: Sequence[Kept], item_id: str) -> list[Kept]:
    """What has this id, or all without one. Raises HubError when there is none."""
    chosen = [item for item in found if item_id in ("", item.id)]
    if item_id and not chosen:
        raise HubError(f"nothing is parked as {item_id}; `make parked` lists what is")
    return chosen


def show(found: Sequence[Kept]) -> None:
    if not found:
        say("Nothing is parked.")
        return
    rows = [("WHEN (UTC)", "CHANNEL", "WHY", "ID")]
    rows += [(f"{it.at:%Y-%m-%d %H:%M:%S}", it.channel, it.reason[:60], it.id) for it in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(harmless("  ".join(cells).rstrip()))


def look(item: Kept) -> None:
    say(harmless(f"{item.id}, {item.at:%Y-%m-%d %H:%M:%S} UTC: {item.reason}\n\n{item.look()}"))


def replay(chosen: Sequence[Kept]) -> int:
    """Replay each; 1 if any could not be."""
    failures = 0
    for item in chosen:
        failed = item.replay()
        failures += bool(failed)
        say(harmless(f"{item.id}: {f'still not, {failed}' if failed else 'replayed'}"))
    say(f"{len(chosen) - failures} of {len(chosen)} replayed.")
    return int(failures > 0)


def harmless(text: str) -> str:
    """Without what could steer a terminal: strangers wrote this."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infrastructure.parked")
    parser.add_argument("id", nargs="?", default="", help="look at this one, or replay it")
    parser.add_argument("--replay", action="store_true", help="bring it the ordinary way again")
    parser.add_argument("--all", action="store_true", help="with --replay: all there is")
    parser.add_argument("--stack", default="", help="a stack of your AWS account")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="the hub's own")
    options = parser.parse_args()
    if options.replay and bool(options.id) == options.all:
        parser.error("name one to replay (ID=…), or all of them (ALL=1)")
    return options


if __name__ == "__main__":
    sys.exit(main())

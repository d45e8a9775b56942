"""`python -m infrastructure.costs [MONTH] [--billed USD] [--stack NAME] [--csv FILE]`.

That is what `make costs` calls. Without a stack it reads the hub that runs on this machine, with
one the AWS account that the environment is signed in to; that takes dynamodb:Scan and
cloudformation:DescribeStacks. To book what AWS billed takes dynamodb:Query and dynamodb:PutItem.
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.costs.statement import statement, write_csv
from infrastructure.local import hub
from infrastructure.local.aws import STACK, LocalAws
from infrastructure.local.console import HubError
from infrastructure.local.place import ROOT, Place
from shared.billing import book_bill, on_the_bill
from shared.model.cost import Price
from shared.model.errors import ThroughlineError
from shared.rate_card import rate_card
from shared.store.books import Books, read_books
from shared.store.table import Table


def main() -> int:
    options = parse()
    try:
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", options.month):
            raise HubError(f"MONTH={options.month} is no month, such as 2026-11")
        client, table = where(options)
        books = read_books(client, table, options.month)
        if options.billed:
            book(books, options, Table(client, table, b""))
        if options.csv:
            with options.csv.open("w", encoding="utf-8", newline="") as file:
                write_csv(books, options.month, file)
    except (HubError, ThroughlineError, ClientError, BotoCoreError, OSError) as error:
        print(f"throughline: {error}", file=sys.stderr)
        return 1
    name = options.stack or f"{STACK} on this machine"
    print(statement(books, options.month, stack=name, now=datetime.now(UTC)), end="")
    if options.csv:
        print(f"\nEvery line is in {options.csv}.")
    return 0


def book(books: Books, options: argparse.Namespace, table: Table) -> None:
    """Put AWS's bill of the month into the books."""
    now = datetime.now(UTC)
    held = sum(on_the_bill(books.lines.values()))
    billed = Price(options.billed, "USD")
    line = book_bill(options.month, billed, held, table=table, card=rate_card(), now=now)
    if line:
        books.bill[line.id] = line


def where(options: argparse.Namespace) -> tuple[Any, str]:
    """A client of DynamoDB, and the table's name."""
    if not options.stack:
        told = hub.running(Place(options.directory.resolve()))["aws"]
        return LocalAws(told["endpoint_url"]).client("dynamodb"), told["table"]
    stacks = boto3.client("cloudformation").describe_stacks(StackName=options.stack)["Stacks"]
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stacks[0].get("Outputs", [])}
    if "TableName" not in outputs:
        raise HubError(f"the stack {options.stack} is no hub: it has no output TableName")
    return boto3.client("dynamodb"), outputs["TableName"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infrastructure.costs")
    parser.add_argument("month", nargs="?", default=f"{datetime.now(UTC):%Y-%m}")
    parser.add_argument("--billed", default="", help="what AWS billed for the month, in USD")
    parser.add_argument("--stack", default="", help="a stack of your AWS account")
    parser.add_argument("--csv", type=Path, help="write every line to this file")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="the hub's own")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

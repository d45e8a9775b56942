"""Take one guard of the table away at a time, and see what breaks.

`python -m tests.guards` from the project's root tells each guard's history (`tests/guarded.py`)
with it, when all must hold, and without it, when a property of `tests/world.py` must break; it
prints the rows of decision 5. Words as arguments choose the guards whose names hold one of them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

import boto3
from moto import mock_aws

from shared.store.bodies import Bodies
from shared.store.table import Leg, Table
from tests.cheap_moto import cheap_moto
from tests.conftest import BUCKET, IDENTITY_KEY, REGION
from tests.guarded import GUARDS, Guard
from tests.story import Story, new_story
from tests.table_schema import create_table


class NeverMetError(Exception):
    """The history did not come to the guard's transaction: it shows nothing."""


def tell(story: Story, guard: Guard, *, guarded: bool) -> None:
    """Tell a guard's history, with the guard or without. Raises whatever breaks."""
    write: Callable[..., None] = Table.write
    met = False

    def mutated(table: Table, *legs: Leg) -> None:
        nonlocal met
        stands = guard.stands_in(legs)
        if stands and acting and not met:
            met = True
            _do(story, guard.meanwhile)
        write(table, *(legs if guarded or not stands else guard.without(legs)))
        if len(legs) > 1:
            story.watch(each_write=True)

    acting = False
    with patch.object(Table, "write", mutated):
        _do(story, guard.before)
        acting = True
        _do(story, guard.act)
    if not met:
        raise NeverMetError
    story.check(Random(7))


def _do(story: Story, script: str) -> None:
    for line in filter(None, map(str.strip, script.split(";"))):
        verb, *numbers = line.split()
        one, two = (*map(int, numbers), 0)[:2]
        if verb == "day":
            story.sweep()
            story.day += one
        else:
            story.operation((verb, one, two))()


def what_breaks(guard: Guard, table: Table, bodies: Bodies) -> str:
    """What the guard's history breaks without it, "" for nothing. With it nothing may break."""
    with new_story(table, bodies) as story:
        tell(story, guard, guarded=True)
    try:
        with new_story(table, bodies) as story:
            tell(story, guard, guarded=False)
    except NeverMetError:
        raise
    except AssertionError as error:
        return (str(error) or "what is open is another person's").splitlines()[0]
    except Exception as error:  # noqa: BLE001 what was read makes no sense to the code
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


@contextmanager
def engine() -> Iterator[tuple[Table, Bodies]]:
    """A table and a bucket in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "testing"
    with mock_aws(), cheap_moto():
        client = boto3.client("dynamodb", region_name=REGION)
        create_table(client, "guards")
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket=BUCKET)
        yield Table(client, "guards", IDENTITY_KEY), Bodies(lambda: s3, BUCKET)


def main(words: list[str]) -> int:
    """Print a row a guard; fail if one is not missed."""
    unnoticed = 0
    with engine() as (table, bodies):
        for name, guard in GUARDS.items():
            if words and not any(word in name for word in words):
                continue
            try:
                broke = what_breaks(guard, table, bodies)
            except NeverMetError:
                broke = "**never met**"
            except Exception as error:  # noqa: BLE001 a row all the same
                broke = f"**with it**: {type(error).__name__}: {error}".splitlines()[0]
            unnoticed += not broke or "**" in broke
            print(f"| {name} | {broke or '**not noticed**'} |", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

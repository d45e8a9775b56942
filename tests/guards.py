"""Remove one guard of the table at a time, and show that the random histories notice.

Run `python -m tests.guards` from the project's root; docs/decisions/0005 keeps what it printed.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from random import Random
from unittest.mock import patch

import boto3
from moto import mock_aws

from shared.store.bodies import Bodies
from shared.store.table import Check, Leg, Put, Table, Update
from tests.conftest import IDENTITY_KEY, REGION
from tests.integration.test_identity_worlds import Operation, new_story, tell
from tests.table_schema import create_table

WORLDS = 200
_VERBS = ["message"] * 3 + ["again", "reply", "merge", "undo", "split", "resolve", "join"]

Mutation = Callable[[Leg], Leg | None]


def _without(text: str, *, key: str, kind: type[Leg]) -> Mutation:
    """Drop one part of the condition of the legs of a kind on a kind of item."""

    def mutate(leg: Leg) -> Leg:
        if isinstance(leg, kind) and leg.key.sk.startswith(key) and text in leg.condition:
            kept = [part for part in leg.condition.split(" AND ") if text not in part]
            used = {name: value for name, value in leg.values.items() if _used(name, leg, kept)}
            changed = replace(leg, condition=" AND ".join(kept), values=used)
            if isinstance(changed, Update | Check):
                names = {n: v for n, v in changed.names.items() if _used(n, leg, kept)}
                changed = replace(changed, names=names)
            return changed
        return leg

    return mutate


def _used(name: str, leg: Leg, conditions: list[str]) -> bool:
    text = " ".join(conditions) + " " + (leg.expression if isinstance(leg, Update) else "")
    return any(word.strip("(),") == name for word in text.replace(".", " ").split())


def _dropped(*, key: str, kind: type[Leg]) -> Mutation:
    """Leave out the legs of a kind on a kind of item."""

    def mutate(leg: Leg) -> Leg | None:
        return None if isinstance(leg, kind) and leg.key.sk.startswith(key) else leg

    return mutate


GUARDS: dict[str, Mutation] = {
    "the delivery marker is new": _without("attribute_not_exists(PK)", key="DELIVERY", kind=Put),
    "a new address is new": _without("attribute_not_exists(PK)", key="IDENTITY", kind=Put),
    "a message goes to its address's home": _without("home = :home", key="IDENTITY", kind=Update),
    "another home's conversation needs the root's word": _dropped(key="PROFILE", kind=Check),
    "a conversation that goes on is open": _without(
        "attribute_not_exists(resolved_at)", key="CONVERSATION", kind=Update
    ),
    "a default conversation is the only one": _without(
        "size(#open) = :none", key="PROFILE", kind=Update
    ),
    "a merge finds both roots as they were seen": _without(
        "rev = :seen", key="PROFILE", kind=Update
    ),
    "an undo finds the participants it saw": _without(
        "#parts = :parts", key="CONVERSATION", kind=Update
    ),
    "a split finds the count of messages it saw": _without(
        "n = :seen", key="IDENTITY", kind=Update
    ),
    "a resolve finds the last activity it saw": _without(
        "last_activity_at = :seen", key="CONVERSATION", kind=Update
    ),
}


def _batches(random: Random) -> list[list[Operation]]:
    def operation() -> Operation:
        verb = random.choice(_VERBS)
        low = 4 if verb == "reply" else 0
        return verb, random.randint(low, 6), random.randint(low, 6)

    return [[operation() for _ in range(random.randint(1, 4))] for _ in range(random.randint(2, 6))]


def noticed_after(mutation: Mutation) -> tuple[int, str] | None:
    """After how many random histories the missing guard shows, and how; None if it never does."""
    write = Table.write

    def mutated(self: Table, *legs: Leg) -> None:
        write(self, *(leg for leg in map(mutation, legs) if leg))

    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        create_table(client, "guards")
        s3 = boto3.client("s3", region_name=REGION)
        table, bodies = Table(client, "guards", IDENTITY_KEY), Bodies(lambda: s3, "none")
        with patch.object(Table, "write", mutated):
            for seed in range(WORLDS):
                random = Random(seed)
                try:
                    with new_story(table, bodies) as story:
                        tell(story, _batches(random), seed, deaths=random.choice([0.0, 0.15]))
                except Exception as error:  # noqa: BLE001 whatever breaks is what was to be seen
                    return seed + 1, str(error).splitlines()[0]
    return None


def main() -> int:
    """Print a line a guard; fail if one is not missed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "testing"
    unnoticed = 0
    for guard, mutation in GUARDS.items():
        found = noticed_after(mutation)
        if found is None:
            unnoticed += 1
        after, how = found or ("-", "**not noticed**")
        print(f"| {guard} | {after} | {how} |", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

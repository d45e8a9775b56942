"""What importing each handler costs, beside boto3 and a DynamoDB client."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.artifacts import PACKAGES
from tests.benchmarks.figures import Figure, middle, undisturbed
from tests.template import ROOT, ROUTES, package

ROUNDS = 5
ROUNDS_COMPILING = 1
_BARE = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
_TIMED = "import time; began = time.process_time(); {}; print(time.process_time() - began)"


def measure(*, rounds: int = ROUNDS, compiling: int = ROUNDS_COMPILING) -> Iterator[Figure]:
    """Every handler with bytecode on disk, the webhooks without any; a fresh interpreter each."""
    webhooks = {
        package(function) for route, (function, _) in ROUTES.items() if " /webhooks/" in route
    }
    with tempfile.TemporaryDirectory() as empty:
        without = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": empty}
        names = sorted(PACKAGES.values())
        yield from _imports("with bytecode", {}, rounds, names, webhooks)
        yield from _imports("compiling it all", without, compiling, sorted(webhooks), set())


def _imports(
    how: str, environment: Mapping[str, str], rounds: int, names: Sequence[str], held: set[str]
) -> Iterator[Figure]:
    works = [_BARE, *(f"import functions.{name}.handler" for name in names)]
    for work in works:
        if not environment:
            _seconds(work, environment)  # writes the bytecode
    taken = [[_seconds(work, environment) for work in works] for _ in range(rounds)]
    bare, *each = (list(times) for times in zip(*taken, strict=True))
    yield Figure(name=f"boto3 and a client, {how}", value=undisturbed(bare) * 1000, unit="ms")
    for name, times in zip(names, each, strict=True):
        ratio = middle([one / two for one, two in zip(times, bare, strict=True)])
        yield Figure(
            name=f"import {name}, {how}, over boto3 and a client",
            value=ratio,
            unit="x",
            target=1.5 if name in held else None,
        )


def _seconds(work: str, environment: Mapping[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(work)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(re.findall(r"[\d.e-]+", done.stdout)[-1])

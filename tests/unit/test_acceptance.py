"""docs/acceptance.md names tests that there are."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_test_that_the_acceptance_list_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (TESTS.parent / "docs/acceptance.md").read_text()))
    there = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in there} == set()
    assert len(named) > 40

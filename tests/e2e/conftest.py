"""One fresh hub for all end-to-end tests, on ports and data of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.local.entrances import Entrances
from tests.e2e.bus import Bus
from tests.e2e.machine import Machine, free_ports
from tests.e2e.overheard import listening


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What kills or fills the hub comes last, but for what looks through its logs."""
    last = ("test_killed.py", "test_contract.py", "test_logs.py")
    items.sort(key=lambda item: last.index(item.path.name) + 1 if item.path.name in last else 0)


@pytest.fixture(scope="session", autouse=True)
def said() -> Iterator[set[str]]:
    """Every text that the tests send."""
    heard: set[str] = set()
    with listening(heard):
        yield heard


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The hub's process; it has told the story once when it is ready."""
    machine = Machine(tmp_path_factory.mktemp("hub"), free_ports())
    machine.start("--fresh")
    yield machine
    machine.stop()


@pytest.fixture
def another_machine(tmp_path: Path) -> Iterator[Machine]:
    """A hub that is not started yet, for a test that is about how it starts."""
    machine = Machine(tmp_path, free_ports())
    yield machine
    if machine.process:
        machine.stop()


@pytest.fixture(scope="session")
def hub(machine: Machine) -> dict[str, Any]:
    """What `hub.json` offers (design.md §11)."""
    return machine.hub


@pytest.fixture(scope="session")
def entrances(hub: dict[str, Any]) -> Entrances:
    """The hub's webhooks, mail and API, as the world outside uses them."""
    return Entrances(hub)


@pytest.fixture
def bus(hub: dict[str, Any]) -> Bus:
    """All events from here on."""
    return Bus(hub)

"""Events are contracts: each has a schema that is fresh, and a place in docs/events.md."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from infrastructure.event_schemas import DIRECTORY, REQUEST, request_schema, schema
from shared.model.events import EVENTS, ConversationEvent, Event, Metadata

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


@each_event
def test_the_committed_schema_is_what_the_model_gives(event: type[Event]) -> None:
    committed = (DIRECTORY / f"{event.__name__}.json").read_text()
    assert committed == schema(event), "run: python -m infrastructure.event_schemas"


def test_the_committed_schema_of_a_rules_request_is_what_the_model_gives() -> None:
    assert REQUEST.read_text() == request_schema(), "run: python -m infrastructure.event_schemas"


def test_there_is_a_schema_for_every_event_and_for_nothing_else() -> None:
    assert {path.stem for path in DIRECTORY.iterdir()} == {event.__name__ for event in EVENTS}


def test_every_event_is_documented_and_nothing_else_is() -> None:
    documented = re.findall(r"^## (\w+)$", DOCUMENT.read_text(), re.MULTILINE)
    assert documented == [event.__name__ for event in EVENTS]


@each_event
def test_every_field_is_documented(event: type[Event]) -> None:
    """What all events of a conversation tell is said once, at the first."""
    name = "ConversationOpened" if issubclass(event, ConversationEvent) else event.__name__
    (section,) = re.findall(
        rf"^## {name}$(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
    )
    told = {field.name for field in fields(event)} - {"metadata"}
    assert told <= set(re.findall(r"`(\w+)`", section))


def test_every_attribute_of_the_metadata_is_documented() -> None:
    (section,) = re.findall(r"^Every `metadata`(.*?)\n\n", DOCUMENT.read_text(), re.M | re.S)
    assert {field.name for field in fields(Metadata)} == set(re.findall(r"`(\w+)`", section))

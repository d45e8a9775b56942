"""Write the JSON Schema of every event to infrastructure/event-schemas.

`python -m infrastructure.event_schemas`. They are made from shared/model/events.py; a test fails
when the committed ones are not what it makes now.
"""

import json
from pathlib import Path

from pydantic import TypeAdapter

from shared.model.events import EVENTS, Event

DIRECTORY = Path(__file__).with_name("event-schemas")


def schema(event: type[Event]) -> str:
    """The schema of an event's detail on the bus (JSON Schema 2020-12), as its file has it."""
    made = TypeAdapter(event).json_schema(mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | made, indent=2) + "\n"


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    for event in EVENTS:
        (DIRECTORY / f"{event.__name__}.json").write_text(schema(event))


if __name__ == "__main__":
    main()

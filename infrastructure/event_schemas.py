"""Write the JSON Schemas of every event, and of what a notification rule hands over.

`python -m infrastructure.event_schemas`. They are made from shared/model/events.py and
functions/notify_customer/requests.py; a test fails when the committed ones are not made now.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from functions.notify_customer.requests import NotificationRequest
from shared.model.events import EVENTS, Event

DIRECTORY = Path(__file__).with_name("event-schemas")
REQUEST = Path(__file__).with_name("notification-request.json")


def schema(event: type[Event]) -> str:
    """The schema of an event's detail on the bus (JSON Schema 2020-12), as its file has it."""
    return _written(TypeAdapter(event).json_schema(mode="serialization"))


def request_schema() -> str:
    """The schema of what a rule's input transformer makes of its constants and the event."""
    return _written(NotificationRequest.model_json_schema())


def _written(made: dict[str, Any]) -> str:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | made, indent=2) + "\n"


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    for event in EVENTS:
        (DIRECTORY / f"{event.__name__}.json").write_text(schema(event))
    REQUEST.write_text(request_schema())


if __name__ == "__main__":
    main()

"""The API's own description."""

import json
from pathlib import Path
from typing import Any

from functions.timeline_api.hub import Hub
from functions.timeline_api.request import Request

DOCUMENT = Path(__file__).with_name("openapi.json")


def get(request: Request, hub: Hub) -> dict[str, Any]:
    """Read this document."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document

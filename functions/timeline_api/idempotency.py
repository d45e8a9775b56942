"""The Idempotency-Key header: the same request by the same client is done once, for 24 hours."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.timeline_api.errors import MalformedRequestError
from functions.timeline_api.request import Request
from shared.model.recording import Marker

if TYPE_CHECKING:
    from pydantic import BaseModel

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)

# No '#': it parts the client from its key where the marker is kept.
KEY = r"^[!-\"$-~]{1,255}$"
_KEY = re.compile(KEY)


def marker(request: Request, body: "BaseModel", now: datetime) -> Marker:
    """What makes the request count once; without the header, API Gateway's own request id.

    Raises MalformedRequestError.
    """
    key = request.headers.get(HEADER.lower(), request.request_id)
    if not _KEY.fullmatch(key):
        raise MalformedRequestError("1 to 255 printable ASCII characters, no space, no #", HEADER)
    asked = f"{request.method} {request.path}\n{body.model_dump_json(exclude_unset=True)}"
    return Marker(
        provider=f"api#{request.agent.id}",
        id=key,
        request_hash=hashlib.sha256(asked.encode()).hexdigest(),
        expires_at=now + KEPT,
    )

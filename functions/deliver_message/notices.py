"""What the queue says: an event of the bus, or the sweep's word that something is due."""

import json
from datetime import datetime

from shared.model.errors import MalformedMessageError
from shared.model.receipt import ReceiptKey


def read_notice(body: str) -> ReceiptKey:
    """The message whose turn it is. Raises MalformedMessageError."""
    try:
        content = json.loads(body)
        if "detail" not in content:
            home, at, entry_id = content["home"], content["at"], content["entry"]
        else:
            detail = content["detail"]
            home, at = detail["home_contact_id"], detail["occurred_at"]
            entry_id = detail["entry_id"]
        return ReceiptKey(home=home, at=datetime.fromisoformat(at), entry_id=entry_id)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise MalformedMessageError("the notice names no message") from error

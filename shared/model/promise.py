"""What an agent has promised a customer."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Something promised to a contact, open until somebody has kept it.

    `home` is the contact it was made to, `by` the agent's id. `due` is when it is to be kept by.
    `conversation_id` is the matter it belongs to, if any.
    """

    id: str
    home: str
    text: str
    by: str
    at: datetime
    due: datetime | None = None
    conversation_id: str = ""
    kept_by: str = ""
    kept_at: datetime | None = None

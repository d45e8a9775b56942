"""The query parameters that routes know, as openapi.json tells of them."""

from collections.abc import Mapping
from typing import Any

from functions.timeline_api import consent_requests, conversations, costs, suggestions, timeline
from functions.timeline_api.route import Parameter
from shared.model.conversation import State
from shared.model.entry import Channel, Kind
from shared.model.identity import IdentityKind

_TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}


def _any_of(values: type[Channel] | type[Kind]) -> Mapping[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": [str(each) for each in values]}}


def _limit(default: int, most: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "default": default}
    return Parameter("limit", f"How many at most; more than {most} means {most}.", schema)


CURSOR = Parameter("cursor", "`next_cursor` of the page before, with the same other parameters.")

IDENTITY = Parameter(
    "identity",
    "An address as `kind:value`, like `email:customer@example.com` or `phone:+14155550101`. A plus"
    " may stand as it is.",
    {"type": "string", "pattern": f"^({'|'.join(IdentityKind)}):"},
    required=True,
)

PREVIEW = Parameter(
    "preview",
    "Change nothing, but say what would be joined.",
    {"type": "boolean", "default": False},
)

MEMBERS = Parameter(
    "members", "All contacts that were merged into this one, itself too, with commas between."
)

TIMELINE = (
    _limit(timeline.DEFAULT_LIMIT, timeline.MOST),
    CURSOR,
    Parameter("order", "By time.", {"type": "string", "enum": ["asc", "desc"], "default": "desc"}),
    Parameter("channel", "Only these; repeat it, or put commas between.", _any_of(Channel)),
    Parameter("kind", "Only these; repeat it, or put commas between.", _any_of(Kind)),
    Parameter("since", "Not before this time.", _TIME),
    Parameter("until", "Before this time.", _TIME),
    Parameter(
        "q",
        "Words to look for in subject, text, quoted text and the names of attachments, in any case;"
        " of a very long text in its beginning.",
        {"type": "string", "maxLength": timeline.LONGEST_SEARCH},
    ),
    Parameter(
        "conversation",
        "Only of this conversation, by id, with what was joined to it, and what its guests wrote.",
    ),
)

COSTS = (
    Parameter("from", "Booked not before this time.", _TIME),
    Parameter("to", "Booked before this time.", _TIME),
    CURSOR,
    _limit(costs.DEFAULT_LIMIT, costs.MOST),
)

INBOX = (
    Parameter(
        "state",
        "Only in this state.",
        {"type": "string", "enum": [str(state) for state in State], "default": "open"},
    ),
    Parameter("assignee", "Only of this agent, by their token's `sub`."),
    CURSOR,
    _limit(conversations.DEFAULT_LIMIT, conversations.MOST),
)

SUGGESTIONS = (CURSOR, _limit(suggestions.DEFAULT_LIMIT, suggestions.MOST))

CONSENT_REQUESTS = (CURSOR, _limit(consent_requests.DEFAULT_LIMIT, consent_requests.MOST))

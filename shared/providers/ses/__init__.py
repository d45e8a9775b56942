"""Amazon SES: mail out, and what became of it. Mail in is read by `shared.providers.mime`."""

from shared.providers.ses.events import COMPLAINED, DELAYED, parse_event
from shared.providers.ses.sender import SesSender

__all__ = ["COMPLAINED", "DELAYED", "SesSender", "parse_event"]

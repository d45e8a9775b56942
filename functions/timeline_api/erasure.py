"""What the law gives people: all that is held about them, and that it goes."""

from functions.timeline_api.attachments import Redirect
from functions.timeline_api.hub import Hub
from functions.timeline_api.problems import Erasure, erasure_of
from functions.timeline_api.request import Request
from shared import erase
from shared.export import export
from shared.model.errors import GoneError


def get_export(request: Request, hub: Hub) -> Redirect:
    """Fetch everything that is held about a contact, over all that was merged into it.

    The answer leads to a file of JSON lines, each with its `type`, by a link that is good for 60
    seconds: do not send your token there. Files and raw mail are named by their keys in the
    buckets. While an address is being split off it is a conflict.
    """
    lines = export(hub.table, hub.bodies, request.id, now=hub.now)
    key = hub.downloads.keep_export(request.id, lines)
    return Redirect(hub.downloads.link(key, f"{request.id}.jsonl"))


def delete(request: Request, hub: Hub) -> Erasure:
    """Erase a contact for good: all they said and were, and every file and raw mail.

    It begins at once and ends within minutes; from now on every id of theirs answers 410, with
    how far it has come and in the end with the certificate. What they cost stays in the books
    without a name, and an opt-out stays obeyed. A contact that was merged from several takes the
    names of all of them, or the erasure is a conflict that names them.
    """
    named = frozenset(filter(None, request.query.text("members").split(",")))
    asked = erase.begin(hub.table, request.id, named, by=request.agent.id, now=hub.now)
    if asked.finished_at:
        raise GoneError(asked)
    return erasure_of(asked)

"""Files that came with entries, and mails' own HTML: links to them."""

from dataclasses import dataclass

from functions.timeline_api import file_ids
from functions.timeline_api.hub import Hub
from functions.timeline_api.mail_html import sanitise
from functions.timeline_api.request import Request
from shared.model.errors import NotFoundError
from shared.store import entries


@dataclass(frozen=True, slots=True)
class Redirect:
    """The answer lies elsewhere."""

    url: str


def get(request: Request, hub: Hub) -> Redirect:
    """Fetch an attachment, or a mail's HTML.

    The answer leads to a link that is good for 60 seconds and always saves, never shows: do not
    send your token there. HTML has lost its scripts, forms and whatever it would load from
    elsewhere.
    """
    file = file_ids.unseal(hub.keys, request.id)
    entry = entries.get(hub.table, file.home, file.at, file.entry_id)
    if file.number is None:
        html = hub.bodies.restore(entry).html
        key = hub.downloads.keep_html(entry.id, sanitise(html))
        return Redirect(hub.downloads.link(key, f"{entry.id}.html"))
    attachment = entry.attachments[file.number]
    if not attachment.object_key:
        raise NotFoundError("the attachment was not fetched from its provider")
    return Redirect(hub.downloads.link(attachment.object_key, attachment.name))

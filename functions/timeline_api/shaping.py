"""From the model to what the API answers with."""

import json
from typing import Literal

from functions.timeline_api import file_ids, shapes
from functions.timeline_api.file_ids import FileId
from shared.model.conversation import Conversation
from shared.model.entry import Attachment, Channel, Entry
from shared.model.events import rfc3339
from shared.model.identity import Identity
from shared.model.ids import show_reference
from shared.model.receipt import Receipt, ReceiptState
from shared.rules.signed_tokens import Keys
from shared.store.contacts import Contact

_ADVICE = {ReceiptState.UNCONFIRMED: "may not have left; send again?"}


def contact(found: Contact, *, asked: str = "") -> shapes.Contact:
    """A contact with all that is joined to it; `asked` is the id that was asked for, if one was."""
    root, identities = found.root, found.identities
    first_seen = min(member.first_seen_at for member in found.members)
    wrote = [identity.seen for identity in identities if identity.messages]
    return {
        "id": root.id,
        "name": root.name,
        "locale": root.locale or None,
        "time_zone": root.time_zone or None,
        "preferred_channel": Channel(root.preferred_channel) if root.preferred_channel else None,
        "identities": [identity(each) for each in identities],
        "open_conversations": [conversation(each, root.id) for each in found.conversations],
        "assignee": root.assignee or None,
        "cost": _cost(identities),
        "first_seen_at": rfc3339(first_seen),
        "last_seen_at": rfc3339(max(wrote, default=first_seen)),
        "merged_into": root.id if asked not in ("", root.id) else None,
        "merged_from": sorted(root.members - {root.id}),
    }


def identity(kept: Identity) -> shapes.Identity:
    """One address of a contact."""
    return {
        "kind": kept.address.kind,
        "value": kept.address.value,
        "trust": kept.trust,
        "evidence": kept.evidence,
        "since": rfc3339(kept.since),
        "shared": kept.shared,
        "candidates": sorted(kept.candidates),
    }


def _cost(identities: tuple[Identity, ...]) -> shapes.Cost:
    by_channel: dict[str, int] = {}
    for each in identities:
        for channel, amount in sorted(each.cost_by_channel.items()):
            by_channel[channel] = by_channel.get(channel, 0) + amount
    return {
        "currency": "USD",
        "total_micro_usd": sum(each.cost_micro_usd for each in identities),
        "by_channel": by_channel,
    }


def conversation(kept: Conversation, contact_id: str) -> shapes.Conversation:
    """A conversation of the contact that its home belongs to now."""
    return {
        "id": kept.id,
        "reference": show_reference(kept.reference),
        "contact_id": contact_id,
        "subject": kept.subject,
        "state": kept.state,
        "assignee": kept.assignee or None,
        "channels": list(kept.channels),
        "opened_at": rfc3339(kept.opened_at),
        "last_activity_at": rfc3339(kept.last_activity_at),
        "resolved_at": rfc3339(kept.resolved_at) if kept.resolved_at else None,
        "first_response_at": rfc3339(kept.first_response_at) if kept.first_response_at else None,
        "waiting_on": kept.waiting_on,
    }


def entry(kept: Entry, receipt: Receipt | None, *, contact_id: str, keys: Keys) -> shapes.Entry:
    """An entry of the contact that its home belongs to now; `keys` sign the ids of its files."""
    address, author, provider = kept.address, kept.author, kept.provider
    estimate = kept.cost.total_micro_usd if kept.cost else 0
    return {
        "id": kept.id,
        "contact_id": contact_id,
        "home_contact_id": kept.home,
        "conversation_id": kept.conversation_id or None,
        "kind": kept.kind,
        "channel": kept.channel,
        "direction": kept.direction,
        "occurred_at": rfc3339(kept.occurred_at),
        "received_at": rfc3339(kept.received_at),
        "identity": {"kind": address.kind, "value": address.value} if address else None,
        "trust": kept.trust,
        "author": {"type": author.type, "id": author.id or None, "name": author.name},
        "subject": kept.subject,
        "text": kept.text,
        "html_url": _url(file_ids.seal(keys, FileId.of(kept, None))) if kept.html else None,
        "attachments": _attachments(kept, keys),
        "receipt": _receipt(receipt) if receipt else None,
        "cost_micro_usd": receipt.booked_micro_usd if receipt else estimate,
        "purpose": kept.purpose,
        "automatic": kept.automatic,
        "guest": kept.guest,
        "quoted_text": kept.quoted_text,
        "provider": {"name": provider.name, "id": provider.id} if provider else None,
        "data": json.loads(kept.data) if kept.data else None,
        "defects": list(kept.defects),
        "template": {"id": kept.template.id, "variables": dict(kept.template.variables)}
        if kept.template
        else None,
    }


def _attachments(kept: Entry, keys: Keys) -> list[shapes.Attachment]:
    shown: list[shapes.Attachment] = []
    for number, attachment in enumerate(kept.attachments):
        file_id = file_ids.seal(keys, FileId.of(kept, number))
        shown.append(
            {
                "id": file_id,
                "name": attachment.name,
                "media_type": attachment.media_type,
                "bytes": attachment.size_bytes,
                "url": _url(file_id) if attachment.object_key else None,
                "state": _file_state(attachment),
            }
        )
    return shown


def _file_state(attachment: Attachment) -> Literal["available", "pending", "unavailable"]:
    if attachment.object_key:
        return "available"
    return "pending" if attachment.is_elsewhere else "unavailable"


def _url(file_id: str) -> str:
    return f"/v1/attachments/{file_id}"


def _receipt(kept: Receipt) -> shapes.Receipt:
    return {
        "state": kept.state,
        "at": rfc3339(kept.steps.get(kept.state, kept.key.at)),
        "error": kept.error or None,
        "advice": _ADVICE.get(kept.state),
    }

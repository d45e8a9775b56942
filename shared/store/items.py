"""Each noun as an item, and back."""

import json
import zlib
from datetime import datetime

from shared.model.consent import Purpose
from shared.model.contact import Profile
from shared.model.conversation import Conversation, Joined, LastIn, State, WaitingOn
from shared.model.cost import Cost, Price
from shared.model.entry import (
    Attachment,
    Author,
    AuthorType,
    Channel,
    Direction,
    Entry,
    Kind,
    ProviderRef,
    Template,
)
from shared.model.erasure import Certificate
from shared.model.events import Change
from shared.model.identity import Address, ConversationHint, Identity, IdentityKind, Trust
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.store import keys
from shared.store.attributes import Item

SCHEMA = 1
_COST = "cost_"
# A body above this many bytes is kept compressed: a transaction pays for each KB twice.
_PLAIN_BODY_BYTES = 512


def optional_time(value: str | None) -> datetime | None:
    """A stored time, or None."""
    return keys.read_timestamp(value) if value else None


def stored_time(at: datetime | None) -> str | None:
    """A time as stored, or None."""
    return keys.timestamp(at) if at else None


def stored_change(change: Change | None) -> Item | None:
    """A change as the stream's reader finds it."""
    if change is None:
        return None
    return {
        "events": list(change.events),
        "cause": change.cause,
        "correlation": change.correlation,
        "depth": change.depth,
        "by": change.by,
    }


def read_change(item: Item) -> Change | None:
    """The change stamped on an item, if any."""
    if not (kept := item.get("change")):
        return None
    return Change(
        events=tuple(kept["events"]),
        cause=kept["cause"],
        correlation=kept["correlation"],
        depth=kept["depth"],
        by=kept["by"],
    )


def stored_address(address: Address) -> Item:
    """An address as a map."""
    return {"kind": str(address.kind), "value": address.value}


def read_address(kept: Item) -> Address:
    """The address in a map."""
    return Address(IdentityKind(kept["kind"]), kept["value"])


# ---- identity


def identity_item(identity: Identity) -> Item:
    """A new identity's item."""
    return {
        "type": "identity",
        "schema": SCHEMA,
        **stored_address(identity.address),
        "home": identity.home,
        "root": identity.root,
        "trust": str(identity.trust),
        "evidence": identity.evidence,
        "since": keys.timestamp(identity.since),
        "seen": keys.timestamp(identity.seen),
        "n": identity.messages,
        "cost_total": identity.cost_micro_usd,
        **{_COST + channel: amount for channel, amount in identity.cost_by_channel.items()},
        "conv": stored_hint(identity.conversation),
        "consent": dict(identity.consent),
        "consent_at": stored_time(identity.consent_at),
        "blocked_senders": identity.blocked_senders,
        "bounced": identity.bounced or None,
        "texted": identity.texted,
        "whatsapp_at": stored_time(identity.whatsapp_at),
        "shared": identity.shared or None,
        "candidates": identity.candidates,
        "separated": identity.separated or None,
        "erased_at": stored_time(identity.erased_at),
    }


def stored_hint(hint: ConversationHint | None) -> Item | None:
    """A conversation hint as a map."""
    if hint is None:
        return None
    return {
        "id": hint.conversation_id,
        "home": hint.home,
        "closed_at": stored_time(hint.closed_at) or "",
        "subject_hash": hint.subject_hash,
    }


def read_identity(item: Item) -> Identity:
    """The identity in an item; of a tombstone, what is left of it."""
    hint = item.get("conv")
    kind = item["PK"].split("#")[1]
    return Identity(
        key=keys.owner_of(item["PK"]),
        address=Address(IdentityKind(item.get("kind", kind)), item.get("value", "")),
        home=item.get("home", ""),
        root=item.get("root", ""),
        trust=Trust(item.get("trust", Trust.CLAIMED)),
        evidence=item.get("evidence", ""),
        since=keys.read_timestamp(item["since"]),
        seen=keys.read_timestamp(item["seen"]),
        messages=item.get("n", 0),
        cost_micro_usd=item.get("cost_total", 0),
        cost_by_channel={
            name.removeprefix(_COST): amount
            for name, amount in item.items()
            if name.startswith(_COST) and name != "cost_total"
        },
        conversation=ConversationHint(
            conversation_id=hint["id"],
            home=hint["home"],
            closed_at=optional_time(hint["closed_at"]),
            subject_hash=hint["subject_hash"],
        )
        if hint
        else None,
        consent=item.get("consent", {}),
        consent_at=optional_time(item.get("consent_at")),
        blocked_senders=item.get("blocked_senders", frozenset()),
        bounced=item.get("bounced", False),
        texted=item.get("texted", frozenset()),
        whatsapp_at=optional_time(item.get("whatsapp_at")),
        shared=item.get("shared", False),
        candidates=item.get("candidates", frozenset()),
        separated=item.get("separated", False),
        erased_at=optional_time(item.get("erased_at")),
    )


# ---- profile


def profile_item(profile: Profile) -> Item:
    """A new contact's item. `open`, `moving` and `arriving` are always there: writes set parts."""
    return {
        "type": "profile",
        "schema": SCHEMA,
        "id": profile.id,
        "root": profile.root,
        "first_seen_at": keys.timestamp(profile.first_seen_at),
        "name": profile.name,
        "locale": profile.locale,
        "time_zone": profile.time_zone,
        "preferred_channel": profile.preferred_channel,
        "assignee": profile.assignee,
        "addresses": profile.addresses,
        "members": profile.members,
        "edges": [list(edge) for edge in profile.edges],
        "open": dict(profile.open),
        "moving": dict(profile.moving),
        "arriving": dict(profile.arriving),
        "rev": profile.revision,
        "erasing": stored_time(profile.erasing),
    }


def read_profile(item: Item) -> Profile:
    """The profile in an item."""
    return Profile(
        id=item["id"],
        root=item["root"],
        first_seen_at=keys.read_timestamp(item["first_seen_at"]),
        name=item.get("name", ""),
        locale=item.get("locale", ""),
        time_zone=item.get("time_zone", ""),
        preferred_channel=item.get("preferred_channel", ""),
        assignee=item.get("assignee", ""),
        addresses=item.get("addresses", frozenset()),
        members=item.get("members", frozenset()),
        edges=tuple((merge, survivor, other) for merge, survivor, other in item.get("edges", [])),
        open=item.get("open", {}),
        revision=item["rev"],
        erasing=optional_time(item.get("erasing")),
        moving=item.get("moving", {}),
        arriving=item.get("arriving", {}),
        certificate=_read_certificate(item) if "members" in item and "erasing" in item else None,
    )


def _read_certificate(root: Item) -> Certificate:
    return Certificate(
        members=tuple(sorted(root["members"])),
        by=root["erasing_by"],
        requested_at=keys.read_timestamp(root["erasing"]),
        finished_at=optional_time(root.get("erased_at")),
        addresses=root.get("erased_addresses", 0),
        conversations=root.get("erased_conversations", 0),
        entries=root.get("erased_entries", 0),
        objects=root.get("erased_objects", 0),
        provider_copies=root.get("erased_copies", 0),
    )


# ---- conversation


def conversation_item(conversation: Conversation) -> Item:
    """A new conversation's item, with its place in the inbox."""
    index = keys.inbox(conversation.state, conversation.last_activity_at, conversation.id)
    return {
        "type": "conversation",
        "schema": SCHEMA,
        "GSI1PK": index.pk,
        "GSI1SK": index.sk,
        "id": conversation.id,
        "home": conversation.home,
        "reference": conversation.reference,
        "subject": conversation.subject,
        "state": str(conversation.state),
        "opened_at": keys.timestamp(conversation.opened_at),
        "last_activity_at": keys.timestamp(conversation.last_activity_at),
        "revision": conversation.revision,
        "channels": frozenset(conversation.channels),
        "parts": dict(conversation.parts),
        "assignee": conversation.assignee,
        "first_response_at": stored_time(conversation.first_response_at),
        "waiting_on": conversation.waiting_on,
        "waiting_since": stored_time(conversation.waiting_since),
        "breached_at": stored_time(conversation.breached_at),
        "last_in": stored_last_in(conversation.last_in),
        "includes": frozenset(conversation.includes),
        "continued_from": conversation.continued_from,
    }


def stored_last_in(last_in: LastIn | None) -> Item | None:
    """Where the customer last wrote, as a map."""
    if last_in is None:
        return None
    return {
        "address": last_in.address_key,
        "channel": str(last_in.channel),
        "message_id": last_in.message_id,
        "trust": str(last_in.trust),
    }


def read_conversation(item: Item) -> Conversation:
    """The conversation in an item."""
    last_in, joined = item.get("last_in"), item.get("joined")
    return Conversation(
        id=item["id"],
        home=item["home"],
        reference=item["reference"],
        subject=item.get("subject", ""),
        state=State(item["state"]),
        opened_at=keys.read_timestamp(item["opened_at"]),
        last_activity_at=keys.read_timestamp(item["last_activity_at"]),
        revision=item["revision"],
        channels=tuple(sorted(item.get("channels", ()))),
        parts=item.get("parts", {}),
        assignee=item.get("assignee", ""),
        resolved_at=optional_time(item.get("resolved_at")),
        first_response_at=optional_time(item.get("first_response_at")),
        waiting_on=WaitingOn(item["waiting_on"]) if item.get("waiting_on") else None,
        waiting_since=optional_time(item.get("waiting_since")),
        breached_at=optional_time(item.get("breached_at")),
        last_in=LastIn(
            address_key=last_in["address"],
            channel=Channel(last_in["channel"]),
            message_id=last_in["message_id"],
            trust=Trust(last_in["trust"]),
        )
        if last_in
        else None,
        joined=Joined(joined["id"], joined["home"]) if joined else None,
        includes=tuple(sorted(item.get("includes", ()))),
        continued_from=item.get("continued_from", ""),
    )


# ---- entry


def entry_item(entry: Entry, change: Change | None) -> Item:
    """An entry's item; a long body is compressed into one attribute."""
    return {
        "type": "entry",
        "schema": SCHEMA,
        "id": entry.id,
        "home": entry.home,
        "kind": str(entry.kind),
        "channel": str(entry.channel),
        "direction": str(entry.direction),
        "occurred_at": keys.timestamp(entry.occurred_at),
        "received_at": keys.timestamp(entry.received_at),
        "author": {
            "type": str(entry.author.type),
            "id": entry.author.id,
            "name": entry.author.name,
        },
        "conversation": entry.conversation_id,
        "address": stored_address(entry.address) if entry.address else None,
        "address_key": entry.address_key,
        "trust": str(entry.trust),
        "subject": entry.subject,
        **_stored_body(entry),
        "body_key": entry.body_key,
        "attachments": [stored_attachment(a) for a in entry.attachments],
        "purpose": entry.purpose,
        "automatic": entry.automatic or None,
        "guest": entry.guest or None,
        "opens_conversation": entry.opens_conversation or None,
        "provider": {"name": entry.provider.name, "id": entry.provider.id}
        if entry.provider
        else None,
        "message_id": entry.message_id,
        "in_reply_to": entry.in_reply_to,
        "raw_key": entry.raw_key,
        "defects": list(entry.defects),
        "cost": stored_cost(entry.cost) if entry.cost else None,
        "data": entry.data,
        "template": {"id": entry.template.id, "variables": dict(entry.template.variables)}
        if entry.template
        else None,
        "revision": 1,
        "change": stored_change(change),
    }


def _stored_body(entry: Entry) -> Item:
    body = {"text": entry.text, "html": entry.html, "quoted_text": entry.quoted_text}
    if sum(len(part) for part in body.values()) <= _PLAIN_BODY_BYTES:
        return body
    return {"body": zlib.compress(json.dumps(body, ensure_ascii=False).encode())}


def stored_attachment(attachment: Attachment) -> Item:
    """An attachment as a map."""
    return {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "bytes": attachment.size_bytes,
        "key": attachment.object_key,
        "source_url": attachment.source_url,
        "inline": attachment.inline,
    }


def stored_cost(cost: Cost) -> Item:
    """A cost as a map."""
    return {
        "provider": cost.provider_micro_usd,
        "carrier_fee": cost.carrier_fee_micro_usd,
        "own": cost.own_micro_usd,
        "category": cost.category,
        "units": cost.units,
        "rate": cost.rate,
    }


def read_cost(kept: Item) -> Cost:
    """The cost in a map."""
    return Cost(
        provider_micro_usd=kept["provider"],
        carrier_fee_micro_usd=kept["carrier_fee"],
        own_micro_usd=kept["own"],
        category=kept["category"],
        units=kept["units"],
        rate=kept["rate"],
    )


def stored_price(price: Price | None) -> Item | None:
    """A provider's price as a map."""
    return {"amount": price.amount, "currency": price.currency} if price else None


def read_price(kept: Item | None) -> Price | None:
    """The price in a map, if any."""
    return Price(kept["amount"], kept["currency"]) if kept else None


def read_entry(item: Item) -> Entry:
    """The entry in an item."""
    body = json.loads(zlib.decompress(item["body"])) if "body" in item else item
    provider, cost, author = item.get("provider"), item.get("cost"), item["author"]
    return Entry(
        id=item["id"],
        home=item["home"],
        kind=Kind(item["kind"]),
        channel=Channel(item["channel"]),
        direction=Direction(item["direction"]),
        occurred_at=keys.read_timestamp(item["occurred_at"]),
        received_at=keys.read_timestamp(item["received_at"]),
        author=Author(AuthorType(author["type"]), author["id"], author["name"]),
        conversation_id=item.get("conversation", ""),
        address=read_address(item["address"]) if "address" in item else None,
        address_key=item.get("address_key", ""),
        trust=Trust(item["trust"]),
        subject=item.get("subject", ""),
        text=body.get("text", ""),
        html=body.get("html", ""),
        quoted_text=body.get("quoted_text", ""),
        body_key=item.get("body_key", ""),
        attachments=tuple(
            Attachment(
                name=kept["name"],
                media_type=kept["media_type"],
                size_bytes=kept["bytes"],
                object_key=kept["key"],
                source_url=kept["source_url"],
                inline=kept["inline"],
            )
            for kept in item.get("attachments", [])
        ),
        purpose=Purpose(item["purpose"]) if "purpose" in item else None,
        automatic=item.get("automatic", False),
        guest=item.get("guest", False),
        opens_conversation=item.get("opens_conversation", False),
        provider=ProviderRef(provider["name"], provider["id"]) if provider else None,
        message_id=item.get("message_id", ""),
        in_reply_to=item.get("in_reply_to", ""),
        raw_key=item.get("raw_key", ""),
        defects=tuple(item.get("defects", ())),
        cost=read_cost(cost) if cost else None,
        data=item.get("data", ""),
        template=Template(**item["template"]) if "template" in item else None,
    )


# ---- receipt


def receipt_item(receipt: Receipt, change: Change | None = None) -> Item:
    """A receipt's item. `steps` is always there: writes set its parts."""
    return {
        "type": "receipt",
        "schema": SCHEMA,
        "home": receipt.key.home,
        "at": keys.timestamp(receipt.key.at),
        "entry": receipt.key.entry_id,
        "state": str(receipt.state),
        "rank": receipt.rank,
        "attempt": receipt.attempt,
        "revision": receipt.revision,
        "claim_id": receipt.claim_id,
        "claimed_until": stored_time(receipt.claimed_until),
        "lost_at": stored_time(receipt.lost_at),
        "provider": receipt.provider,
        "provider_id": receipt.provider_id,
        "steps": {state: keys.timestamp(at) for state, at in receipt.steps.items()},
        "error": receipt.error,
        "booked": receipt.booked_micro_usd,
        "price": stored_price(receipt.price),
        "price_micro_usd": receipt.price_micro_usd or None,
        "ladder_id": receipt.ladder_id,
        "passed_over": receipt.passed_over or None,
        "conversation": receipt.conversation_id,
        "address_key": receipt.address_key,
        "channel": receipt.channel,
        "change": stored_change(change),
    }


def read_receipt(item: Item) -> Receipt:
    """The receipt in an item."""
    return Receipt(
        key=ReceiptKey(
            home=item["home"], at=keys.read_timestamp(item["at"]), entry_id=item["entry"]
        ),
        state=ReceiptState(item["state"]),
        rank=item["rank"],
        attempt=item["attempt"],
        revision=item["revision"],
        claim_id=item.get("claim_id", ""),
        claimed_until=optional_time(item.get("claimed_until")),
        lost_at=optional_time(item.get("lost_at")),
        provider=item.get("provider", ""),
        provider_id=item.get("provider_id", ""),
        steps={state: keys.read_timestamp(at) for state, at in item.get("steps", {}).items()},
        error=item.get("error", ""),
        booked_micro_usd=item.get("booked", 0),
        price=read_price(item.get("price")),
        price_micro_usd=item.get("price_micro_usd", 0),
        ladder_id=item.get("ladder_id", ""),
        passed_over=item.get("passed_over", False),
        address_key=item.get("address_key", ""),
        conversation_id=item.get("conversation", ""),
        channel=item.get("channel", ""),
    )

"""Recording one message: one batch read as a hint, one transaction that proves it (T1, T2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.model.contact import OPEN_CAP, Profile
from shared.model.conversation import Conversation, Joined, LastIn, State, WaitingOn
from shared.model.entry import AuthorType, Channel, Direction
from shared.model.events import Change
from shared.model.identity import ConversationHint, Identity, Trust
from shared.model.recording import MarkedEntry, Marker, Placement, Proof, Recording, Refusal
from shared.store import consent_requests, consents, items, keys, notices
from shared.store.attributes import Item
from shared.store.contacts import ADDRESS_CAP
from shared.store.keys import Key
from shared.store.pointers import (
    marker_leg,
    place_of,
    pointer_item,
    read_marked_entry,
    thread_leg,
)
from shared.store.table import Check, Leg, Put, Table, TransactionRefusedError, Update

_SELF_ROOT = "#root = :root AND attribute_not_exists(erasing)"
_HAS_ROOM = "(attribute_not_exists(addresses) OR size(addresses) < :cap)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the table holds of a message that came in. All of it is a hint."""

    marked: MarkedEntry | None = None
    copied: MarkedEntry | None = None
    identities: Mapping[str, Identity] = field(default_factory=dict)
    threads: Mapping[str, Joined] = field(default_factory=dict)
    conversation: Conversation | None = None


class RecordingRefusedError(Exception):
    """The transaction did not hold; `refusal` says which part of it, and what is there instead."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("the table has changed since it was read")
        self.refusal = refusal


def look(
    table: Table,
    marker: Marker,
    address_keys: Iterable[str],
    *,
    now: datetime,
    message_ids: Iterable[str] = (),
    conversation_id: str = "",
    copies: Marker | None = None,
) -> Known:
    """What is known of a message's markers, addresses, thread and conversation: one batch read."""
    marked_at = keys.delivery(marker.provider, marker.id)
    identity_at = {keys.identity(key): key for key in address_keys}
    thread_at = {keys.thread(message_id): message_id for message_id in message_ids}
    conversation_at = keys.conversation(conversation_id)
    wanted: list[Key] = [marked_at, *identity_at, *thread_at]
    if conversation_id:
        wanted.append(conversation_at)
    copied_at = keys.delivery(copies.provider, copies.id) if copies else None
    if copied_at:
        wanted.append(copied_at)
    found = table.get_many(wanted)
    marked = found.get(marked_at)
    if marked and marked.get("expires_at", now.timestamp()) < now.timestamp():
        marked = None  # DynamoDB removes what has expired within days, not at once
    conversation = found.get(conversation_at)
    return Known(
        marked=read_marked_entry(marked) if marked else None,
        copied=read_marked_entry(found[copied_at]) if copied_at in found else None,
        identities={
            key: items.read_identity(found[at]) for at, key in identity_at.items() if at in found
        },
        threads={
            message_id: Joined(found[at]["conversation"], found[at]["home"])
            for at, message_id in thread_at.items()
            if at in found
        },
        conversation=items.read_conversation(conversation) if conversation else None,
    )


def write(table: Table, recording: Recording) -> None:
    """Record one message. Raises RecordingRefusedError when the table has moved on."""
    legs = list(_legs(recording))
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        raise RecordingRefusedError(_refusal(recording, error)) from error


# ---- the legs


def _legs(r: Recording) -> Iterable[Leg]:
    entry = r.entry
    yield marker_leg(r.marker, _marker_item(r), r.now)
    if r.copies:
        yield Put(keys.delivery(r.copies.provider, r.copies.id), _marker_item(r) | {"revision": 1})
    yield Put(keys.entry(entry.home, entry.occurred_at, entry.id), _entry_item(r))
    if r.receipt:
        yield Put(keys.receipt(r.receipt.key), items.receipt_item(r.receipt))
    yield from _conversation_legs(r)
    yield _identity_leg(r)
    if r.consent:
        yield from consents.change_legs(r.consent, entry.home, r.sender.key, r.change)
    if r.asked:
        yield consent_requests.request_leg(r.sender.key, r.asked)
    for proof in r.vouched:
        yield _vouched_leg(r, proof)
    if r.new_contact:
        yield Put(keys.profile(r.root), items.profile_item(_new_profile(r)))
    else:
        yield from _profile_legs(r)
    for claim in r.claims:
        yield Put(
            keys.claim(entry.home, claim.key),
            {
                "type": "claim",
                "schema": items.SCHEMA,
                **items.stored_address(claim.address),
                "address_key": r.sender.key,
                "entry": keys.entry_position(entry.occurred_at, entry.id),
                "at": keys.timestamp(r.now),
            },
            condition="",
        )
    for message_id in r.message_ids:
        yield thread_leg(message_id, r.route.conversation_id, r.route.home)
    if r.release and r.receipt:
        yield from notices.release_legs(r.release, r.receipt.key, r.now)


def _entry_item(r: Recording) -> Item:
    """An inbound entry's marker is named by its provider's id; another says where its own lies."""
    item = items.entry_item(r.entry, r.change)
    if r.copies:
        item["copies"] = keys.delivery(r.copies.provider, r.copies.id).pk
    if r.entry.provider is None:
        item["marker"] = keys.delivery(r.marker.provider, r.marker.id).pk
    return item


def _marker_item(r: Recording) -> Item:
    place = place_of(r.entry, request_hash=r.marker.request_hash)
    return pointer_item(place, address_key=r.sender.key)


def _conversation_legs(r: Recording) -> Iterable[Leg]:
    route = r.route
    match route.placement:
        case Placement.OPEN:
            yield Put(
                keys.conversation(route.conversation_id),
                items.conversation_item(_new_conversation(r))
                | {"change": items.stored_change(_opened(r))},
            )
            yield Put(
                keys.reference(r.reference),
                {
                    "type": "reference",
                    "schema": items.SCHEMA,
                    "conversation": route.conversation_id,
                },
            )
        case Placement.USE | Placement.REOPEN:
            yield _continue_leg(r)
        case Placement.GUEST:
            yield Check(keys.conversation(route.conversation_id), "attribute_exists(PK)")
            yield Put(
                keys.guest(route.conversation_id, r.entry.occurred_at, r.entry.id),
                {"type": "guest", "schema": items.SCHEMA, "home": r.entry.home},
            )
        case Placement.MARK:
            return


def _continue_leg(r: Recording) -> Update:
    """The conversation goes on: its activity, its participants, whose turn it is."""
    route, entry = r.route, r.entry
    index = keys.inbox(State.OPEN, r.now, route.conversation_id)
    inbound = entry.direction is Direction.INBOUND
    sets = [
        "last_activity_at = :now",
        "GSI1PK = :pk",
        "GSI1SK = :sk",
        "#state = :open",
    ]
    values: dict[str, Any] = {
        ":now": keys.timestamp(r.now),
        ":pk": index.pk,
        ":sk": index.sk,
        ":open": str(State.OPEN),
        ":home": route.home,
        ":channels": frozenset({str(entry.channel)}),
    }
    names = {"#state": "state"}
    removes = ["#change"]
    names["#change"] = "change"
    if inbound:
        sets += ["last_in = :last_in"]
        values[":last_in"] = items.stored_last_in(_last_in(r))
    if waiting := _waiting_on(r):
        sets += ["waiting_on = :waiting"]
        values[":waiting"] = str(waiting)
        if waiting is WaitingOn.AGENT:
            sets += ["waiting_since = if_not_exists(waiting_since, :now)"]
    if _is_response(r):
        sets += ["first_response_at = if_not_exists(first_response_at, :now)"]
        removes += ["waiting_since", "breached_at"]
    if route.placement is Placement.USE:
        condition = "home = :home AND attribute_not_exists(resolved_at)"
        if inbound:
            sets += ["parts.#address = :sender_home"]
            names["#address"] = r.sender.key
            values[":sender_home"] = entry.home
    else:
        condition = "home = :home AND resolved_at = :resolved AND attribute_not_exists(joined)"
        values[":resolved"] = items.stored_time(route.resolved_at)
        removes += ["resolved_at"]
        sets += ["parts = :parts", "revision = revision + :one"]
        values |= {":parts": {r.sender.key: entry.home}, ":one": 1}
    expression = (
        "SET " + ", ".join(sets) + " REMOVE " + ", ".join(removes) + " ADD channels :channels"
    )
    return Update(keys.conversation(route.conversation_id), expression, condition, values, names)


def _identity_leg(r: Recording) -> Leg:
    sender, before = r.sender, r.sender.before
    cost = r.entry.cost.total_micro_usd if r.entry.cost else 0
    if before is None or before.erased_at:
        item = items.identity_item(_heard(r, _new_identity(r, sender)))
        item |= {"n": 1, "cost_total": cost, f"cost_{r.entry.channel}": cost}
        item["conv"] = items.stored_hint(_hint(r)) if r.moves else None
        if r.consent:
            item |= consents.on_new_identity(r.consent, item["blocked_senders"])
        if not r.new_contact:
            item["change"] = items.stored_change(_linked(r))
        if before is None:
            return Put(keys.identity(sender.key), item)
        return Put(
            keys.identity(sender.key),
            item,
            condition="erased_at = :erased",
            values={":erased": items.stored_time(before.erased_at)},
        )
    sets = ["#root = :root"]
    values: dict[str, Any] = {":root": r.root, ":home": r.entry.home}
    names = {"#root": "root", "#change": "change"}
    if r.entry.direction is Direction.INBOUND:
        sets += ["seen = :now"]
        values[":now"] = keys.timestamp(r.now)
        if r.entry.channel is Channel.WHATSAPP:
            sets += ["whatsapp_at = :now"]
    if r.texted:
        sets += ["texted = :texted"]
        values[":texted"] = r.texted
    if r.moves:
        sets += ["conv = :conv"]
        values[":conv"] = items.stored_hint(_hint(r))
    if sender.trust.rank > before.trust.rank:
        sets += ["trust = :trust", "evidence = :evidence"]
        values |= {":trust": str(sender.trust), ":evidence": sender.evidence}
    values |= {":one": 1, ":cost": cost}
    removes = ["#change"]
    if r.entry.direction is Direction.INBOUND and r.entry.trust is Trust.VERIFIED:
        removes += ["bounced"]  # whoever writes from a mailbox reads it
    adds = ["n :one", "cost_total :cost", f"cost_{r.entry.channel} :cost"]
    deletes: list[str] = []
    condition = "home = :home AND attribute_not_exists(erased_at)"
    if r.consent:
        parts = consents.identity_parts(r.consent)
        sets += parts.sets
        removes += [name for name in parts.removes if name not in removes]
        adds += parts.adds
        deletes += parts.deletes
        condition += f" AND {parts.condition}"
        values |= parts.values
        names |= parts.names
    return Update(
        keys.identity(sender.key),
        consents.expression(sets, removes, adds, deletes),
        condition,
        values,
        names,
    )


def _vouched_leg(r: Recording, proof: Proof) -> Leg:
    """An address the same proof covers: made on this contact, or proven better than before."""
    before = proof.before
    if before is None:
        item = items.identity_item(_new_identity(r, proof))
        if not r.new_contact:
            item["change"] = items.stored_change(_linked(r))
        return Put(keys.identity(proof.key), item)
    return Update(
        keys.identity(proof.key),
        "SET trust = :trust, evidence = :evidence REMOVE #change",
        "home = :home AND attribute_not_exists(erased_at)",
        {
            ":trust": str(max(before.trust, proof.trust, key=lambda trust: trust.rank)),
            ":evidence": proof.evidence
            if proof.trust.rank > before.trust.rank
            else before.evidence,
            ":home": before.home,
        },
        {"#change": "change"},
    )


def _profile_legs(r: Recording) -> Iterable[Leg]:
    """The contact's root: proves that all homes are one person, lists what is open.

    New addresses are homed where the sender is, so that undoing a merge leaves them together.
    """
    route, home, added = r.route, r.entry.home, _added(r)
    conditions = [_SELF_ROOT, "contains(members, :home)"]
    values: dict[str, Any] = {":root": r.root, ":home": home}
    names = {"#root": "root"}
    sets, adds = [], ""
    other_homes = {proof.before.home for proof in r.vouched if proof.before} - {home}
    if route.placement in (Placement.USE, Placement.REOPEN):
        other_homes |= {route.home} - {home}
    for number, other in enumerate(sorted(other_homes)):
        conditions.append(f"contains(members, :other{number})")
        values[f":other{number}"] = other
    if route.placement in (Placement.REOPEN, Placement.OPEN):
        sets += ["#open.#v = :opened_at_home", "rev = rev + :one"]
        names |= {"#open": "open", "#v": route.conversation_id}
        values |= {":opened_at_home": route.home, ":one": 1}
    if route.placement is Placement.OPEN and route.alone:
        conditions.append("size(#open) = :none")
        values[":none"] = 0
    elif route.placement in (Placement.REOPEN, Placement.OPEN):
        conditions.append("size(#open) < :open_cap")
        values[":open_cap"] = OPEN_CAP
    if added and home == r.root:
        conditions.append(_HAS_ROOM)
        adds = " ADD addresses :added"
        values |= {":added": added, ":cap": ADDRESS_CAP}
    condition = " AND ".join(conditions)
    if sets or adds:
        expression = (f"SET {', '.join(sets)}" if sets else "") + adds
        yield Update(keys.profile(r.root), expression.strip(), condition, values, names)
    elif other_homes or added:
        yield Check(keys.profile(r.root), condition, values, names)
    if added and home != r.root:
        yield Update(
            keys.profile(home),
            "ADD addresses :added",
            f"#root = :root AND {_HAS_ROOM}",
            {":root": r.root, ":added": added, ":cap": ADDRESS_CAP},
            {"#root": "root"},
        )


# ---- what the legs write


def _added(r: Recording) -> frozenset[str]:
    return frozenset(
        proof.key
        for proof in (r.sender, *r.vouched)
        if proof.before is None or proof.before.erased_at
    )


def _new_identity(r: Recording, proof: Proof) -> Identity:
    return Identity(
        key=proof.key,
        address=proof.address,
        home=r.entry.home,
        root=r.root,
        trust=proof.trust,
        evidence=proof.evidence,
        since=r.now,
        seen=r.now,
        # An opt-out outlives the person's erasure.
        consent=proof.before.consent if proof.before else {},
        consent_at=proof.before.consent_at if proof.before else None,
        blocked_senders=proof.before.blocked_senders if proof.before else frozenset(),
    )


def _heard(r: Recording, identity: Identity) -> Identity:
    """The address, as its first message makes it known."""
    by_whatsapp = r.entry.channel is Channel.WHATSAPP and r.entry.direction is Direction.INBOUND
    return replace(identity, texted=r.texted, whatsapp_at=r.now if by_whatsapp else None)


def _new_profile(r: Recording) -> Profile:
    opened = r.route.placement is Placement.OPEN
    return Profile(
        id=r.root,
        root=r.root,
        first_seen_at=r.now,
        name=r.name,
        addresses=_added(r),
        members=frozenset({r.root}),
        open={r.route.conversation_id: r.root} if opened else {},
    )


def _new_conversation(r: Recording) -> Conversation:
    entry, inbound = r.entry, r.entry.direction is Direction.INBOUND
    return Conversation(
        id=r.route.conversation_id,
        home=r.route.home,
        reference=r.reference,
        subject=entry.subject,
        state=State.OPEN,
        opened_at=r.now,
        last_activity_at=r.now,
        channels=(str(entry.channel),),
        parts={r.sender.key: entry.home},
        first_response_at=r.now if _is_response(r) else None,
        waiting_on=_waiting_on(r),
        waiting_since=r.now if _waiting_on(r) is WaitingOn.AGENT else None,
        last_in=_last_in(r) if inbound else None,
        continued_from=r.route.continued_from,
    )


def _last_in(r: Recording) -> LastIn:
    return LastIn(
        address_key=r.sender.key,
        channel=r.entry.channel,
        message_id=r.entry.message_id,
        trust=r.entry.trust,
    )


def _hint(r: Recording) -> ConversationHint | None:
    """The hint for the next message. What is marked on a closed conversation leaves it closed."""
    return ConversationHint(
        conversation_id=r.route.conversation_id,
        home=r.route.home,
        closed_at=r.route.resolved_at if r.route.placement is Placement.MARK else None,
        subject_hash=r.subject_hash,
    )


def _waiting_on(r: Recording) -> WaitingOn | None:
    if r.entry.direction is Direction.INBOUND:
        return None if r.entry.automatic else WaitingOn.AGENT
    return WaitingOn.CUSTOMER if r.entry.author.type is AuthorType.AGENT else None


def _is_response(r: Recording) -> bool:
    return r.entry.author.type is AuthorType.AGENT and not r.entry.automatic


def _opened(r: Recording) -> Change:
    return replace(r.change, events=("ConversationOpened",)) if r.change else _bare_change()


def _linked(r: Recording) -> Change:
    return replace(r.change, events=("IdentityLinked",)) if r.change else _bare_change()


def _bare_change() -> Change:
    return Change(events=())


# ---- reading a refusal


def _refusal(r: Recording, error: TransactionRefusedError) -> Refusal:
    failed = error.failed
    marker_at = keys.delivery(r.marker.provider, r.marker.id)
    identity_at, root_at = keys.identity(r.sender.key), keys.profile(r.root)
    home_at = keys.profile(r.entry.home)
    conversation_at = keys.conversation(r.route.conversation_id)
    marked, identity = failed.get(marker_at), failed.get(identity_at)
    copied = failed.get(keys.delivery(r.copies.provider, r.copies.id)) if r.copies else None
    root, conversation = failed.get(root_at), failed.get(conversation_at)
    home = failed.get(home_at)
    return Refusal(
        marked=read_marked_entry(marked) if marked else None,
        copied=read_marked_entry(copied) if copied else None,
        identity_failed=identity_at in failed,
        identity=items.read_identity(identity) if identity else None,
        root_failed=root_at in failed,
        root=items.read_profile(root) if root else None,
        home_failed=home_at != root_at and home_at in failed,
        home=items.read_profile(home) if home else None,
        conversation_failed=conversation_at in failed,
        conversation=items.read_conversation(conversation) if conversation else None,
        vouched_failed=any(keys.identity(proof.key) in failed for proof in r.vouched),
        reference_failed=bool(r.reference) and keys.reference(r.reference) in failed,
        release_failed=bool(r.release and notices.release_keys(r.release) & failed.keys()),
        conflict=error.conflict,
    )

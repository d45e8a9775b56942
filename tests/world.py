"""Everything a table holds, read at once, and what must be true of it at any time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from shared.model.contact import Profile
from shared.model.conversation import Conversation, State
from shared.model.entry import Channel, Entry, Kind
from shared.model.identity import Identity, Trust
from shared.rules import membership
from shared.store import items, keys
from shared.store.attributes import Item, WireItem, from_wire
from shared.store.table import Table


@dataclass
class World:
    """All nouns of one table."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @classmethod
    def of(cls, table: Table) -> "World":
        """What is in the table now."""
        world = cls()
        for wire in _scan(table):
            world._take(from_wire(wire))
        return world

    def _take(self, item: Item) -> None:
        self.items.append(item)
        match item["type"]:
            case "profile":
                profile = items.read_profile(item)
                self.profiles[profile.id] = profile
            case "identity" | "tombstone":
                identity = items.read_identity(item)
                self.identities[identity.key] = identity
            case "conversation":
                conversation = items.read_conversation(item)
                self.conversations[conversation.id] = conversation
            case "entry":
                self.entries.append(items.read_entry(item))

    @property
    def messages(self) -> list[Entry]:
        """The entries that came through an address."""
        return [entry for entry in self.entries if entry.kind is Kind.MESSAGE]

    @property
    def erased(self) -> set[str]:
        """The contacts of whom only a certificate is left."""
        profiles = (item for item in self.items if item["type"] == "profile")
        return {profile["id"] for profile in profiles if "erased_at" in profile}

    def root(self, contact_id: str) -> str:
        """Whom a contact belongs to now."""
        return self.profiles[contact_id].root

    # ---- at any instant

    def check_roots(self) -> None:
        """Everybody belongs to exactly one root, and a root to itself."""
        seen: set[str] = set()
        for profile in self.profiles.values():
            root = self.profiles[profile.root]
            assert root.is_root, f"{profile.id} follows {root.id}, which is no root"
            assert profile.id in root.members, f"{profile.id} is no member of its root"
            if not profile.is_root:
                assert not profile.members
                assert not profile.edges
                assert not profile.open
                continue
            assert not seen & profile.members, "a contact in two components"
            seen |= profile.members
            (component,) = membership.replay(profile.edges, profile.members)
            assert component.root == profile.id, "the merges give another root"
        assert seen == set(self.profiles)

    def check_open_maps(self) -> None:
        """Every open conversation is in exactly one root's map: its own person's."""
        for root in self.profiles.values():
            for conversation_id, home in root.open.items():
                conversation = self.conversations[conversation_id]
                assert conversation.home == home
                assert home in root.members
                assert conversation.resolved_at is None, f"{conversation_id} is listed but closed"
        for conversation in self.conversations.values():
            if conversation.resolved_at is None:
                root = self.profiles[self.root(conversation.home)]
                assert conversation.id in root.open, f"{conversation.id} is in no inbox"

    def check_participants(self) -> None:
        """Whoever takes part in an open conversation is the person it belongs to."""
        for conversation in self.conversations.values():
            if conversation.resolved_at is not None:
                continue
            for address in conversation.parts:
                if self.identities[address].erased_at:
                    assert self.profiles[conversation.home].erasing, "a tombstone takes part"
                    continue
                home = self.identities[address].home
                assert self.root(home) == self.root(conversation.home), (
                    f"{address} takes part in another person's {conversation.id}"
                )

    def check_news(self, before: "World") -> None:
        """What one write brought: everybody in a conversation of their own, and one by default."""
        known = {entry.id for entry in before.entries}
        for entry in self.entries:
            conversation = self.conversations.get(entry.conversation_id)
            if entry.id in known or entry.guest or conversation is None:
                continue
            if entry.kind is Kind.MESSAGE:
                assert self.root(entry.home) == self.root(conversation.home), (
                    f"{entry.id} is written on another person's {conversation.id}"
                )
            opened = conversation.id not in before.conversations
            if opened and entry.channel is not Channel.EMAIL and conversation.resolved_at is None:
                others = self.profiles[self.root(entry.home)].open.keys() - {conversation.id}
                assert not others, f"{conversation.id} is a second default conversation"

        for conversation in self.conversations.values():
            closed = conversation.resolved_at is not None
            assert closed == (conversation.state is State.RESOLVED), "open and resolved at once"
            assert closed or not conversation.joined, f"{conversation.id} is joined and open"
            seen = before.conversations.get(conversation.id)
            if seen is None or closed or seen.resolved_at or seen.home != conversation.home:
                continue
            for address, home in seen.parts.items():
                left = self.root(home) != self.root(conversation.home)
                gone = self.identities[address].erased_at or self.identities[address].home != home
                assert address in conversation.parts or left or gone, f"{address} is left out"

        for profile in self.profiles.values():
            earlier = before.profiles.get(profile.id)
            if earlier and earlier.erasing:
                added = profile.addresses - earlier.addresses or profile.open - earlier.open.keys()
                assert not added, f"{profile.id} gets something new while it is erased"

    def check_inboxes(self) -> None:
        """Who wrote last and was not answered is somewhere in an inbox, which lists what it is."""
        latest: dict[str, Entry] = {}
        for entry in sorted(self.messages, key=lambda entry: entry.received_at):
            if entry.trust is Trust.VERIFIED and not entry.guest:
                latest[entry.address_key] = entry
        for address, entry in latest.items():
            conversation = self.conversations.get(entry.conversation_id)
            while conversation and conversation.joined:
                conversation = self.conversations.get(conversation.joined.conversation_id)
            if conversation is None or conversation.resolved_at:
                continue
            root = self.profiles[self.root(entry.home)]
            # Reopened by another address of theirs, it lists that one, and is still where it was.
            listed = conversation.id in root.open
            parts = (self.conversations[v].parts for v in root.open)
            there = listed or any(address in each for each in parts)
            assert there, f"{entry.id} is in nobody's inbox"
        for item in self.items:
            if item["type"] == "conversation" and "joined" not in item:
                listed = item["GSI1PK"].startswith(f"INBOX#{item['state']}#")
                assert listed, f"{item['id']} is listed as what it is not"
            assert "joined" not in item or "GSI1PK" not in item, f"{item['id']} is listed"

    def check_merges(self) -> None:
        """A merge is active as long as it joins two contacts, and no erasure is forgotten."""
        joining = {edge[0] for profile in self.profiles.values() for edge in profile.edges}
        active = {i["id"] for i in self.items if i["type"] == "merge" and i["state"] == "active"}
        assert active <= joining, "an active merge that joins nobody"
        for item in self.items:
            assert "erasing" not in item or "erased_at" in item, "an erasure without an end"

    def check_references(self) -> None:
        """A reference people can read leads to the one conversation that bears it."""
        leads = {i["PK"]: i["conversation"] for i in self.items if i["type"] == "reference"}
        for conversation in self.conversations.values():
            at = keys.reference(conversation.reference).pk
            assert leads.get(at) == conversation.id, f"{at} does not lead to {conversation.id}"

    def people(self) -> dict[str, object]:
        """Who is who, and in which conversations: all but the traces of decisions."""
        told: dict[str, object] = {}
        for profile in self.profiles.values():
            told[profile.id] = replace(profile, revision=0)
        told |= self.identities
        told |= {c.id: replace(c, revision=0) for c in self.conversations.values()}
        return told

    def check_identities(self) -> None:
        """Every address is on its home's profile, and its totals are its messages'."""
        count, cost = Counter[str](), Counter[str]()
        for entry in self.messages:
            count[entry.address_key] += 1
            cost[entry.address_key] += entry.cost.total_micro_usd if entry.cost else 0
        for key, identity in self.identities.items():
            if identity.erased_at:
                continue
            assert key in self.profiles[identity.home].addresses
            assert identity.messages == count[key], f"{key} counts wrong"
            assert identity.cost_micro_usd == cost[key], f"{key} costs wrong"

    def check_entries(self) -> None:
        """No delivery twice, every entry at the home of the address it came through."""
        by_delivery = Counter(entry.provider for entry in self.messages if entry.provider)
        assert not by_delivery or max(by_delivery.values()) == 1, "a delivery counted twice"
        for entry in self.messages:
            identity = self.identities[entry.address_key]
            profile = self.profiles[identity.home]
            homes = {identity.home, profile.arriving.get(identity.key, identity.home)}
            assert entry.home in homes, "an entry away from its address"
            # What somebody wrote on the conversation of one who was erased is theirs to keep.
            assert entry.conversation_id in self.conversations or self.erased

    def check_erased(self) -> None:
        """Nothing lies with an erased contact or leads to it, and nothing hangs in the air."""
        gone = self.erased
        for item in self.items:
            kind, _, name = item["PK"].partition("#")
            if kind == "CONTACT" and name in gone:
                assert item["SK"] == "PROFILE", f"{item['SK']} of somebody who was erased"
            if kind == "CONVERSATION":
                assert name in self.conversations, f"{item['SK']} of no conversation"
            if kind == "REFERENCE":
                assert item["conversation"] in self.conversations, "a reference to nothing"
            if item["type"] in ("identity", "conversation", "entry"):
                assert item["home"] not in gone, f"a {item['type']} of somebody who was erased"

    def check(self) -> None:
        """Everything that must hold at any instant."""
        self.check_roots()
        self.check_open_maps()
        self.check_participants()
        self.check_identities()
        self.check_entries()
        self.check_erased()
        self.check_references()


def _scan(table: Table) -> Iterable[WireItem]:
    """Everything. moto's own scan would take ten times as long to word its answer."""
    client = table._client
    if client.meta.endpoint_url.endswith("amazonaws.com"):
        backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name]
        for item in backend.tables[table.name].all_items():
            yield {name: _wire(value) for name, value in item.attrs.items()}
        return
    for page in client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True):
        yield from page["Items"]  # type: ignore[misc]  # the stubs know every type of value


def _wire(value: DynamoType) -> dict[str, Any]:
    if value.is_map():
        return {"M": {name: _wire(part) for name, part in value.value.items()}}
    if value.is_list():
        return {"L": [_wire(part) for part in value.value]}
    return {value.type: value.value}

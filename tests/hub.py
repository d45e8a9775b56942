"""The recording side of the product on one table, as tests drive it."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.conversation import Conversation, State
from shared.model.identity import Address
from shared.model.message import InboundMessage
from shared.record import Recorded, record
from shared.store import contacts, conversations
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import NOW, price

KEYS = {"k1": b"a key for tests"}


@dataclass
class Hub:
    """A table and a bucket, and what the product does with them."""

    table: Table
    bodies: Bodies

    def receive(self, message: InboundMessage, *, now: datetime = NOW) -> Recorded:
        """A provider delivers a message."""
        return record(
            message,
            table=self.table,
            bodies=self.bodies,
            now=now,
            price=price,
            reply_keys=KEYS,
        )

    def contact(self, address: Address) -> contacts.Contact:
        """Whom an address belongs to now."""
        identity = contacts.get_identity(self.table, address)
        assert identity, f"{address} is nobody"
        return contacts.get_contact(self.table, identity.home)

    def conversation(self, conversation_id: str) -> Conversation:
        """A conversation as it is now."""
        return conversations.get(self.table, conversation_id)

    def resolve(self, conversation_id: str, *, now: datetime = NOW) -> None:
        """An agent resolves a conversation."""
        seen = self.conversation(conversation_id)
        conversations.change(self.table, seen, now=now, by="agent", state=State.RESOLVED)

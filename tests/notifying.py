"""An office whose rules tell customers of what happens, with a sweep that a test calls."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from functions.notify_customer.requests import read
from shared.model.conversation import Conversation
from shared.model.entry import Entry, Kind
from shared.model.events import detail
from shared.model.notification import NoticeKey, Request
from shared.model.receipt import ReceiptKey
from shared.model.sending import StatusReport
from shared.notify import Notified, Notifier
from shared.receipts import Outcome, apply_report
from shared.rules.notification import Policy
from shared.store import due, items
from shared.store.attributes import Item
from shared.store.stream import announced
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, mail
from tests.outbound import DOMAIN, Office, price_out
from tests.streams import record, written

POLICY = Policy(time_zone="UTC", countries=frozenset({"US"}), hourly_cap=5, block_cap=100)


@dataclass
class Desk(Office):
    """An office with rules."""

    policy: Policy = field(default=POLICY)

    @property
    def notifier(self) -> Notifier:
        return Notifier(
            table=self.table,
            bodies=self.bodies,
            policy=self.policy,
            price=price_out,
            mail_domain=DOMAIN,
            now=self.now,
        )

    def item(self, item_id: str) -> Item:
        """The entry or conversation of this id."""
        return next(it for it in written(self.table) if it.get("id") == item_id)

    def event(self, item_id: str) -> dict[str, Any]:
        """The event of an entry, or a conversation's last, as a rule hands it over."""
        (event,) = announced(record(self.item(item_id)))
        return {"detail-type": event.metadata.type, "detail": detail(event)}

    def request(self, item_id: str, **constants: Any) -> Request:
        """What the rule `agent-answered` asks for when something happens, but for `constants`."""
        asked = read(
            json.dumps(
                {
                    "rule": "agent-answered",
                    "template": constants.get("rule", "agent-answered"),
                    "purpose": "transactional",
                    "ladder": ["sms"],
                    "wait_seconds": 600,
                    "debounce_seconds": 0,
                    "urgent": False,
                    "event": self.event(item_id),
                    **constants,
                }
            )
        )
        assert isinstance(asked, Request)
        return asked

    def tell(self, item_id: str, **constants: Any) -> Notified:
        """A rule's request comes off the queue."""
        return self.notifier.admit(self.request(item_id, **constants))

    def sweep(self) -> list[Notified]:
        """Each notice that is due has its turn."""
        keys = [key for key in due.ready(self.table, self.now) if isinstance(key, NoticeKey)]
        return [self.notifier.release(key) for key in keys]

    def waiting(self) -> list[Item]:
        """The notices that wait."""
        kinds = ("debounce", "ladder")
        return [it for it in written(self.table) if it.get("kind") in kinds]

    def entries(self) -> list[Entry]:
        """All that rules wrote, oldest first."""
        entries = [items.read_entry(it) for it in written(self.table) if it["type"] == "entry"]
        told = [entry for entry in entries if entry.kind is Kind.NOTIFICATION]
        return sorted(told, key=lambda entry: entry.occurred_at)

    def notifications(self) -> list[Entry]:
        """What was written to customers."""
        return [entry for entry in self.entries() if entry.direction == "outbound"]

    def told_agents(self) -> list[str]:
        """What the timeline says was not sent."""
        return [entry.text for entry in self.entries() if entry.direction == "internal"]

    def conversation(self, conversation_id: str) -> Conversation:
        return self.hub.conversation(conversation_id)

    def report(self, entry: Entry, state: str, **fields: Any) -> Outcome:
        """The provider says what became of a message."""
        report = StatusReport(
            provider=fields.pop("provider", "twilio"),
            provider_id="id-1",
            state=state,
            at=self.now,
            **fields,
        )
        return apply_report(place(entry), report, table=self.table, now=self.now)

    def at(self, **by: float) -> "Desk":
        """The same desk at another time."""
        later = replace(self)
        later.wait(**by)
        return later


def place(entry: Entry) -> ReceiptKey:
    """Where a message's receipt lies."""
    return ReceiptKey(home=entry.home, at=entry.occurred_at, entry_id=entry.id)


def known_by_mail_and_phone(office: Desk) -> str:
    """Ana's site vouches for her address and number; she has closed that chat. Her contact."""
    chatted = office.hub.receive(chat(vouched=(ANA_EMAIL, ANA_PHONE)))
    office.hub.resolve(chatted.conversation_id)
    return chatted.contact_id


def answered_mail(office: Desk, **fields: Any) -> tuple[str, str]:
    """Ana mails, an agent answers: the conversation and the answer's entry."""
    contact = known_by_mail_and_phone(office)
    mailed = office.hub.receive(mail(**fields))
    answer = office.answer(contact, conversation_id=mailed.conversation_id)
    return mailed.conversation_id, answer.entry.id


def stopped(reason: str) -> Notified:
    """What the rule `agent-answered` comes to when it tells nothing."""
    return Notified(stopped=reason, rule="agent-answered")

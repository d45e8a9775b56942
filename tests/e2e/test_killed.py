"""The one-machine hub, killed in the middle of a story, comes back as it last saved itself."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

from infrastructure.local.entrances import Entrances, received_mail
from tests.e2e.machine import Machine
from tests.e2e.test_entrances import contact_of, phone, soon, timeline

WITHIN = 90  # seconds: the first message after a start waits for a cold start
KEPT = ("entry", "receipt", "conversation", "identity", "profile", "delivery", "cost_line")


class Story:
    """What Kay and an agent do: each step under an id of its own, so that it may come again."""

    def __init__(self, hub: Entrances, name: str) -> None:
        self.hub, self.name, self.phone = hub, name, phone()
        self.address = f"{name}@example.com"
        mailbox = hub.hub["mail"]["address"]
        self.raw = received_mail(self.address, mailbox, "A wet parcel", "It is all wet.")

    @property
    def steps(self) -> tuple[Callable[[], Any], ...]:
        return self.chat, self.mail, self.answer, self.text

    def chat(self) -> None:
        visitor = {"id": self.name, "email": self.address, "phone": self.phone, "verified": True}
        assert self.hub.chat_message("s-1", visitor, "Hello there", delivery=f"msg_{self.name}").ok

    def mail(self) -> None:
        self.hub.mail(self.raw, name=self.name)
        soon("the mail", lambda: self.entry("It is all wet"), within=WITHIN)

    def answer(self) -> None:
        mailed = soon("the mail", lambda: self.entry("It is all wet"), within=WITHIN)
        body = {
            "channel": "email",
            "text": "A dry one is on its way.",
            "conversation_id": mailed["conversation_id"],
        }
        path, key = f"/v1/contacts/{mailed['contact_id']}/messages", {"Idempotency-Key": self.name}
        answered = self.hub.api("POST", path, body=body, headers=key)
        assert answered.status_code == 202, answered.text

    def text(self) -> None:
        assert self.hub.text_message(self.phone, "Thank you!", sid=f"SM{self.name}").ok

    def entries(self) -> list[dict[str, Any]]:
        contact = contact_of(self.hub, f"email:{self.address}")
        return timeline(self.hub, contact["id"], order="asc") if contact else []

    def entry(self, words: str) -> dict[str, Any] | None:
        return next((it for it in self.entries() if words in it["text"]), None)

    def settled(self) -> list[dict[str, Any]] | None:
        """Its timeline once everything that was to leave has arrived."""
        entries = self.entries()
        out = [it for it in entries if it["receipt"]]
        is_over = out and all(it["receipt"]["state"] == "delivered" for it in out)
        return entries if is_over and self.entry("Thank you!") else None


def engine_of(machine: Machine) -> int:
    (line,) = [it for it in machine.processes() if "engine_process" in it]
    return int(line.split()[0])


def kill(machine: Machine) -> None:
    """The engine is gone at once, with its functions; the hub, which is the world, sees it."""
    os.killpg(engine_of(machine), signal.SIGKILL)
    assert machine.process
    machine.process.wait(WITHIN)


def items(hub: Entrances) -> dict[tuple[str, str], Any]:
    """What the table holds of people and of what was said."""
    client = hub.aws.client("dynamodb")
    pages = client.get_paginator("scan").paginate(TableName=hub.hub["aws"]["table"])
    found = [item for page in pages for item in page["Items"]]
    return {(it["PK"]["S"], it["SK"]["S"]): it for it in found if it["type"]["S"] in KEPT}


def test_a_hub_killed_in_the_middle_of_a_story_tells_it_to_its_end_when_it_is_posted_again(
    machine: Machine,
) -> None:
    machine.stop()
    machine.start()
    hub = Entrances(machine.hub)
    before, story = items(hub), Story(hub, "kay")
    for step in story.steps[:3]:
        step()
    kill(machine)  # while what was written is on its way
    machine.start()
    assert items(hub) == before

    for _ in range(2):
        for step in story.steps:
            step()
    entries = soon("the end", story.settled, within=WITHIN)
    told = Counter(it["text"] for it in entries if it["kind"] == "message")
    assert told == {
        "Hello there": 1,
        "It is all wet.": 1,
        "A dry one is on its way.": 1,
        "Thank you!": 1,
    }
    contact = contact_of(hub, f"email:{story.address}")
    assert contact
    costs = [entry["cost_micro_usd"] or 0 for entry in entries]
    assert contact["cost"]["total_micro_usd"] == sum(costs)
    assert len(contact["open_conversations"]) == 2  # the chat, and the mail's own matter

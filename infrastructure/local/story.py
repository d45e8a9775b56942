"""One short true story, told by what the hub itself says: chat, mail, SMS, one timeline.

Everything goes in through the public entrances, and each sentence is printed only after the API
has shown that it is so.
"""

import secrets
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from infrastructure.local import show
from infrastructure.local.console import HubError, say, wait_for
from infrastructure.local.entrances import Entrances, received_mail
from infrastructure.local.place import Place

NAMES = ("Ada Park", "Ben Osei", "Carla Ruiz", "Dmitri Sand", "Emi Tanaka", "Femi Ade", "Gwen Hale")
FIRST_VISITOR = 12
VISITORS = 99  # the fictional US numbers 555-0101 to 555-0199
SUBJECT = "Where is my order 1042?"
HOMES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo")


@dataclass(frozen=True)
class Customer:
    """The story's customer; each telling has one the hub has not met."""

    name: str
    visitor: str
    email: str
    phone: str

    @property
    def first_name(self) -> str:
        return self.name.split()[0]

    @property
    def chat_visitor(self) -> dict[str, Any]:
        """What the site's own back end vouches for."""
        known = {"name": self.name, "email": self.email, "phone": self.phone}
        return {"id": self.visitor, **known, "verified": True}


def customer(number: int) -> Customer:
    """The customer of the `number`th telling, from 0."""
    name = NAMES[number % len(NAMES)]
    round_ = number // len(NAMES)
    mailbox = name.lower().replace(" ", ".") + (str(round_ + 1) if round_ else "")
    return Customer(
        name=name,
        visitor=f"v-{FIRST_VISITOR + number}",
        email=f"{mailbox}@example.com",
        phone=f"+1202555{101 + number:04}",
    )


def play_or_recall(hub: Entrances) -> None:
    """Tell the story on a hub without data; on one with data, show what it still knows."""
    known = find_contact(hub, customer(0))
    if known is None:
        play(hub)
    else:
        say(f"\nThe hub has its data of earlier runs. {known['name']}'s timeline:\n")
        say(show.timeline_table(timeline(hub, known["id"])))


def play(hub: Entrances) -> None:
    """Tell the story; raises HubError with one line at the first thing that does not come true."""
    who = next(
        (each for each in map(customer, range(VISITORS)) if not find_contact(hub, each)), None
    )
    if who is None:
        raise HubError("the story has no new customers left; start anew with `make run FRESH=1`")
    before = len(hub.outbox())
    say(f"\nThe story of {who.name}, a customer of a small shop\n")
    contact_id = prologue(hub, who)
    ticket = the_mail(hub, who, contact_id)
    the_answer(hub, who, contact_id, ticket)
    the_text_message(hub, who, contact_id, ticket)
    the_chat(hub, who, contact_id)
    settled = wait_for("every message is reported delivered", lambda: all_settled(hub, contact_id))
    contact = get(hub, f"/v1/contacts/{contact_id}")
    say(f"\n{who.name}'s timeline, over all channels, {show.money(cost_of(contact))} in all:\n")
    say(show.timeline_table(settled))
    say("\nWhat went out through the providers:\n")
    say(show.outbox_table(hub.outbox()[before:]))


def prologue(hub: Entrances, who: Customer) -> str:
    """The site vouches for its visitor; returns the contact's id."""
    question = "Hi, do you ship to Canada?"
    accepted(hub.chat_message(f"s-{secrets.token_hex(3)}", who.chat_visitor, question))
    contact = wait_for(f"{who.first_name} is known", lambda: find_contact(hub, who))
    entry = entry_with(hub, contact["id"], question)
    tell(
        f"0  On the shop's chat {who.first_name} asks: “{question}” They are signed in there, so"
        f" the shop vouches for {who.email} and {who.phone}."
    )
    home = somewhere_it_is_day(datetime.now(UTC))
    accepted(hub.api("PATCH", f"/v1/contacts/{contact['id']}", body={"time_zone": home}))
    answer = send(hub, contact["id"], channel="chat", text="We do: 9 dollars, about a week.")
    wait_for("the chat answer reaches the site", lambda: outbox_row(hub, "chat", answer["text"]))
    conversation = entry["conversation_id"]
    changed = hub.api("PATCH", f"/v1/conversations/{conversation}", body={"state": "resolved"})
    accepted(changed)
    tell(f"   An agent answers and resolves conversation {changed.json()['reference']}.")
    return str(contact["id"])


def the_mail(hub: Entrances, who: Customer, contact_id: str) -> dict[str, Any]:
    """A mail opens a ticket; returns its conversation."""
    address = hub.hub["mail"]["address"]
    text = "Hello,\n\nmy order 1042 should have been here on Tuesday. Where is it?\n"
    text += f"\n{who.first_name}\n"
    hub.mail(received_mail(f"{who.name} <{who.email}>", address, SUBJECT, text))
    entry = entry_with(hub, contact_id, "my order 1042")
    ticket = get(hub, f"/v1/conversations/{entry['conversation_id']}")
    expect(ticket["subject"] == SUBJECT, "the mail opens a ticket of its own")
    wait_for("the mail is acknowledged", lambda: outbox_row(hub, "ses", str(ticket["reference"])))
    tell(
        f"1  {who.first_name} mails {address}: “{SUBJECT}” DMARC passes, so the sender is known to"
        f" be {who.first_name}. Ticket {ticket['reference']} opens, and a mail says so."
    )
    return ticket


def the_answer(hub: Entrances, who: Customer, contact_id: str, ticket: dict[str, Any]) -> None:
    """An agent answers by e-mail, and a rule of the template tells the customer by SMS."""
    answer = send(
        hub,
        contact_id,
        channel="email",
        conversation_id=ticket["id"],
        text="It left us on Monday and is with the courier. It should be with you tomorrow.",
    )
    mail = wait_for("the answer leaves by e-mail", lambda: outbox_row(hub, "ses", answer["text"]))
    reference = ticket["reference"]
    notice = wait_for(
        "the rule sends an SMS about it", lambda: outbox_row(hub, "twilio", reference)
    )
    expect(notice["to"] == who.phone, f"the SMS goes to {who.first_name}'s verified number")
    tell(
        f"2  An agent answers over the API. It leaves by e-mail as “{mail['subject']}”, and a rule"
        f" in template.yaml sends {notice['to']} an SMS: “{notice['text']}”"
    )


def the_text_message(
    hub: Entrances, who: Customer, contact_id: str, ticket: dict[str, Any]
) -> None:
    """The customer answers the SMS, and it is on the mail's ticket."""
    text = "Thanks! Can the courier leave it with my neighbour?"
    accepted(hub.text_message(who.phone, text))
    entry = entry_with(hub, contact_id, text)
    expect(entry["conversation_id"] == ticket["id"], "the SMS stands on the e-mail ticket")
    tell(
        f"3  {who.first_name} answers that SMS: “{text}” It stands on ticket {ticket['reference']},"
        " beside the mails."
    )


def the_chat(hub: Entrances, who: Customer, contact_id: str) -> None:
    """The same visitor opens the chat again, on the same timeline."""
    text = "It's me again: the parcel has just arrived."
    accepted(hub.chat_message(f"s-{secrets.token_hex(3)}", who.chat_visitor, text))
    entry_with(hub, contact_id, text)
    tell(
        f"4  {who.first_name} opens the chat: “{text}” It joins the same timeline: whoever answers"
        " has all of it on screen."
    )


def somewhere_it_is_day(now: datetime) -> str:
    """A zone in which people may be texted now; elsewhere a text waits for the morning."""
    return next(zone for zone in HOMES if 9 <= now.astimezone(ZoneInfo(zone)).hour < 20)


def show_way_in(hub: Entrances, place: Place) -> None:
    """The URLs, and a curl that works when it is pasted."""
    contact = find_contact(hub, customer(0))
    path = f"/v1/contacts/{contact['id']}/timeline?limit=3" if contact else "/v1/conversations"
    say(f"\n  API      {hub.api_url}/v1    (tokens, secrets: {place.hub_file})")
    say(f"  webhooks {hub.api_url}/webhooks/twilio/messages and /webhooks/chat")
    say(f"  outbox   {hub.hub['outbox_url']}    (what the providers received)")
    say(f"  AWS      {hub.hub['aws']['endpoint_url']}    (region {hub.hub['aws']['region']})")
    say(f"\n  curl -s -H @{place.authorization_file} '{hub.api_url}{path}'")
    say("\nUp until Ctrl-C. `make story` plays the story again.")


def tell(sentences: str) -> None:
    """Print a part of the story; its number stands out at the left."""
    say(textwrap.fill(sentences, 96, initial_indent="  ", subsequent_indent="     "))


def find_contact(hub: Entrances, who: Customer) -> dict[str, Any] | None:
    answer = hub.api("GET", "/v1/contacts", params={"identity": f"email:{who.email}"})
    return next(iter(accepted(answer).json()["items"]), None)


def timeline(hub: Entrances, contact_id: str) -> list[dict[str, Any]]:
    """The contact's whole timeline, oldest first."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"order": "asc", **({"cursor": cursor} if cursor else {})}
        page = accepted(hub.api("GET", f"/v1/contacts/{contact_id}/timeline", params=params)).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def entry_with(hub: Entrances, contact_id: str, text: str) -> dict[str, Any]:
    """The timeline's newest entry with this text, as soon as it is there."""

    def newest() -> dict[str, Any] | None:
        entries = reversed(timeline(hub, contact_id))
        return next((entry for entry in entries if text in (entry["text"] or "")), None)

    return wait_for(f"“{text}” is on the timeline", newest)


def all_settled(hub: Entrances, contact_id: str) -> list[dict[str, Any]] | None:
    """The timeline, once every outbound message on it was delivered."""
    entries = timeline(hub, contact_id)
    states = [(entry["receipt"] or {}).get("state") for entry in entries]
    waiting = [
        entry
        for entry, state in zip(entries, states, strict=True)
        if entry["direction"] == "outbound" and state not in ("delivered", "read")
    ]
    return None if waiting else entries


def outbox_row(hub: Entrances, provider: str, text: str) -> dict[str, Any] | None:
    """The newest request that a provider received with this text."""
    rows = reversed(hub.outbox(provider))
    return next((row for row in rows if text in (row["text"] or "")), None)


def send(hub: Entrances, contact_id: str, **message: str) -> dict[str, Any]:
    """An agent's message; returns its entry."""
    key = {"Idempotency-Key": secrets.token_hex(8)}
    answer = hub.api("POST", f"/v1/contacts/{contact_id}/messages", body=message, headers=key)
    return dict(accepted(answer).json())


def get(hub: Entrances, path: str) -> dict[str, Any]:
    return dict(accepted(hub.api("GET", path)).json())


def cost_of(contact: dict[str, Any]) -> int:
    return int(contact["cost"]["total_micro_usd"])


def accepted(answer: Any) -> Any:
    """The answer, when it is a good one; raises HubError otherwise."""
    if not answer.ok:
        asked = f"{answer.request.method} {answer.request.path_url.partition('?')[0]}"
        raise HubError(f"{asked} is answered with {answer.status_code} {answer.text}")
    return answer


def expect(is_true: bool, what: str) -> None:
    if not is_true:
        raise HubError(f"the story stops here, for it is not so that {what}")

"""The deployed hub from outside: providers' webhooks and mail in, the API and the providers out."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
import requests

from infrastructure.local.entrances import Entrances, received_mail
from infrastructure.local.standins.site import post_signed
from infrastructure.local.story import somewhere_it_is_day

T = TypeVar("T")
WITHIN_SECONDS = 5.0
_numbers = count(1)


def soon(what: str, look: Callable[[], T | None], *, within: float = WITHIN_SECONDS) -> T:
    """What `look` gives once it gives something; fails when that takes too long."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within} s: {what}")


def phone() -> str:
    """A number nobody has used before."""
    return f"+1415555{2000 + next(_numbers)}"


def contact_of(hub: Entrances, identity: str) -> dict[str, Any] | None:
    """The contact that an identity such as `phone:+1…` belongs to."""
    found = hub.api("GET", "/v1/contacts", params={"identity": identity})
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.json()["items"]
    return items[0] if items else None


def timeline(hub: Entrances, contact_id: str, **params: str) -> list[dict[str, Any]]:
    """The whole timeline, page by page, in the order it comes."""
    entries: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = hub.api(
            "GET",
            f"/v1/contacts/{contact_id}/timeline",
            params={**params, **({"cursor": cursor} if cursor else {})},
        )
        assert page.status_code == 200, page.text
        entries += page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return entries


def entry_with(hub: Entrances, identity: str, text: str) -> dict[str, Any] | None:
    """The entry with this text on the timeline of whoever the identity belongs to."""
    contact = contact_of(hub, identity)
    entries = timeline(hub, contact["id"]) if contact else []
    return next((entry for entry in entries if text in entry["text"]), None)


@pytest.fixture
def known(entrances: Entrances) -> dict[str, Any]:
    """A customer the site vouches for, with an e-mail address and a phone."""
    number = next(_numbers)
    visitor = {
        "id": f"known-{number}",
        "name": "Kim Known",
        "email": f"kim{number}@example.com",
        "phone": phone(),
        "verified": True,
    }
    assert entrances.chat_message("s-1", visitor, "first words").ok
    contact = soon("known", lambda: contact_of(entrances, f"email:{visitor['email']}"))
    home = somewhere_it_is_day(datetime.now(UTC))
    assert entrances.api("PATCH", f"/v1/contacts/{contact['id']}", body={"time_zone": home}).ok
    return visitor


def test_an_sms_is_on_the_timeline_once_however_often_it_is_delivered(
    entrances: Entrances,
) -> None:
    sender, sid = phone(), f"SM{secrets.token_hex(16)}"
    for _ in range(3):
        answered = entrances.text_message(sender, "three times", sid=sid)
        assert answered.status_code == 200
        assert "<Response" in answered.text
    soon("the SMS", lambda: entry_with(entrances, f"phone:{sender}", "three times"))
    contact = contact_of(entrances, f"phone:{sender}")
    assert contact
    assert [entry["text"] for entry in timeline(entrances, contact["id"])] == ["three times"]


def test_an_mms_brings_its_picture_as_an_attachment(entrances: Entrances) -> None:
    sender = phone()
    answered = entrances.text_message(
        sender,
        "look at this",
        NumMedia="1",
        MediaUrl0="https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
        MediaContentType0="image/jpeg",
    )
    assert answered.status_code == 200
    entry = soon("the MMS", lambda: entry_with(entrances, f"phone:{sender}", "look at this"))
    assert [a["media_type"] for a in entry["attachments"]] == ["image/jpeg"]


def test_a_chat_message_is_on_the_timeline_once_however_often_it_is_delivered(
    entrances: Entrances,
) -> None:
    visitor = {"id": f"v-{secrets.token_hex(4)}", "verified": True}
    delivery = f"msg_{secrets.token_hex(8)}"
    for _ in range(3):
        assert entrances.chat_message("s-9", visitor, "from the chat", delivery=delivery).ok
    soon("the chat", lambda: entry_with(entrances, f"chat:{visitor['id']}", "from the chat"))
    contact = contact_of(entrances, f"chat:{visitor['id']}")
    assert contact
    assert len(timeline(entrances, contact["id"])) == 1


def test_a_mail_is_on_the_timeline_once_however_often_it_is_delivered(
    entrances: Entrances,
) -> None:
    sender = f"mia{next(_numbers)}@example.com"
    raw = received_mail(sender, entrances.hub["mail"]["address"], "Hello", "three mails\n")
    name = secrets.token_hex(20)
    for _ in range(3):
        entrances.mail(raw, name=name)
    entry = soon("the mail", lambda: entry_with(entrances, f"email:{sender}", "three mails"))
    time.sleep(1)
    contact = contact_of(entrances, f"email:{sender}")
    assert contact
    assert len(timeline(entrances, contact["id"])) == 1
    assert entry["trust"] == "verified"
    conversation = entrances.api("GET", f"/v1/conversations/{entry['conversation_id']}").json()
    assert conversation["reference"].startswith("#")


def test_unsigned_requests_are_refused_and_leave_no_trace(entrances: Entrances) -> None:
    sender, visitor = phone(), f"v-{secrets.token_hex(4)}"
    base = entrances.api_url
    form = {"MessageSid": "SMforged", "From": sender, "To": "+1", "Body": "forged"}
    forged = {"X-Twilio-Signature": "Zm9yZ2Vk"}
    sms = f"{base}/webhooks/twilio/messages"
    assert requests.post(sms, data=form, timeout=30).status_code == 403
    assert requests.post(sms, data=form, headers=forged, timeout=30).status_code == 403
    chat = post_signed(
        f"{base}/webhooks/chat",
        "msg_forged",
        {
            "type": "message.created",
            "timestamp": datetime.now(UTC).isoformat(),
            "data": {"session": "s", "text": "forged", "visitor": {"id": visitor}},
        },
        "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB",
    )
    assert chat.status_code == 401
    assert requests.post(f"{base}/webhooks/chat", json={}, timeout=30).status_code == 401
    status = f"{base}/webhooks/twilio/status/ctc_1/2026-11-20T12:00:00.000Z/ent_1"
    refused = requests.post(status, data={"MessageSid": "SM1", "MessageStatus": "read"}, timeout=30)
    assert refused.status_code == 403
    assert contact_of(entrances, f"phone:{sender}") is None
    assert contact_of(entrances, f"chat:{visitor}") is None


NOISE = {
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00Body=\xc3\x28",
    "a megabyte": secrets.token_bytes(1_000_000),
    "broken JSON": b'{"type": "message.created", "data": {',
    "a list": b"[1, 2, 3]",
    "nesting": b"[" * 50_000,
}
TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain", "image/png", ""]


@pytest.mark.parametrize("path", ["/webhooks/twilio/messages", "/webhooks/chat"])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE.keys())
def test_noise_is_the_senders_fault(entrances: Entrances, path: str, noise: bytes) -> None:
    for media_type in TYPES:
        headers = {"Content-Type": media_type} if media_type else {}
        signed = headers | {
            "X-Twilio-Signature": "bm90IHNpZ25lZA==",
            "webhook-id": "msg_noise",
            "webhook-timestamp": str(int(time.time())),
            "webhook-signature": "v1,bm90IHNpZ25lZA==",
        }
        for sent in (headers, signed):
            answered = requests.post(entrances.api_url + path, data=noise, headers=sent, timeout=30)
            assert 400 <= answered.status_code < 500, (media_type, answered.status_code)


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE.keys())
def test_noise_that_is_signed_is_refused_or_kept_to_be_looked_at(
    entrances: Entrances, noise: bytes
) -> None:
    if len(noise) > 500_000:
        noise = noise[:200_000]
    sent_at, key = str(int(time.time())), entrances.hub["chat"]["secret"].removeprefix("whsec_")
    to_sign = b"msg_noise." + sent_at.encode() + b"." + noise
    digest = hmac.new(base64.b64decode(key), to_sign, hashlib.sha256).digest()
    answered = requests.post(
        f"{entrances.api_url}/webhooks/chat",
        data=noise,
        headers={
            "Content-Type": "application/json",
            "webhook-id": "msg_noise",
            "webhook-timestamp": sent_at,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        },
        timeout=30,
    )
    assert answered.status_code == 202 or 400 <= answered.status_code < 500, answered.text


def test_an_agents_message_leaves_by_each_channel(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    contact = contact_of(entrances, f"email:{known['email']}")
    assert contact
    for channel, provider in [("email", "ses"), ("sms", "twilio"), ("chat", "chat")]:
        text = f"by {channel} {secrets.token_hex(4)}"
        sent = entrances.api(
            "POST",
            f"/v1/contacts/{contact['id']}/messages",
            body={"channel": channel, "text": text},
            headers={"Idempotency-Key": secrets.token_hex(8)},
        )
        assert sent.status_code == 202, sent.text
        assert sent.json()["receipt"]["state"] == "queued"

        def row(text: str = text, provider: str = provider) -> dict[str, Any] | None:
            rows = entrances.outbox(provider)
            return next((row for row in rows if text in (row["text"] or "")), None)

        assert soon(f"{text} leaves", row, within=10)

        def delivered(text: str = text) -> bool:
            entry = entry_with(entrances, f"email:{known['email']}", text)
            states = ("accepted", "sent", "delivered")
            return bool(entry and entry["receipt"]["state"] in states)

        assert soon(f"{text} is reported", delivered, within=10)


def test_the_same_idempotency_key_sends_once_and_another_body_is_refused(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    contact = contact_of(entrances, f"email:{known['email']}")
    assert contact
    path, key = f"/v1/contacts/{contact['id']}/messages", secrets.token_hex(8)
    text = f"once {secrets.token_hex(4)}"
    send = [
        entrances.api("POST", path, body=body, headers={"Idempotency-Key": key})
        for body in (
            {"channel": "sms", "text": text},
            {"channel": "sms", "text": text},
            {"channel": "sms", "text": text + " but different"},
        )
    ]
    assert [answer.status_code for answer in send] == [202, 202, 422]
    assert send[0].json()["id"] == send[1].json()["id"]
    soon("it leaves", lambda: [r for r in entrances.outbox("twilio") if text in r["text"]])
    time.sleep(1)
    assert len([r for r in entrances.outbox("twilio") if text in r["text"]]) == 1


def test_nothing_goes_to_whoever_said_stop_until_they_say_start(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    contact = contact_of(entrances, f"phone:{known['phone']}")
    assert contact
    path = f"/v1/contacts/{contact['id']}"
    text = f"after the stop {secrets.token_hex(4)}"

    def send() -> requests.Response:
        body = {"channel": "sms", "text": text}
        return entrances.api("POST", f"{path}/messages", body=body)

    def states() -> list[str]:
        consent = entrances.api("GET", f"{path}/consent").json()
        return [item["state"] for item in consent["items"] if item["medium"] == "text"]

    answered = entrances.text_message(known["phone"], " Stop. ")
    assert answered.ok
    assert "<Message" not in answered.text
    assert states() == ["denied"]
    refused = send()
    assert (refused.status_code, refused.json()["reason"]) == (409, "no_consent")
    word = {
        "identity": {"kind": "phone", "value": known["phone"]},
        "medium": "text",
        "state": "granted",
        "source": "an agent's hope",
    }
    assert entrances.api("PUT", f"{path}/consent", body=word).status_code == 409
    assert entrances.text_message(known["phone"], "START").ok
    assert states() == ["granted"]
    assert send().status_code == 202
    soon("it leaves", lambda: [r for r in entrances.outbox("twilio") if text in r["text"]])
    assert len([r for r in entrances.outbox("twilio") if text in r["text"]]) == 1


def test_an_sms_about_a_mail_is_answered_onto_the_mails_ticket(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    mailbox = entrances.hub["mail"]["address"]
    entrances.mail(received_mail(known["email"], mailbox, "A torn seam", "The seam is torn.\n"))
    asked = soon("the mail", lambda: entry_with(entrances, f"email:{known['email']}", "torn"))
    ticket = entrances.api("GET", f"/v1/conversations/{asked['conversation_id']}").json()
    answered = entrances.api(
        "POST",
        f"/v1/contacts/{asked['contact_id']}/messages",
        body={"channel": "auto", "text": "We mend it.", "conversation_id": ticket["id"]},
    )
    assert answered.status_code == 202, answered.text
    assert answered.json()["channel"] == "email"

    def notice() -> dict[str, Any] | None:
        rows = [row for row in entrances.outbox("twilio") if row["to"] == known["phone"]]
        return next((row for row in rows if ticket["reference"] in row["text"]), None)

    soon("the SMS about the answer", notice, within=10)
    assert entrances.text_message(known["phone"], "thank you for mending").ok
    thanks = soon("thanks", lambda: entry_with(entrances, f"phone:{known['phone']}", "for mending"))
    assert thanks["conversation_id"] == ticket["id"]


def test_spoofed_mail_is_shown_marked_and_nobody_is_texted(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    raw = received_mail(known["email"], entrances.hub["mail"]["address"], "Hi", "spoofed words\n")
    before = len(entrances.outbox("twilio"))
    entrances.mail(raw.replace(b"dmarc=pass", b"dmarc=fail"))
    entry = soon("the mail", lambda: entry_with(entrances, f"email:{known['email']}", "spoofed"))
    assert entry["trust"] == "claimed"
    time.sleep(1)
    assert len(entrances.outbox("twilio")) == before


def test_twenty_first_messages_at_once_over_two_channels_make_one_contact_and_conversation(
    entrances: Entrances,
) -> None:
    sender = phone()

    def deliver(number: int) -> int:
        """Twilio delivers, and repeats what was not answered (#rc=3&rp=all): a cold start each."""
        sid = f"SM{secrets.token_hex(16)}"
        by_whatsapp = {"From": f"whatsapp:{sender}", "WaId": sender.removeprefix("+")}
        fields = by_whatsapp if number % 2 else {}
        for _ in range(3):
            try:
                answered = entrances.text_message(sender, f"text {number}", sid=sid, **fields)
            except requests.Timeout:
                continue
            if answered.status_code < 500:
                return answered.status_code
        return 0

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(deliver, range(20)))
    assert answers == {200}
    contact = soon("the contact", lambda: contact_of(entrances, f"phone:{sender}"))
    entries = timeline(entrances, contact["id"], limit="7")
    assert len(entries) == 20
    assert {entry["channel"] for entry in entries} == {"sms", "whatsapp"}
    assert {entry["contact_id"] for entry in entries} == {contact["id"]}
    assert {e["conversation_id"] for e in entries} == {
        c["id"] for c in contact["open_conversations"]
    }
    assert len(contact["open_conversations"]) == 1


def test_paging_gives_every_entry_once_in_order_while_new_ones_arrive(
    entrances: Entrances,
) -> None:
    sender = phone()
    for number in range(7):
        assert entrances.text_message(sender, f"text {number}").ok
    contact = soon("the contact", lambda: contact_of(entrances, f"phone:{sender}"))
    seen: list[dict[str, Any]] = []
    params = {"limit": "2"}
    while True:
        page = entrances.api("GET", f"/v1/contacts/{contact['id']}/timeline", params=params)
        assert page.status_code == 200, page.text
        seen += page.json()["items"]
        if page.json()["next_cursor"] is None:
            break
        params["cursor"] = page.json()["next_cursor"]
        assert entrances.text_message(sender, "arrives meanwhile").ok
    old = [entry["text"] for entry in seen if entry["text"].startswith("text")]
    assert old == [f"text {number}" for number in range(6, -1, -1)]
    assert len({entry["id"] for entry in seen}) == len(seen)


def test_a_tampered_or_foreign_cursor_is_refused(entrances: Entrances) -> None:
    one, two = phone(), phone()
    for sender in (one, one, one, two):
        assert entrances.text_message(sender, "hi").ok
    first = soon("one", lambda: contact_of(entrances, f"phone:{one}"))["id"]
    other = soon("two", lambda: contact_of(entrances, f"phone:{two}"))["id"]
    page = entrances.api("GET", f"/v1/contacts/{first}/timeline", params={"limit": "1"})
    cursor = page.json()["next_cursor"]
    middle = len(cursor) // 2
    tampered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for contact_id, params in [
        (first, {"limit": "1", "cursor": tampered}),
        (other, {"limit": "1", "cursor": cursor}),
        (first, {"limit": "1", "cursor": cursor, "channel": "sms"}),
        (first, {"cursor": "nonsense"}),
    ]:
        refused = entrances.api("GET", f"/v1/contacts/{contact_id}/timeline", params=params)
        assert refused.status_code == 400, refused.text
        assert refused.headers["content-type"].startswith("application/problem+json")


def test_a_message_older_than_the_cursor_stands_in_its_place(entrances: Entrances) -> None:
    visitor = {"id": f"v-{secrets.token_hex(4)}", "verified": True}
    now = datetime.now(UTC)

    def write(text: str, ago: timedelta) -> None:
        sent_at = (now - ago).isoformat()
        data = {"session": "s", "text": text, "sent_at": sent_at, "visitor": visitor}
        answered = post_signed(
            f"{entrances.api_url}/webhooks/chat",
            f"msg_{secrets.token_hex(8)}",
            {"type": "message.created", "timestamp": now.isoformat(), "data": data},
            entrances.hub["chat"]["secret"],
        )
        assert answered.ok, answered.text

    write("oldest", timedelta(hours=3))
    write("newest", timedelta(hours=1))
    contact = soon("the contact", lambda: contact_of(entrances, f"chat:{visitor['id']}"))
    path = f"/v1/contacts/{contact['id']}/timeline"
    first = entrances.api("GET", path, params={"limit": "1"}).json()
    write("late, in between", timedelta(hours=2))
    rest = entrances.api("GET", path, params={"limit": "1", "cursor": first["next_cursor"]}).json()
    assert [entry["text"] for entry in rest["items"]] == ["late, in between"]
    assert [entry["text"] for entry in timeline(entrances, contact["id"], order="asc")] == [
        "oldest",
        "late, in between",
        "newest",
    ]


def test_a_call_without_the_scope_is_refused(
    entrances: Entrances, known: dict[str, Any], hub: dict[str, Any]
) -> None:
    contact = contact_of(entrances, f"email:{known['email']}")
    assert contact
    path = f"/v1/contacts/{contact['id']}"
    read_only = hub["tokens"]["read_only"]
    assert requests.get(entrances.api_url + path, timeout=30).status_code == 401
    assert entrances.api("GET", path, token="nonsense").status_code == 401
    assert entrances.api("GET", path, token=read_only).status_code == 200
    patch = {"name": "No One"}
    assert entrances.api("PATCH", path, token=read_only, body=patch).status_code == 403
    text = {"channel": "sms", "text": "no"}
    sent = entrances.api("POST", f"{path}/messages", token=read_only, body=text)
    assert sent.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/contacts/ctc_nobody", None, 404),
        ("GET", "/v1/conversations/0000-00", None, 404),
        ("GET", "/v1/contacts?identity=nonsense", None, 422),
        ("GET", "/v1/contacts", None, 422),
        ("GET", "/v1/contacts/ctc_nobody/timeline?limit=abc", None, 400),
        ("POST", "/v1/contacts/ctc_nobody/messages", {"text": "hi"}, 404),
        ("POST", "/v1/contacts/ctc_nobody/messages", {"txt": "hi"}, 422),
        ("POST", "/v1/contacts/ctc_nobody/notes", [], 422),
    ],
)
def test_a_bad_request_gets_a_problem_that_says_why(
    entrances: Entrances, method: str, path: str, body: Any, status: int
) -> None:
    answered = entrances.api(method, path, body=body)
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"].startswith("application/problem+json")
    assert answered.json()["status"] == status


def test_what_a_contact_costs_is_the_sum_of_its_entries(
    entrances: Entrances, known: dict[str, Any]
) -> None:
    assert entrances.text_message(known["phone"], "priced").ok
    soon("priced", lambda: entry_with(entrances, f"phone:{known['phone']}", "priced"))
    contact = contact_of(entrances, f"phone:{known['phone']}")
    assert contact
    costs = [entry["cost_micro_usd"] or 0 for entry in timeline(entrances, contact["id"])]
    assert sum(costs) == contact["cost"]["total_micro_usd"] > 0

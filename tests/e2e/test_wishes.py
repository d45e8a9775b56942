"""What may be a wish to be left alone, and WhatsApp as agents choose it, on the deployed hub."""

import secrets

from infrastructure.local.entrances import Entrances, received_mail
from tests.e2e.test_entrances import contact_of, entry_with, phone, soon


def test_a_wish_by_mail_is_on_everybodys_list_until_it_is_dismissed(entrances: Entrances) -> None:
    sender = f"wish{secrets.token_hex(4)}@example.com"
    words = "Please stop texting me.\n"
    entrances.mail(received_mail(sender, entrances.hub["mail"]["address"], "Enough", words))
    entry = soon("the mail", lambda: entry_with(entrances, f"email:{sender}", "stop texting"))

    def listed() -> list[str]:
        page = entrances.api("GET", "/v1/consent-requests").json()
        return [it["id"] for it in page["items"] if it["contact_id"] == entry["contact_id"]]

    assert soon("it is listed", listed) == [entry["id"]]
    said = entrances.api(
        "POST", f"/v1/consent-requests/{entry['id']}/dismiss", body={"reason": "a quotation"}
    )
    assert said.status_code == 200, said.text
    assert listed() == []
    assert soon("it is told", lambda: entry_with(entrances, f"email:{sender}", "a quotation"))


def test_whatsapp_takes_a_template_first_and_words_once_they_wrote_there(
    entrances: Entrances,
) -> None:
    number, text = phone(), f"words {secrets.token_hex(4)}"
    assert entrances.text_message(number, "hello").ok
    contact = soon("the contact", lambda: contact_of(entrances, f"phone:{number}"))
    path, template = f"/v1/contacts/{contact['id']}/messages", f"HX{secrets.token_hex(16)}"
    body = {"channel": "whatsapp", "text": text}
    assert entrances.api("POST", path, body=body).status_code == 422
    approved = {**body, "template": {"id": template, "variables": {"1": "Ana"}}}
    assert entrances.api("POST", path, body=approved).status_code == 202
    fields = {"From": f"whatsapp:{number}", "WaId": number.removeprefix("+")}
    assert entrances.text_message(number, "hello", **fields).ok
    assert entrances.api("POST", path, body=body).status_code == 202

    def sent() -> set[str]:
        rows = [it for it in entrances.outbox("twilio") if it["to"] == f"whatsapp:{number}"]
        return {it["text"] for it in rows} if len(rows) > 1 else set()

    assert soon("both leave", sent, within=15) == {text, template}

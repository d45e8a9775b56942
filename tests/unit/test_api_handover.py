"""The API's hand-over pack."""

from tests.api import Api
from tests.builders import ANA_PHONE, chat, mail, sms
from tests.hub import Hub


def test_the_pack_is_all_it_takes_to_go_on_with_somebody(api: Api, hub: Hub) -> None:
    ana = hub.receive(chat("hello", vouched=(ANA_PHONE,))).contact_id
    hub.receive(sms("why does nobody answer? " * 20))
    api.post(f"/v1/contacts/{ana}/messages", {"text": "Sorry!", "channel": "sms"})
    made = {"text": "called", "promise": {"text": "call back", "due": "2026-11-20T14:00:00+01:00"}}
    api.post(f"/v1/contacts/{ana}/notes", made)
    pack = api.get(f"/v1/contacts/{ana}/handover")
    assert pack["contact"] == api.get(f"/v1/contacts/{ana}")
    assert {each["kind"] for each in pack["recent"]} == {"message", "note"}
    assert max(len(each["text"]) for each in pack["recent"]) == 280
    (promise,) = pack["promises"]
    assert (promise["text"], promise["due"]) == ("call back", "2026-11-20T13:00:00.000Z")
    assert pack["spoke_to"]["name"] == "Ada Agent"
    assert pack["next"]["why"] == "last_wrote"
    assert pack["avoid"] == []
    api.post(f"/v1/contacts/{ana}/notes", {"text": "done", "keeps": [promise["id"]]})
    assert api.get(f"/v1/contacts/{ana}/handover")["promises"] == []
    again = {"text": "done again", "keeps": [promise["id"]]}
    answer = api.call("POST", f"/v1/contacts/{ana}/notes", body=again)
    assert (answer.status, answer.fields) == (422, ["keeps"])


def test_a_note_that_keeps_a_promise_is_noted_once(api: Api, hub: Hub) -> None:
    ana = hub.receive(mail()).contact_id
    api.post(f"/v1/contacts/{ana}/notes", {"text": "a", "promise": {"text": "call back"}})
    (promise,) = api.get(f"/v1/contacts/{ana}/handover")["promises"]
    body = {"text": "done", "keeps": [promise["id"]]}
    headers = {"idempotency-key": "k"}
    first = api.post(f"/v1/contacts/{ana}/notes", body, headers=headers)
    assert api.post(f"/v1/contacts/{ana}/notes", body, headers=headers) == first


def test_the_pack_of_nobody_is_not_found(api: Api) -> None:
    assert api.call("GET", "/v1/contacts/ctc_nobody/handover").status == 404

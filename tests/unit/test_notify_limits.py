"""Nobody gets too much, and what was not sent is counted and seen."""

import json
import os
from dataclasses import replace

import boto3

from shared import erase
from shared.model.identity import Address, IdentityKind, Trust
from shared.model.notification import Notice, NoticeKind
from shared.store import notices
from shared.store.objects import Objects
from tests.builders import mail, sms
from tests.conftest import BUCKET, REGION
from tests.notifying import Desk, answered_mail, known_by_mail_and_phone
from tests.streams import written

# `UPDATES=1000 pytest tests/unit/test_notify_limits.py` tells of as many, in a minute or two.
UPDATES = int(os.environ.get("UPDATES", "60"))


# ---- how many


def test_a_contact_gets_no_more_than_the_cap_in_an_hour(desk: Desk) -> None:
    """Many updates within a minute, of as many matters."""
    contact = known_by_mail_and_phone(desk)
    mailed = desk.hub.receive(mail())
    answer = desk.answer(contact, conversation_id=mailed.conversation_id)
    asked = desk.request(answer.entry.id)
    for number in range(UPDATES):
        cause = replace(asked.cause, id=f"Update:{number}", conversation_id="", entry_id="")
        update = replace(asked, rule=f"update-{number % 7}", template="agent-answered", cause=cause)
        desk.notifier.admit(replace(update, template="missed-call"))
        desk.wait(seconds=60 / UPDATES)
    assert len(desk.notifications()) == desk.policy.hourly_cap
    stops = sum(item["n"] for item in written(desk.table) if item["type"] == "stop_count")
    assert stops == UPDATES - desk.policy.hourly_cap
    assert len(desk.told_agents()) == 7, "the first of each rule and reason, not a thousand"


def test_numbers_of_one_block_are_not_texted_without_end(desk: Desk) -> None:
    desk.policy = replace(desk.policy, block_cap=2)
    texted = 0
    for number in range(6):
        phone = Address(IdentityKind.PHONE, f"+1415555{number:04}")
        came = desk.hub.receive(sms(sender=phone))
        answer = desk.answer(came.contact_id)
        told = desk.tell(answer.entry.id)
        texted += bool(told.entry_id)
        assert told.entry_id or told.stopped == "block_cap"
    assert 1 <= texted <= 2


def test_a_mail_loop_ends_after_two_automatic_mails(desk: Desk) -> None:
    """A machine that answers each acknowledgement by a new mail, and does not say it is one."""
    for _ in range(5):
        came = desk.hub.receive(mail(subject=f"Re {desk.now}"), now=desk.now)
        assert desk.event(came.entry_id)["detail"]["opens_conversation"]
        desk.tell(came.entry_id, rule="ticket-opened", ladder=["origin"])
        desk.wait(minutes=13)
    assert len(desk.notifications()) <= 2


# ---- what was not sent


def test_a_stop_is_counted_each_time_and_told_once_a_day(desk: Desk) -> None:
    known_by_mail_and_phone(desk)
    spoofed = [desk.hub.receive(mail(trust=Trust.CLAIMED)).entry_id for _ in range(3)]
    for entry_id in spoofed:
        desk.tell(entry_id, rule="ticket-opened", ladder=["origin"])
    assert desk.told_agents() == ["Not sent: ticket-opened (untrusted)."]
    (count,) = [item for item in written(desk.table) if item["type"] == "stop_count"]
    assert (count["rule"], count["reason"], count["n"]) == ("ticket-opened", "untrusted", 3)
    desk.wait(hours=13)
    desk.tell(spoofed[0], rule="ticket-opened", ladder=["origin"])
    assert len(desk.told_agents()) == 2


def test_who_simply_has_no_phone_fills_no_timeline(desk: Desk) -> None:
    mailed = desk.hub.receive(mail())
    desk.tell(desk.answer(mailed.contact_id).entry.id)
    assert desk.told_agents() == []


def test_a_template_that_was_taken_away_meanwhile_stops_what_waits(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    waiting = replace(
        Notice(
            kind=NoticeKind.DEBOUNCE,
            request=desk.request(answer),
            due=desk.now,
        ),
        request=desk.request(answer, template="gone"),
    )
    notices.admit(desk.table, waiting, desk.now)
    assert [told.stopped for told in desk.sweep()] == ["no_template"]
    assert desk.waiting() == []


# ---- erasure


def test_nothing_that_waits_or_was_counted_outlives_its_contact(desk: Desk) -> None:
    _, answer = answered_mail(desk)
    desk.wait(hours=11)
    desk.tell(answer)
    desk.tell(answer, rule="ticket-opened", ladder=["email"])
    spoofed = desk.hub.receive(mail(trust=Trust.CLAIMED))
    desk.tell(spoofed.entry_id, rule="other", template="missed-call")
    (contact,) = {item["home"] for item in desk.waiting()}
    kinds = {item["type"] for item in written(desk.table)}
    assert {"due", "sent_times", "stop_count"} <= kinds
    client = boto3.client("s3", region_name=REGION)
    objects = Objects(lambda: client, BUCKET)
    now = desk.now
    erase.begin(desk.table, contact, frozenset(), by="agent", now=now)
    erase.finish(desk.table, contact, content=objects, mails=objects, now=now)
    left = [item for item in written(desk.table) if contact in json.dumps(item, default=str)]
    assert {item["type"] for item in left} <= {"profile", "once", "delivery"}
    assert desk.sweep() == []

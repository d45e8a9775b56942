"""Which messages are a STOP, which are a START, and which are for an agent to read?"""

import time
from dataclasses import replace

import pytest

from shared.model.consent import Medium
from shared.model.identity import Address, IdentityKind, Trust
from shared.rules.opt_out import Heard, Keyword, hear
from tests.builders import chat, mail, sms

NOTHING = Heard()


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        " stop ",
        "Stop.",
        "\tstop!\n",
        "STOPALL",
        "Stop All",
        "revoke",
        "OPTOUT",
        "opt-out",
        "Opt out",
        "cancel",
        "END",
        "quit",
        "unsubscribe",
        "Arret",
        "arrêt",
        "ARRÊT!",
        "alto",
        "stopp",
        "Abmelden",
        "стоп",
        "停止",
        "“STOP”",
    ],
)
def test_a_keyword_is_the_whole_message(text: str) -> None:
    assert hear(sms(text)) == Heard(Keyword.STOP)


@pytest.mark.parametrize(
    "text",
    [
        "please stop by at 5",
        "stop by",
        "can you stop the delivery?",
        "I want to cancel my order",
        "the end is near",
        "is this the stop for the bus",
        "don't stop believing",
        "do not worry about me",
        "please call me",
        "text me when it leaves",
        "no",
        "no thanks",
        "",
        "🛑",
        "start with the red one",
        "why did it not tell me?",
    ],
)
def test_whoever_only_uses_the_word_is_no_opt_out(text: str) -> None:
    assert hear(sms(text)) == NOTHING


@pytest.mark.parametrize("text", ["START", " start ", "Unstop!", "YES", "yes."])
def test_start_is_one_too(text: str) -> None:
    assert hear(sms(text)) == Heard(Keyword.START)


@pytest.mark.parametrize("text", ["HELP", "info"])
def test_whoever_asks_for_help_does_not_stop(text: str) -> None:
    assert hear(sms(text)) == Heard(Keyword.HELP)


@pytest.mark.parametrize("keyword", list(Keyword))
def test_the_carriers_own_reading_counts(keyword: Keyword) -> None:
    assert hear(sms("Tschüss", provider_keyword=str(keyword))) == Heard(keyword)


def test_a_name_that_anybody_can_choose_stops_and_does_not_start() -> None:
    bank = Address(IdentityKind.PHONE, "BANK")
    stop, start = (
        replace(sms(word, sender=bank), trust=Trust.CLAIMED) for word in ("STOP", "START")
    )
    assert hear(stop) == Heard(Keyword.STOP)
    assert hear(start) == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "Stop texting me",
        "please don’t text me",
        "Do not contact me",
        "no more texts",
        "Stop sending me messages",
        "unsubscribe me",
        "take me off your list",
        "leave me alone",
        "Remove me from this",
        "opt me out please",
        "Arrêtez de m'écrire",
        "Keine SMS mehr!",
        "no me envíen más",
        "I withdraw my consent",
    ],
)
def test_a_short_plain_wish_by_text_is_obeyed_like_a_keyword(text: str) -> None:
    assert hear(sms(text)) == Heard(Keyword.STOP)


def test_a_longer_one_is_for_an_agent_to_decide() -> None:
    text = "My sister has the same number as me and says stop texting me, but she means the school."
    assert hear(sms(text)) == Heard(media=(Medium.TEXT,))


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("Please stop texting me.", (Medium.TEXT,)),
        ("Hi, could you unsubscribe me from texts? Thanks", (Medium.TEXT,)),
        ("Please unsubscribe me from your SMS and WhatsApp.", (Medium.TEXT, Medium.WHATSAPP)),
        ("stop calling me!", (Medium.VOICE,)),
        ("Where is it? Also: no more phone calls.", (Medium.VOICE,)),
        ("unsubscribe", (Medium.EMAIL,)),
        ("STOP", (Medium.EMAIL,)),
        ("Please stop bothering me", (Medium.EMAIL,)),
        ("Keine E-Mails mehr bitte", (Medium.EMAIL,)),
        ("please stop by at 5 and text me", ()),
        ("Cancel my order, do not contact the courier", ()),
    ],
)
def test_by_mail_it_is_always_for_an_agent(text: str, media: tuple[Medium, ...]) -> None:
    assert hear(mail(text)) == Heard(media=media)


def test_in_a_chat_too() -> None:
    assert hear(chat("please stop texting me")) == Heard(media=(Medium.TEXT,))


def test_a_subject_says_it_too() -> None:
    assert hear(mail("", subject="UNSUBSCRIBE")) == Heard(media=(Medium.EMAIL,))


def test_a_newsletters_own_words_are_none_of_its_senders() -> None:
    assert hear(mail("Please unsubscribe me", automatic=True)) == NOTHING


@pytest.mark.parametrize("text", ["stop " * 5_000, "stop sending me " * 3_000, "do not " * 9_000])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    hear(mail(text))
    assert time.process_time() - began < 0.5

"""New words and older mail (channels.md §2.6, §2.8: 15)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.mime.quoting import split_reply

NEW = "Yes, please.\n\nAna\n\n"
QUOTE = "\n> Shall we?\n>\n> Shop\n"

ATTRIBUTIONS = [
    "On Fri, Nov 20, 2026 at 10:02 AM Shop <support@in.example.com> wrote:",
    "On Fri, 20 Nov 2026 at 10:02, Shop <support@in.example.com>\nwrote:",
    "On 20/11/2026 10:02, Shop wrote:",
    "> On 20 Nov 2026, at 10:02, Shop <support@in.example.com> wrote:",
    "> On 20 Nov 2026, at 10:02, Shop <support@in.example.com>\n> wrote:",
    "Am 20.11.2026 um 10:02 schrieb Shop:",
    "Le ven. 20 nov. 2026 à 10:02, Shop <support@in.example.com> a écrit :",
    "El vie, 20 nov 2026 a las 10:02, Shop (<support@in.example.com>) escribió:",
    "Em sex., 20 de nov. de 2026 às 10:02, Shop <support@in.example.com>\nescreveu:",
    "Il giorno ven 20 nov 2026 alle ore 10:02 Shop <support@in.example.com> ha scritto:",
    "Op vr 20 nov 2026 om 10:02 schreef Shop <support@in.example.com>:",
    "Den fre 20 nov. 2026 kl 10:02 skrev Shop <support@in.example.com>:",
    "fre. 20. nov. 2026 kl. 10:02 skrev Shop <support@in.example.com>:",
    "pe 20. marrask. 2026 klo 10.02 Shop (support@in.example.com) kirjoitti:",
    "pt., 20 lis 2026 o 10:02 Shop <support@in.example.com> napisał(a):",
    "pá 20. 11. 2026 v 10:02 odesílatel Shop <support@in.example.com> napsal:",
    "пт, 20 нояб. 2026 г. в 10:02, Shop <support@in.example.com>:",
    "Shop <support@in.example.com>, 20 Kas 2026 Cum, 10:02 tarihinde şunu yazdı:",
    "Στις Παρ 20 Νοε 2026 στις 10:02 ο/η Shop <support@in.example.com> έγραψε:",
    "2026年11月20日(金) 10:02 Shop <support@in.example.com>:",
    "Shop <support@in.example.com> 于2026年11月20日周五 10:02写道：",
    "2026년 11월 20일 (금) 오전 10:02, Shop <support@in.example.com>님이 작성:",
    "Bob wrote:",
]
BLOCKS = [
    "________________________________\nFrom: Shop <support@in.example.com>\nSent: Friday\nTo: Ana\n"
    "Subject: Shall we?\n",
    "From: Shop <support@in.example.com>\nSent: Friday\nTo: Ana\nCc: Bob\nSubject: Shall we?\n",
    "*From:* Shop <support@in.example.com>\n*Sent:* Friday\n*To:* Ana\n*Subject:* Shall we?\n",
    "Von: Shop\nGesendet: Freitag, 20. November 2026 10:02\nAn: Ana\nBetreff: Gehen wir?\n",
    "De : Shop\nEnvoyé : vendredi\nÀ : Ana\nObjet : On y va ?\n",
    "De: Shop\nEnviado el: viernes\nPara: Ana\nAsunto: ¿Vamos?\n",
    "Da: Shop\nInviato: venerdì\nA: Ana\nOggetto: Andiamo?\n",
    "Van: Shop\nVerzonden: vrijdag\nAan: Ana\nOnderwerp: Gaan we?\n",
    "Od: Shop\nWysłano: piątek\nDo: Ana\nTemat: Idziemy?\n",
    "От: Shop\nОтправлено: пятница\nКому: Ana\nТема: Идём?\n",
    "发件人: Shop\n发送时间: 2026年11月20日\n收件人: Ana\n主题: 走吗\n",
    "差出人: Shop\n送信日時: 2026年11月20日\n宛先: Ana\n件名: 行きますか\n",
    "-----Original Message-----\nFrom: Shop\nShall we?\n",
    "-----Ursprüngliche Nachricht-----\nVon: Shop\nGehen wir?\n",
    "-------- Message d'origine --------\nDe : Shop\nOn y va ?\n",
    "On Friday, November 20, 2026 at 10:02:11 AM GMT+1, Shop <support@in.example.com> wrote:\n\n"
    "Shall we?\n",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_what_follows_an_attribution_and_is_quoted_to_the_end_is_older(attribution: str) -> None:
    older = attribution + QUOTE
    assert split_reply(NEW + older) == (NEW, older)


@pytest.mark.parametrize("block", BLOCKS)
def test_what_follows_a_header_block_is_older(block: str) -> None:
    older = f"{block}\nShall we?\n"
    assert split_reply(NEW + older) == (NEW, older)


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote: please fix\nIt is still broken.",
        "On Monday I wrote:\nplease fix",
        "On Monday 5 May 2026 at 10:00 I wrote:\nplease fix",
        "From: 10.0.0.1\nTo: 10.0.0.2\nblocked",
        "The form said:\n\nFrom: Ana\nSubject: Shoes\nI need shoes.",
        "Name: Ana\nOrder: 1001\nMail: ana@example.org\nDate: 2026-11-20 10:02",
        "See you at 10:02 on 2026-11-20:\nthe usual place",
        "Two points:\n> is a greater-than sign\nthat is all",
        "I like this one:\n> be brave",
        "a\n\n> quoted by hand, and no word about whom\n",
        "-- \nAna\n",
        "----------\nprice list\n----------\n",
        "",
        "\n\n",
    ],
)
def test_what_may_be_the_senders_own_words_is_kept(text: str) -> None:
    for whole in (text, f"Hello,\n\n{text}", f"Hello,\n{text}"):
        assert split_reply(whole) == (whole, "")


def test_answers_between_and_below_quotes_are_kept() -> None:
    between = f"{ATTRIBUTIONS[0]}\n> One?\nYes.\n> Two?\nNo.\n"
    below = f"{ATTRIBUTIONS[0]}{QUOTE}\nYes to all.\n"
    for text in (between, below, between + "> Three?\n"):
        for whole in (text, NEW + text):
            assert split_reply(whole) == (whole, "")


def test_a_hand_made_quote_stays_while_the_quote_at_the_end_goes() -> None:
    new = "> Shall we?\n\nYes.\n\n"
    older = ATTRIBUTIONS[0] + QUOTE
    assert split_reply(new + older) == (new, older)


@pytest.mark.parametrize(
    ("subject", "mark"),
    [
        ("Fwd: x", ""),
        ("WG: x", ""),
        ("TR : x", ""),
        ("", "---------- Forwarded message ---------\n"),
        ("", "-------- Weitergeleitete Nachricht --------\n"),
        ("Re: x", "Begin forwarded message:\n\n"),
        ("", "Début du message réexpédié :\n\n"),
    ],
)
def test_a_forwarded_mail_is_new(subject: str, mark: str) -> None:
    text = f"{NEW}{mark}{BLOCKS[1]}\nShall we?\n\n{ATTRIBUTIONS[0]}{QUOTE}"
    assert split_reply(text, subject) == (text, "")


def test_a_mail_that_is_nothing_but_older_mail_is_kept() -> None:
    text = ATTRIBUTIONS[0] + QUOTE
    assert split_reply(text) == (text, "")


_LINE = st.sampled_from(
    [*(line for text in (*ATTRIBUTIONS, *BLOCKS) for line in text.split("\n")), "> x", ">", "", "y"]
)


@given(st.one_of(st.text(), st.lists(_LINE, max_size=30).map("\n".join)), st.text(max_size=10))
def test_no_character_is_ever_lost(text: str, subject: str) -> None:
    new, older = split_reply(text, subject)
    assert new + older == text
    assert new.strip() or not older


@pytest.mark.parametrize(
    "text",
    [
        "On " * 20_000,
        "On x\n" * 10_000,
        "\n" * 50_000,
        "From: a\n" * 10_000,
        "> x\n" * 15_000,
        "wrote:\n" * 8_000,
        ("_" * 30 + "\n") * 2_000,
        "hi\n" + "-" * 60_000,
        "hi\n\n" + ATTRIBUTIONS[0] + "\n> x" * 15_000,
    ],
)
def test_hostile_text_is_split_at_once(text: str) -> None:
    began = time.process_time()
    split_reply(text)
    assert time.process_time() - began < 0.1

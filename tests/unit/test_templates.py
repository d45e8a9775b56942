"""One voice: the same facts on every channel, and nothing a customer wrote is ever obeyed."""

import string
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.entry import Channel
from shared.model.errors import RejectedError
from shared.rules.segments import segments
from shared.templates import DIRECTORY, FILES, Fact, Rendered, Templates, languages

TEMPLATES = Templates()
FACTS = {"reference": "#7Q4K-2M", "order": "A-10423", "name": "Ana"}
each_template = pytest.mark.parametrize("name", sorted(TEMPLATES.names))
each_language = pytest.mark.parametrize("language", sorted(TEMPLATES.words))


def render(
    template: str = "ticket-opened",
    channel: Channel = Channel.EMAIL,
    locale: str = "en",
    found: Templates = TEMPLATES,
    **facts: str,
) -> Rendered:
    return found.render(template, channel, locale, FACTS | facts)


@each_template
@each_language
def test_a_text_message_names_the_brand_says_how_to_leave_and_is_one_segment(
    name: str, language: str
) -> None:
    rendered = render(name, Channel.SMS, language)
    assert rendered.text.startswith(f"{TEMPLATES.brand}: ")
    assert "STOP" in rendered.text
    assert segments(rendered.text) == 1
    assert (rendered.subject, rendered.html) == ("", "")


@each_template
@each_language
@pytest.mark.parametrize("fact", ["reference", "order"])
def test_a_fact_is_on_every_channel_or_on_none(name: str, language: str, fact: str) -> None:
    told = {FACTS[fact] in render(name, channel, language).text for channel in FILES}
    assert len(told) == 1


def test_a_mail_greets_and_takes_leave_in_text_and_html() -> None:
    rendered = render()
    assert rendered.subject == "We have your message (#7Q4K-2M)"
    paragraphs = rendered.text.split("\n\n")
    assert paragraphs[0] == "Hello Ana,"
    assert paragraphs[-1] == f"Kind regards,\nyour {TEMPLATES.brand} team"
    assert "<p>Hello Ana,</p>" in rendered.html
    assert f"<p>{paragraphs[1]}</p>" in rendered.html
    assert "Subject:" not in rendered.text + rendered.html


def test_who_has_no_name_is_greeted_too() -> None:
    assert TEMPLATES.render(
        "missed-call", Channel.WHATSAPP, "en", {"reference": "#1"}
    ).text.startswith("Hello,\n")


def test_a_chat_reads_like_whatsapp() -> None:
    assert render(channel=Channel.CHAT) == render(channel=Channel.WHATSAPP)


@pytest.mark.parametrize(
    ("locale", "greeting"),
    [
        ("de-AT", "Guten Tag Ana,"),
        ("DE_de", "Guten Tag Ana,"),
        ("es", "Hola Ana:"),
        ("fr-CA", "Hello Ana,"),
        ("", "Hello Ana,"),
        ("../../brand", "Hello Ana,"),
        ("x" * 10_000, "Hello Ana,"),
    ],
)
def test_the_nearest_language_is_spoken(locale: str, greeting: str) -> None:
    assert render(locale=locale).text.startswith(greeting)


def test_a_locale_falls_back_part_by_part() -> None:
    assert languages("de_Latn-AT") == ("de-latn-at", "de-latn", "de", "en")
    assert languages("en-GB") == ("en-gb", "en")


def test_a_region_may_have_one_file_of_its_own(tmp_path: Path) -> None:
    copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    (tmp_path / "missed-call" / "sms.de-at.txt").write_text("Servus!")
    found = Templates(tmp_path)
    assert "Servus!" in render("missed-call", Channel.SMS, "de-AT", found).text
    assert "Servus!" not in render("missed-call", Channel.SMS, "de-DE", found).text
    assert render("missed-call", Channel.EMAIL, "de-AT", found).text.startswith("Guten Tag")


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("unheard-of", Channel.SMS),
        ("layout", Channel.SMS),
        ("../brand", Channel.SMS),
        ("missed-call", Channel.VOICE),
    ],
)
def test_what_there_is_no_template_for_is_rejected(name: str, channel: Channel) -> None:
    with pytest.raises(RejectedError, match="no such template"):
        render(name, channel)


def test_a_fact_that_is_not_given_is_rejected_and_not_left_blank() -> None:
    with pytest.raises(RejectedError):
        TEMPLATES.render("ticket-opened", Channel.SMS, "en", {"name": "Ana"})


def test_a_template_reaches_nothing_but_its_facts(tmp_path: Path) -> None:
    copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "missed-call" / "sms.en.txt"
    for escape in (
        "{{ name.__class__.__mro__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% for i in range(10 ** 9) %}x{% endfor %}",
    ):
        file.write_text(escape)
        with pytest.raises(RejectedError):
            render("missed-call", Channel.SMS, found=Templates(tmp_path))


# ---- what customers write


def test_a_fact_is_text_and_never_a_template_or_markup() -> None:
    rendered = render(name="{{ 7*7 }}<script>alert(1)</script>")
    assert rendered.text.startswith("Hello {{ 7*7 }}<script>")
    assert "<script>" not in rendered.html
    assert "{{ 7*7 }}&lt;script&gt;" in rendered.html


def test_a_fact_brings_no_header_and_no_line() -> None:
    rendered = render("order-shipped", order="1\r\nBcc: all@example.com\u2028Subject: x")
    assert rendered.subject == "Your order 1 Bcc: all@example.co... is on its way"
    assert rendered.text.count("\n") == render("order-shipped").text.count("\n")


def test_a_code_holds_nothing_that_would_make_a_text_dearer() -> None:
    rendered = render("order-shipped", Channel.SMS, order="A-1\N{GRINNING FACE}\u202e№5")
    assert "order A-15 is" in rendered.text


@given(st.text(max_size=80), st.integers(4, 60), st.booleans())
def test_a_clean_fact_is_one_short_line(value: str, longest: int, ascii_only: bool) -> None:
    clean = Fact(example="", longest=longest, ascii=ascii_only).clean(value)
    assert len(clean) <= longest
    assert clean == " ".join(clean.split())
    assert clean.isprintable() or not clean.isascii()
    assert clean.isascii() or not ascii_only
    assert not set(clean) & set("\r\n\0\u2028\u2029\u202e\u200b")


@given(st.text(string.printable, max_size=80))
def test_no_name_breaks_a_message(name: str) -> None:
    for channel in FILES:
        rendered = render(channel=channel, name=name)
        assert len(rendered.text) < 400
        assert "\n" not in rendered.subject

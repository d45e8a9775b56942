"""The lint finds what would embarrass the brand, and the shipped templates have none of it."""

import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from infrastructure.lint_templates import faults
from infrastructure.preview import preview
from shared.templates import DIRECTORY, Templates


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy to spoil, of two templates."""
    others = sorted(Templates().names - {"missed-call", "order-shipped"})
    return Path(copytree(DIRECTORY, tmp_path / "templates", ignore=ignore_patterns(*others)))


def test_the_shipped_templates_have_no_fault() -> None:
    assert faults() == []


def write(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


@pytest.mark.parametrize(
    ("file", "do", "fault"),
    [
        (
            "missed-call/sms.en.txt",
            write("{{ refernce }}"),
            "missed-call/sms.en.txt: nobody knows {{ refernce }}",
        ),
        ("layout/sms.txt", write("{{ brand }} {{ text }}"), "nobody knows {{ text }}"),
        ("missed-call/whatsapp.de.txt", Path.unlink, "missed-call: whatsapp.de.txt is missing"),
        ("missed-call/letter.en.txt", write("x"), "letter.en.txt: its name is not"),
        ("missed-call/sms.it.txt", write("x"), "sms.it.txt: its name is not"),
        ("missed-call/email.en.txt", write("No subject"), "the first line is not a subject"),
        ("missed-call/sms.en.txt", write("{% if %}"), "missed-call/sms.en.txt: line 1: "),
        ("missed-call/sms.en.txt", write("{{ brand.x.y }}"), "missed-call: sms.en fails: "),
        (
            "order-shipped/sms.es.txt",
            write("Va en camino."),
            "order-shipped/sms.es.txt: {{ order }} is told elsewhere, and not here",
        ),
        (
            "missed-call/sms.de.txt",
            write(" Danke." * 45),
            "missed-call: sms.de may take 3 segments",
        ),
        (
            "layout/sms.txt",
            write("{{ body }}"),
            "missed-call: sms.en does not say who writes, or how to opt out (STOP)",
        ),
    ],
)
def test_a_fault_is_found(
    directory: Path, file: str, do: Callable[[Path], object], fault: str
) -> None:
    do(directory / file)
    assert any(fault in found for found in faults(directory)), faults(directory)


def test_segments_are_counted_with_the_dearest_facts(directory: Path) -> None:
    """A name in Cyrillic makes the whole text take 67 characters a segment."""
    for file in (directory / "missed-call").iterdir():
        file.write_text("Subject: x\n" * file.name.startswith("email") + "{{ name }}" + "x" * 80)
    assert "missed-call: sms.en may take 3 segments" in faults(directory)


def test_a_word_that_one_language_lacks_is_a_fault(directory: Path) -> None:
    brand = directory / "brand.toml"
    brand.write_text(brand.read_text().replace('thanks = "Danke"\n', ""))
    assert "brand.toml [de]: thanks is missing" in faults(directory)


def test_the_preview_shows_all_channels_side_by_side() -> None:
    head, channels, measures, prices, *rest = preview(Templates(), "order-shipped", "de", 120)
    assert "order-shipped · de" in head
    assert channels.split() == ["SMS", "WHATSAPP", "EMAIL"]
    assert "1 segment (at most 1)" in measures
    assert re.fullmatch(r"(\$0\.\d{6} *){3}", prices)
    assert all(len(line) <= 120 for line in rest)
    assert any("A-10423" in line for line in rest)

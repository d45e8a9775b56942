"""Whoever is woken by an alarm finds what it means and what to do, and no word leads nowhere."""

import re

import pytest

from tests.template import FUNCTIONS, ROOT, TEMPLATE, of_type, package

RUNBOOK = (ROOT / "docs/operations.md").read_text()
DEPLOYING = (ROOT / "docs/deploying.md").read_text()
PAGES = {"operations.md": RUNBOOK, "deploying.md": DEPLOYING}
ALARMS = of_type("AWS::CloudWatch::Alarm")


def sections() -> dict[str, str]:
    """Each section of the alarms, by its title."""
    chapter = RUNBOOK.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)\n", chapter, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def named(section: str) -> set[str]:
    """The alarms that a section's first line names; `…WaitsAlarm` are all that end so."""
    words = re.findall(r"`(…?\w+Alarm)`", section.strip().splitlines()[0])
    return {alarm for word in words for alarm in ALARMS if alarm == word or _ends(alarm, word)} | {
        word for word in words if "…" not in word
    }


def _ends(alarm: str, word: str) -> bool:
    return word.startswith("…") and alarm.endswith(word[1:])


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_has_one_section_that_says_what_it_means_and_what_to_do(alarm: str) -> None:
    told = [title for title, text in sections().items() if alarm in named(text)]

    assert len(told) == 1
    _, means, do = sections()[told[0]].strip().split("\n\n", 2)
    assert means
    assert do


def test_no_section_is_about_an_alarm_that_is_gone() -> None:
    for text in sections().values():
        assert named(text) <= set(ALARMS)
    for word in re.findall(r"`(\w+Alarm)`", RUNBOOK + DEPLOYING):
        assert word in ALARMS or word in TEMPLATE["Parameters"]


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_somewhere(page: str) -> None:
    for path, anchor in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", PAGES[page]):
        text = (ROOT / "docs" / path).read_text() if path else PAGES[page]
        assert anchor in anchors(text), f"{page} → {path}#{anchor}"
    for path in re.findall(r"\]\(([\w./-]+\.md)\)", PAGES[page]):
        assert (ROOT / "docs" / path).exists()


def test_every_parameter_is_explained_to_who_deploys() -> None:
    explained = set(re.findall(r"`(\w+)`", DEPLOYING))

    assert set(TEMPLATE["Parameters"]) <= explained


def test_the_outputs_and_functions_that_the_runbook_names_exist() -> None:
    known = {*TEMPLATE["Outputs"], *(package(name) for name in FUNCTIONS)}
    for word in re.findall(r"<([A-Z]\w+)>", RUNBOOK + DEPLOYING):
        assert word in known | set(TEMPLATE["Parameters"]), word


def test_every_make_verb_in_them_exists() -> None:
    verbs = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"(?:^|`)make ([a-z]+)", RUNBOOK + DEPLOYING, flags=re.M)) <= verbs

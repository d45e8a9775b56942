"""Say what is wrong with the message templates: `python -m infrastructure.lint_templates`.

An unknown name, a missing channel or language, channels that tell different facts, a text message
that may take a third segment or does not say who writes and how to leave.
"""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from jinja2 import TemplateSyntaxError
from jinja2.meta import find_undeclared_variables

from shared.model.entry import Channel
from shared.model.errors import RejectedError
from shared.rules.segments import segments
from shared.templates import DIRECTORY, FILES, LAYOUT, MAIL, SUBJECT, Templates, languages

MOST_SEGMENTS = 2
_CHANNELS = tuple(dict.fromkeys(FILES.values()))
_GIVEN_TO_LAYOUTS = {"body", "subject", "language", "paragraphs"}
# What a text and a code may be made of: one septet, two, and as one UTF-16 unit, two.
_DEAREST = (("W", "W"), ("€", "{"), ("Ж", "W"), ("😀", "W"))


def faults(directory: Path = DIRECTORY) -> list[str]:
    """What is wrong, one sentence each."""
    templates = Templates(directory)
    unparsable = list(_unparsable(templates))
    return unparsable or [
        *_incomplete(templates),
        *_unknown_names(templates),
        *_different_facts(templates),
        *_wrong_texts(templates),
    ]


def longest(templates: Templates) -> Iterator[dict[str, str]]:
    """Facts that take as much of a text message as any may."""
    for text, code in _DEAREST:
        yield {
            name: (code if fact.ascii else text) * fact.longest
            for name, fact in templates.facts.items()
        }


def _unparsable(templates: Templates) -> Iterator[str]:
    for path, source in templates.sources.items():
        try:
            templates.engine.parse(source)
        except TemplateSyntaxError as error:
            yield f"{path}: line {error.lineno}: {error.message}"


def _incomplete(templates: Templates) -> Iterator[str]:
    spoken = [language for language in templates.words if "-" not in language]
    for name, channel, language in product(sorted(templates.names), _CHANNELS, spoken):
        if f"{name}/{channel}.{language}.txt" not in templates.files:
            yield f"{name}: {channel}.{language}.txt is missing"
    for path in _written(templates):
        channel, _, language = path.partition("/")[2].removesuffix(".txt").partition(".")
        if channel not in _CHANNELS or not set(languages(language)[:-1] or spoken) & set(spoken):
            yield f"{path}: its name is not <channel>.<language>.txt"
        elif channel == MAIL and not templates.files[path].startswith(SUBJECT):
            yield f"{path}: the first line is not a subject"


def _unknown_names(templates: Templates) -> Iterator[str]:
    facts, words = set(templates.facts), set().union(*templates.words.values())
    for language, block in templates.words.items():
        for word in sorted(words - block.keys()):
            yield f"brand.toml [{language}]: {word} is missing"
    for path, source in templates.sources.items():
        known = facts | {"brand"}
        if path in templates.files:
            known |= words
        if path.startswith(f"{LAYOUT}/"):
            known |= _GIVEN_TO_LAYOUTS
        for name in sorted(_names(templates, source) - known):
            yield f"{path}: nobody knows {{{{ {name} }}}}"


def _different_facts(templates: Templates) -> Iterator[str]:
    for name in sorted(templates.names):
        told = {
            path: _names(templates, templates.files[path]) & templates.facts.keys()
            for path in _written(templates)
            if path.startswith(f"{name}/")
        }
        everything = set().union(*told.values())
        for path, facts in told.items():
            for fact in sorted(everything - facts):
                yield f"{path}: {{{{ {fact} }}}} is told elsewhere, and not here"


def _wrong_texts(templates: Templates) -> Iterator[str]:
    spoken = {path.split(".")[1] for path in _written(templates)} | set(templates.words)
    channels = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)
    for name, channel, language in product(sorted(templates.names), channels, sorted(spoken)):
        try:
            texts = [
                templates.render(name, channel, language, facts).text
                for facts in longest(templates)
            ]
        except RejectedError as error:
            yield f"{name}: {FILES[channel]}.{language} fails: {error.__cause__ or error}"
            continue
        if channel is Channel.SMS:
            most = max(map(segments, texts))
            if most > MOST_SEGMENTS:
                yield f"{name}: sms.{language} may take {most} segments"
            if not all(templates.brand in text and "STOP" in text for text in texts):
                yield f"{name}: sms.{language} does not say who writes, or how to opt out (STOP)"


def _written(templates: Templates) -> list[str]:
    return [path for path in templates.files if not path.startswith(f"{LAYOUT}/")]


def _names(templates: Templates, source: str) -> set[str]:
    return find_undeclared_variables(templates.engine.parse(source))


if __name__ == "__main__":
    found = faults()
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    sys.exit(bool(found))

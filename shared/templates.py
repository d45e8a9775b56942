"""The words of automatic messages: files that anyone can edit, rendered the same for every channel.

A template says what happened; a layout puts the brand's greeting, sign-off and opt-out around it.
Facts are what customers wrote: they are cleaned, cut, and never read as a template themselves.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import DictLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.model.entry import Channel
from shared.model.errors import RejectedError

DIRECTORY = Path(__file__).parents[1] / "infrastructure" / "templates"
FALLBACK = "en"
LAYOUT = "layout"
MAIL = "email"
SUBJECT = "Subject: "  # what an e-mail's first line begins with
FILES = {  # which file a channel is written in; a chat reads like WhatsApp
    Channel.SMS: "sms",
    Channel.WHATSAPP: "whatsapp",
    Channel.CHAT: "whatsapp",
    Channel.EMAIL: MAIL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message's words. Only an e-mail has a subject and HTML."""

    subject: str = ""
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What templates may say of a customer's matter: cut to `longest` characters.

    An optional one that is not known is empty.
    """

    example: str
    longest: int
    ascii: bool = False
    optional: bool = False

    def clean(self, value: str) -> str:
        """`value` on one line, without control and format characters, no longer than allowed."""
        if self.ascii:
            value = value.encode("ascii", "ignore").decode("ascii")
        printed = "".join(_printed(char) for char in value)
        text = " ".join(printed.split())
        return text if len(text) <= self.longest else text[: self.longest - 3].rstrip() + "..."


class Templates:
    """Every template of a directory; read once, each compiled when it is first used."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        brand = tomllib.loads((directory / "brand.toml").read_text(encoding="utf-8"))
        facts = tomllib.loads((directory / "facts.toml").read_text(encoding="utf-8"))
        self.brand = str(brand.pop("name"))
        self.words: Mapping[str, Mapping[str, str]] = brand
        self.facts = {name: Fact(**fact) for name, fact in facts.items()}
        self.files = {
            path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(directory.glob("*/*.*"))
        }
        self.names = frozenset(file.partition("/")[0] for file in self.files) - {LAYOUT}
        self.sources = self.files | {
            _word(language, name): text
            for language, words in self.words.items()
            for name, text in words.items()
        }
        self.engine = ImmutableSandboxedEnvironment(
            loader=DictLoader(self.sources),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"], default_for_string=False),
            trim_blocks=True,
        )

    def render(
        self, name: str, channel: Channel, locale: str, facts: Mapping[str, str]
    ) -> Rendered:
        """The words of a template for one channel, in the nearest language there is.

        `locale` as in BCP 47 (`de-AT` falls back to `de`, then to English). Raises RejectedError
        when there is no such template or channel, or a fact that it names is not given.
        """
        file, chain = FILES.get(channel), languages(locale)
        paths = [f"{name}/{file}.{language}.txt" for language in chain]
        source = next((path for path in paths if path in self.files), None)
        if file is None or source is None:
            raise RejectedError("there is no such template for this channel")
        language = next(language for language in chain if language in self.words)
        try:
            known = self._known(language, facts)
            body = self._fill(source, known)
            if file != MAIL:
                return Rendered(text=self._fill(f"{LAYOUT}/{file}.txt", known, body=body))
            return self._mail(body, known, language)
        except Exception as error:  # whatever a template does wrong, it will do again
            raise RejectedError(f"the template {name} cannot be rendered") from error

    def _known(self, language: str, facts: Mapping[str, str]) -> dict[str, str]:
        """What a template may name: facts, the brand, and its words, which may name facts too."""
        known = {"brand": self.brand}
        for name, fact in self.facts.items():
            if name in facts or fact.optional:
                known[name] = fact.clean(facts.get(name, ""))
        words = {word: self._fill(_word(language, word), known) for word in self.words[language]}
        return known | words

    def _mail(self, written: str, known: Mapping[str, str], language: str) -> Rendered:
        """A mail's template has its subject in the first line; facts cannot bring another line."""
        first, _, body = written.partition("\n")
        subject, body = first.removeprefix(SUBJECT).strip(), body.strip()
        return Rendered(
            subject=subject,
            text=self._fill(f"{LAYOUT}/{MAIL}.txt", known, body=body),
            html=self._fill(
                f"{LAYOUT}/{MAIL}.html",
                known,
                subject=subject,
                language=language,
                paragraphs=body.split("\n\n"),
            ),
        )

    def _fill(self, path: str, known: Mapping[str, str], **more: str | list[str]) -> str:
        return self.engine.get_template(path).render({**known, **more}).strip()


@cache
def templates() -> Templates:
    """The templates of this deployment."""
    return Templates()


def languages(locale: str) -> tuple[str, ...]:
    """A locale and what it falls back to: `de_AT` makes `de-at`, `de`, `en`."""
    parts = [part for part in locale.replace("_", "-").lower().split("-") if part]
    longer = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return tuple(dict.fromkeys([*longer, FALLBACK]))


def _word(language: str, name: str) -> str:
    """What a brand's word is called among the sources."""
    return f"brand.toml [{language}] {name}"


def _printed(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "  # a line break ends a word
        case "Cf" | "Cs" | "Co" | "Cn":
            return ""
        case _:
            return char

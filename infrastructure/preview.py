"""Show what customers will read, all channels side by side: `python -m infrastructure.preview`.

With a template's name, that one alone. Facts are the examples of facts.toml; costs are estimates
from the rate card, for a number in the United States.
"""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from textwrap import wrap

from infrastructure.lint_templates import longest
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind
from shared.model.identity import Address, IdentityKind
from shared.rate_card import rate_card
from shared.rules.prices import price_outbound
from shared.rules.segments import segments
from shared.templates import Rendered, Templates, templates

CHANNELS = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)
_RECIPIENT = Address(IdentityKind.PHONE, "+14155550100")
_GAP = "  "


def preview(found: Templates, name: str, language: str, width: int) -> Iterator[str]:
    """The lines of one template in one language, `width` characters wide."""
    column = (width - len(_GAP) * (len(CHANNELS) - 1)) // len(CHANNELS)
    examples = {fact: known.example for fact, known in found.facts.items()}
    columns = [
        [
            str(channel).upper(),
            *_measures(found, name, channel, language, rendered),
            "─" * column,
            *_paragraphs(rendered, column),
        ]
        for channel in CHANNELS
        for rendered in [found.render(name, channel, language, examples)]
    ]
    yield f"── {name} · {language} ".ljust(width, "─")
    for row in zip_longest(*columns, fillvalue=""):
        yield _GAP.join(cell.ljust(column) for cell in row).rstrip()
    yield ""


def _measures(
    found: Templates, name: str, channel: Channel, language: str, rendered: Rendered
) -> tuple[str, str]:
    """How long the words are, and what sending them costs."""
    length, price = f"{len(rendered.text)} characters", _price(channel, rendered)
    if channel is not Channel.SMS:
        return length, price
    most = max(
        segments(found.render(name, channel, language, facts).text) for facts in longest(found)
    )
    return f"{length}, {_count(segments(rendered.text))} (at most {most})", price


def _count(number: int) -> str:
    return f"{number} segment{'s' if number > 1 else ''}"


def _price(channel: Channel, rendered: Rendered) -> str:
    now = datetime.now(UTC)
    entry = Entry(
        id="ent_preview",
        home="",
        kind=Kind.NOTIFICATION,
        channel=channel,
        direction=Direction.OUTBOUND,
        occurred_at=now,
        received_at=now,
        author=Author(AuthorType.SYSTEM),
        address=_RECIPIENT,
        text=rendered.text,
    )
    dollars, micro = divmod(price_outbound(rate_card(), entry).total_micro_usd, 10**6)
    return f"${dollars}.{micro:06d}"


def _paragraphs(rendered: Rendered, column: int) -> Iterator[str]:
    if rendered.subject:
        yield from wrap(f"Subject: {rendered.subject}", column)
        yield ""
    for line in rendered.text.splitlines():
        yield from wrap(line, column) or [""]


def main(name: str) -> None:
    found = templates()
    if name and name not in found.names:
        sys.exit(f"there is no template {name}; there are {', '.join(sorted(found.names))}")
    width = min(shutil.get_terminal_size((120, 40)).columns, 150)
    for each in [name] if name else sorted(found.names):
        for language in found.words:
            print(*preview(found, each, language, width), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])

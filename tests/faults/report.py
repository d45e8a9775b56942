"""How all cases ended, as a table for the terminal and for docs/faults.md."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from tests.faults.outcome import Verdict
from tests.faults.suite import Result

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
ADMITTED = (Verdict.SAME, Verdict.UNCONFIRMED)
_BEGIN, _END = "<!-- generated -->", "<!-- end -->"

Row = Sequence[object]


def table(results: Iterable[Result]) -> list[Row]:
    """A row for each function, and one for all."""
    counts: dict[str, Counter[Verdict]] = {}
    for result in results:
        counts.setdefault(result.case.scenario.function, Counter())[result.verdict] += 1
    rows: list[Row] = [("function", "cases", *Verdict)]
    for name, counted in sorted(counts.items()):
        rows.append((name, counted.total(), *(counted[verdict] for verdict in Verdict)))
    every = sum(counts.values(), Counter[Verdict]())
    return [*rows, ("all", every.total(), *(every[verdict] for verdict in Verdict))]


def unconfirmed(results: Iterable[Result]) -> list[Row]:
    """Which sends nobody can tell the fate of, call by call, and whether they had left."""
    left: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for result in results:
        if result.verdict is Verdict.UNCONFIRMED:
            case = result.case
            at = (
                case.scenario.function,
                case.scenario.name,
                f"{case.call.name} {case.call.number}",
            )
            is_gone = any(fact.startswith("- send") for fact in result.different)
            left.setdefault(at, ([], []))[is_gone].append(case.fault)
    rows: list[Row] = [("function", "message", "call", "it had left", "it had not")]
    return rows + [
        (*at, *(", ".join(faults) or "–" for faults in both)) for at, both in left.items()
    ]


def plain(rows: Sequence[Row]) -> str:
    """For a terminal."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in texts
    )


def write(results: Sequence[Result], day: date) -> None:
    """Put the result where docs/faults.md shows it."""
    head, rest = PAGE.read_text().split(_BEGIN)
    _, tail = rest.split(_END)
    said = f"`python -m tests.faults` on {day.isoformat()}:"
    parts = [said, _markdown(table(results)), _UNCONFIRMED, _markdown(unconfirmed(results))]
    PAGE.write_text("\n\n".join([head + _BEGIN, *parts, _END]) + tail)


_UNCONFIRMED = """\
All that ended `unconfirmed`, by the call that was struck. SES has no list to look a mail up in, so
after a claim only its answer or an event of its own can tell: without either the mail is never sent
again, and the agent is shown that it may not have left. No event comes in any of these cases.\
"""


def _markdown(rows: Sequence[Row]) -> str:
    head, *body = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])

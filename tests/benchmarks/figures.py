"""What a benchmark found out: figures, each beside its target."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value. `target` is the most it may be; None: it is shown for scale only."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.target is None or self.value <= self.target

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Name, value, target and verdict as they are shown."""
        target = "" if self.target is None else f"{_shown(self.target)} {self.unit}"
        verdict = "" if self.target is None else "holds" if self.holds else "MISSED"
        return self.name, f"{_shown(self.value)} {self.unit}".strip(), target.strip(), verdict


def middle(values: Sequence[float]) -> float:
    """The median: a neighbour's burst on a shared machine does not move it."""
    return median(values)


def undisturbed(values: Sequence[float]) -> float:
    """The quietest tenth's end: on a shared machine a neighbour doubles what CPU time says."""
    return sorted(values)[len(values) // 10]


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    """`[{name, value, unit, target, holds}]`."""
    path.parent.mkdir(exist_ok=True)
    rows = [
        {
            "name": figure.name,
            "value": float(f"{figure.value:.6g}"),
            "unit": figure.unit,
            "target": figure.target,
            "holds": figure.holds,
        }
        for figure in figures
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| what | measured | at most | |", "|---|---|---|---|"]
    for figure in figures:
        name, value, target, verdict = figure.row
        noted = f"{name} ({figure.note})" if figure.note else name
        lines.append(f"| {noted} | {value} | {target} | {verdict} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"

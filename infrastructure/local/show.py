"""Tables for the terminal: a timeline, and what went out."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

TEXT_WIDTH = 58
ARROWS = {"inbound": "in", "outbound": "out", "internal": "note"}
MICRO = 1_000_000  # micro-USD a USD


def timeline_table(entries: Sequence[dict[str, Any]]) -> str:
    """Time (UTC), channel, direction, text, receipt and cost of each entry."""
    rows = [
        [
            clock(entry["occurred_at"]),
            entry["channel"],
            ARROWS[entry["direction"]],
            one_line(entry["text"] or entry["subject"] or ""),
            (entry["receipt"] or {}).get("state") or "",
            money(entry["cost_micro_usd"]) if entry["cost_micro_usd"] else "",
        ]
        for entry in entries
    ]
    return table(["time", "channel", "dir", "text", "receipt", "cost"], rows)


def outbox_table(rows: Sequence[dict[str, Any]]) -> str:
    """What the providers received."""
    shown = [
        [clock(row["at"]), row["provider"], row["to"], one_line(row["text"] or "")] for row in rows
    ]
    return table(["time", "through", "to", "text"], shown)


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, rule, *rows]
    ]
    return textwrap.indent("\n".join(lines), "  ")


def clock(at: str) -> str:
    """The time of day, as RFC 3339 gave it."""
    return datetime.fromisoformat(at).strftime("%H:%M:%S")


def one_line(text: str) -> str:
    return textwrap.shorten(text, TEXT_WIDTH, placeholder=" …")


def money(micro_usd: int) -> str:
    """Micro-USD as dollars, with no digit lost."""
    digits = f"{micro_usd % MICRO:06}".rstrip("0").ljust(2, "0")
    return f"${micro_usd // MICRO}.{digits}"

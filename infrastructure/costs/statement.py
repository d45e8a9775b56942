"""A month's books as a statement: tables for the terminal, and every line as CSV."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TextIO

from shared.billing import on_the_bill
from shared.model.events import rfc3339
from shared.model.ledger import CostLine, LineKind
from shared.store import keys
from shared.store.books import Books

DEAREST = 10
MICRO = 1_000_000  # micro-USD a USD
NOBODY = {keys.UNALLOCATED: "no contact's", keys.ERASED: "erased contacts'"}

HEAD = [
    "month",
    "contact",
    "line",
    "kind",
    "channel",
    "direction",
    "category",
    "units",
    "entry",
    "entry_at",
    "booked_at",
    "provider_usd",
    "carrier_fee_usd",
    "own_usd",
    "total_usd",
    "billed_amount",
    "billed_currency",
    "rate",
    "actual",
]


def statement(books: Books, month: str, *, stack: str, now: datetime) -> str:
    """The whole statement, amounts in USD to the micro-dollar."""
    lines = list(books.lines.values())
    so_far = ", so far: the month is not over" if rfc3339(now)[:7] == month else ""
    parts = [
        f"Costs booked in {month} (UTC) by {stack}, in USD{so_far}",
        _by_channel(lines),
        _made_of(lines),
        _aws_bill(books),
        _against_bills(books),
        _each(books, total(lines)),
        _dearest(books),
        "Estimates are by the rate card in use when a message was recorded. On no contact's account"
        "\ncarriers' fees are corrected by the day, and our AWS share, which is modelled, by the"
        " month.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_csv(books: Books, month: str, file: TextIO) -> None:
    """Every line of the month, oldest first."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(HEAD)
    for line in sorted(books.lines.values(), key=lambda line: (line.at, line.id)):
        cost, native = line.cost, line.native
        out.writerow(
            [
                month,
                owner(books, line),
                line.id,
                line.kind,
                line.channel,
                line.direction,
                cost.category,
                cost.units,
                line.entry_id,
                rfc3339(line.entry_at) if line.entry_at else "",
                rfc3339(line.at),
                usd(cost.provider_micro_usd),
                usd(cost.carrier_fee_micro_usd),
                usd(cost.own_micro_usd),
                usd(cost.total_micro_usd),
                native.amount if native else "",
                native.currency if native else "",
                cost.rate,
                "yes" if line.actual else "no",
            ]
        )


def total(lines: Iterable[CostLine]) -> int:
    """Micro-USD."""
    return sum(line.cost.total_micro_usd for line in lines)


def owner(books: Books, line: CostLine) -> str:
    """Whose a line is now."""
    return books.roots.get(line.home, line.home)


def usd(micro_usd: int, places: int = 6) -> str:
    """Dollars, to the micro-dollar or rounded to `places`."""
    scale = 10 ** (6 - places)
    whole, sign = (abs(micro_usd) + scale // 2) // scale, "-" if micro_usd < 0 else ""
    units = 10**places
    return f"{sign}{whole // units}.{whole % units:0{places}}"


# ---- the tables


def _by_channel(lines: Sequence[CostLine]) -> str:
    """What was estimated, what became of it, and what it comes to."""
    groups = sorted({(str(line.channel), str(line.direction)) for line in lines if _is_ours(line)})
    rows = []
    for channel, direction in groups:
        own = [
            line
            for line in lines
            if _is_ours(line) and (line.channel, line.direction) == (channel, direction)
        ]
        rows.append([channel, direction, *_sums(own)])
    for home, name in NOBODY.items():
        if theirs := [line for line in lines if line.home == home]:
            rows.append([name, "", *_sums(theirs)])
    rows.append(["total", "", *_sums(lines)])
    head = [
        "channel",
        "direction",
        "messages",
        "estimated",
        "not sent",
        "failed",
        "billed over",
        "total",
    ]
    return table(head, rows, left=2, total=True)


def _sums(lines: Sequence[CostLine]) -> list[str]:
    by_kind: Counter[LineKind] = Counter()
    for line in lines:
        by_kind[line.kind] += line.cost.total_micro_usd
    billed_over = by_kind[LineKind.PRICE] + by_kind[LineKind.FEES] + by_kind[LineKind.BILL]
    return [
        str(sum(map(_is_message, lines))),
        usd(by_kind[LineKind.ESTIMATE]),
        usd(by_kind[LineKind.VOID]),
        usd(by_kind[LineKind.CHANGE]),
        usd(billed_over),
        usd(total(lines)),
    ]


def _made_of(lines: Sequence[CostLine]) -> str:
    bills = [line for line in lines if line.kind is LineKind.BILL]
    parts: list[tuple[str, Callable[[CostLine], int]]] = [
        ("providers", lambda line: line.cost.provider_micro_usd),
        ("carriers' fees, estimated", lambda line: line.cost.carrier_fee_micro_usd),
        ("our AWS share, modelled", lambda line: line.cost.own_micro_usd),
    ]
    whole = total(lines)
    sums = [(name, sum(of(it) for it in lines if it not in bills)) for name, of in parts]
    if bills:
        sums.append(("AWS, billed over that", total(bills)))
    rows = [[name, usd(amount), _share(amount, whole)] for name, amount in sums]
    return table(["made up of", "USD", "share"], rows, left=1)


def _aws_bill(books: Books) -> str:
    """AWS's bill of the month, once it is known: what of it stands where in the ledger."""
    if not books.bill:
        return ""
    modelled, ses = on_the_bill(books.lines.values())
    over: Counter[str] = Counter()
    for line in books.bill.values():
        over[keys.month(line.at)] += line.cost.total_micro_usd
    rows = [["our share, modelled", usd(modelled)], ["Amazon SES, by the message", usd(ses)]]
    rows += [[f"more, booked in {month}", usd(over[month])] for month in sorted(over)]
    rows.append(["billed by AWS", usd(modelled + ses + over.total())])
    return table(["AWS's bill of the month", "USD"], rows, left=1, total=True)


def _against_bills(books: Books) -> str:
    """Estimate against actual, of the messages whose price is known."""
    rows = []
    sent = [
        line
        for line in books.lines.values()
        if _is_message(line) and line.direction == "outbound" and line.cost.provider_micro_usd
    ]
    for channel in sorted({str(line.channel) for line in sent}):
        own = [line for line in sent if line.channel == channel]
        known = [line for line in own if line.id in books.billed]
        estimated = sum(line.cost.provider_micro_usd for line in known)
        billed = sum(books.billed[line.id] for line in known)
        rows.append(
            [
                channel,
                f"{len(known)} of {len(own)}",
                usd(estimated),
                usd(billed),
                usd(billed - estimated),
                _share(billed - estimated, estimated, sign=True) if known else "",
            ]
        )
    if not rows:
        return ""
    head = ["sent messages", "with a bill", "estimated", "billed", "difference", ""]
    return table(head, rows, left=1)


def _each(books: Books, whole: int) -> str:
    messages = [line for line in books.lines.values() if _is_message(line)]
    contacts = {owner(books, line) for line in messages}
    conversations = {books.conversations.get(line.id, "") for line in messages} - {""}
    rows = [
        [name, str(count), usd(whole // count) if count else ""]
        for name, count in (
            ("messages", len(messages)),
            ("contacts served", len(contacts)),
            ("conversations", len(conversations)),
        )
    ]
    return table(["", "number", "total for each"], rows, left=1)


def _dearest(books: Books) -> str:
    by_contact: dict[str, list[CostLine]] = {}
    for line in books.lines.values():
        if _is_ours(line):
            by_contact.setdefault(owner(books, line), []).append(line)
    dearest = sorted(by_contact.items(), key=lambda each: (-total(each[1]), each[0]))[:DEAREST]
    rows = []
    for contact, lines in dearest:
        by_channel: Counter[str] = Counter()
        for line in lines:
            by_channel[line.channel] += line.cost.total_micro_usd
        mostly, _ = max(by_channel.items(), key=lambda each: each[1])
        rows.append([contact, mostly, str(sum(map(_is_message, lines))), usd(total(lines))])
    return table(["dearest contacts", "mostly", "messages", "USD"], rows, left=2) if rows else ""


def _is_ours(line: CostLine) -> bool:
    return line.home not in NOBODY


def _is_message(line: CostLine) -> bool:
    """An entry's own line; those of erased contacts are summed up, and count no messages."""
    return line.kind is LineKind.ESTIMATE and line.entry_id == line.id


def _share(part: int, whole: int, *, sign: bool = False) -> str:
    if not whole:
        return ""
    tenths = round(part * 1000 / whole)
    return f"{'+' if sign and tenths > 0 else ''}{tenths / 10:.1f} %"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int, total: bool = False
) -> str:
    """Columns, the first `left` of them flush left and the others right; a rule before a total."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    rule = ["-" * width for width in widths]
    shown = [head, rule, *rows[:-1], rule, rows[-1]] if total else [head, rule, *rows]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    )

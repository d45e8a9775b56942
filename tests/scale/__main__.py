"""`python -m tests.scale` plays the population and writes docs/scale.md."""

from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil

from shared.store.keys import INBOX_SHARDS
from tests.benchmarks.figures import Figure
from tests.scale.heat import Heat, families, heat_of
from tests.scale.population import CONTACTS, happenings
from tests.scale.quotas import needs
from tests.template import ROOT

PAGE = ROOT / "docs" / "scale.md"
RATES = (1_000, 10_000)
SECONDS = 30
MOST_WRITES, MOST_READS = 1_000, 3_000
# One address's messages are written one after the other: a transaction takes about 12 ms.
MOST_AN_ADDRESS = 80

# What to do about a family of keys that gets too hot.
ANSWERS = {
    "INBOX": "spread it wider: `INBOX_SHARDS` in shared/store/keys.py. A row takes its new place "
    "when its conversation\n  is touched next; the old shards are among the new, so lists miss "
    "nothing. Each list asks as many partitions",
}
_WHAT = {
    "CONTACT": "a contact's entries, receipts and profile",
    "CONVERSATION": "a conversation",
    "DELIVERY": "a delivery's marker",
    "DUE": "index: what is due",
    "IDENTITY": "an address",
    "INBOX": "index: the inbox",
    "REFERENCE": "a reference",
    "THREAD": "a Message-ID",
}
_INTRODUCTION = f"""# Scale

Written by `make bench` (or `python -m tests.scale`). {CONTACTS:,} synthetic contacts write and are
written to for {SECONDS} seconds: 45 % texts in, 20 % mails, 15 % chat, 20 % messages out with three
receipts; activity falls as a power of rank, every fifteen seconds a burst triples the calm for
three, one celebrity's contact has 0.3 % of everything and one company's shared mailbox 0.2 %. The
same seed tells the same story. Every message goes through the product's own key functions
(`shared/store/keys.py`); units are those counted in [costs](costs.md).

DynamoDB gives one partition 1,000 write and 3,000 read units a second
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). It may
spread a key's items over several, but what is written in order of time lands in the last of them:
so these are the most that one key takes here.

## The hottest key of each kind, units in its busiest second
"""


def page() -> str:
    """The whole page."""
    heats = played()
    return "\n".join([_INTRODUCTION, *_keys(heats), *_hot(heats), *_account(heats)]) + "\n"


@cache
def played() -> tuple[Heat, ...]:
    """The population at each rate."""
    return tuple(heat_of(happenings(rate, SECONDS)) for rate in RATES)


def unanswered(heats: Sequence[Heat]) -> list[str]:
    """The kinds of keys that get too hot and that nobody has said anything about."""
    return [kind for kind in families(*heats) if _is_hot(kind, heats) and kind not in ANSWERS]


def figures() -> Iterator[Figure]:
    """The hottest keys at the highest rate, and whether each over the limit has its answer."""
    heats = played()
    at = f"at {RATES[-1]:,} messages/s"
    for kind in families(*heats):
        hottest = heats[-1].writes.get(kind, 0)
        limit = None if kind in ANSWERS else MOST_WRITES
        note = "over 1,000: answered in docs/scale.md" if hottest > MOST_WRITES else ""
        yield Figure(
            name=f"hottest {_WHAT.get(kind, kind)}, {at}",
            value=hottest,
            unit="WCU/s",
            target=limit,
            note=note,
        )
    yield Figure(
        name=f"kinds of keys too hot without an answer, {at}",
        value=len(unanswered(heats)),
        unit="",
        target=0,
    )


def _is_hot(kind: str, heats: Sequence[Heat]) -> bool:
    return any(
        heat.writes.get(kind, 0) > MOST_WRITES or heat.reads.get(kind, 0) > MOST_READS
        for heat in heats
    )


def _keys(heats: Sequence[Heat]) -> Iterator[str]:
    columns = " | ".join(f"{rate:,}/s: writes | reads" for rate in RATES)
    yield f"| key | {columns} | |"
    yield "|---|" + "---|---|" * len(heats) + "---|"
    for kind in families(*heats):
        numbers = " | ".join(
            f"{heat.writes.get(kind, 0):,} | {heat.reads.get(kind, 0):,}" for heat in heats
        )
        hot = "too hot, see below" if _is_hot(kind, heats) else ""
        yield f"| {kind}: {_WHAT.get(kind, '')} | {numbers} | {hot} |"


def _hot(heats: Sequence[Heat]) -> Iterator[str]:
    yield "\n## What gets too hot, and the answer\n"
    for kind in families(*heats):
        if _is_hot(kind, heats):
            yield f"- **{kind}**: {ANSWERS.get(kind, 'NO ANSWER YET')}."
    shards = ceil(heats[-1].writes["INBOX"] * INBOX_SHARDS / MOST_WRITES / 8) * 8
    yield f"  At {RATES[-1]:,} messages/s it takes {shards} instead of {INBOX_SHARDS}."
    busiest = " and ".join(
        f"{heat.address_messages} at {rate:,}/s" for heat, rate in zip(heats, RATES, strict=True)
    )
    yield (
        f"- **One contact's messages** are written one after the other, about {MOST_AN_ADDRESS} a"
        " second, since each counts on the\n  same address. The celebrity's busiest second has"
        f" {busiest}. What does not get its\n  turn is answered 503 and brought again by its"
        " provider: such a burst is some seconds late, and complete."
    )
    yield (
        "- **Our own addresses** (the support number, the support mailbox) are no keys at all: that"
        " everybody\n  writes to them heats nothing."
    )


def _account(heats: Sequence[Heat]) -> Iterator[str]:
    yield "\n## What a burst asks of the account, and the default quotas in us-east-1\n"
    columns = " | ".join(f"at {rate:,}/s" for rate in RATES)
    yield f"| what | {columns} | quota | where it is over |"
    yield "|---|" + "---|" * len(heats) + "---|---|"
    for each in zip(*(list(needs(heat)) for heat in heats), strict=True):
        first = each[0]
        numbers = " | ".join(f"**{n.need:,.0f}**" if n.is_over else f"{n.need:,.0f}" for n in each)
        answer = first.answer if any(need.is_over for need in each) else ""
        yield f"| {each[-1].what} | {numbers} | {first.quota:,.0f} ({first.source}) | {answer} |"
    yield (
        "\nTwilio's own limit comes first in practice: a US long code sends one text a second, a"
        " short code a hundred;\nwhat is over waits at Twilio, not here. Quotas are AWS's usual"
        " ones in November 2026,\nnot all of them looked up: ask Service Quotas for your account's."
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE.relative_to(ROOT)}")

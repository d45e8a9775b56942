"""How the benchmarks measure: CPU of this process, side by side, medians of ratios."""

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import TextIOBase
from time import process_time

from tests.benchmarks.figures import middle

Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """CPU of two pieces of work, in milliseconds, each round's beside the other's."""

    ours: Sequence[float]
    other: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of each round's ratio: both sides had the same machine just then."""
        return middle([one / two for one, two in zip(self.ours, self.other, strict=True)])


class _Nowhere(TextIOBase):
    """Where the handlers' log lines go; they cost their CPU all the same."""

    def write(self, text: str) -> int:
        return len(text)


_NOWHERE = _Nowhere()


def cpu(work: Work) -> float:
    """Milliseconds of this process's CPU; waiting, and what other processes compute, is not in."""
    with redirect_stdout(_NOWHERE):
        started = process_time()
        work()
        return (process_time() - started) * 1000


def side_by_side(ours: Sequence[Work], other: Sequence[Work], *, warm: int = 20) -> Pair:
    """Both kinds of work, taking turns; the first `warm` rounds are not counted.

    What the benchmark itself holds is kept from the collector: a function has no such heap.
    """
    gc.collect()
    gc.freeze()
    pairs = []
    for number, (one, two) in enumerate(zip(ours, other, strict=True)):
        first, second = (one, two) if number % 2 else (two, one)
        times = cpu(first), cpu(second)
        pairs.append(times if number % 2 else times[::-1])
    gc.unfreeze()
    counted = pairs[warm:]
    return Pair(ours=[pair[0] for pair in counted], other=[pair[1] for pair in counted])


def peak_kb(work: Work) -> float:
    """KB of Python's memory that work holds at most, over what there was before."""
    gc.collect()
    tracemalloc.start()
    with redirect_stdout(_NOWHERE):
        work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1024


def turns(kinds: Sequence[Work], rounds: int, *, warm: int = 3) -> list[list[float]]:
    """CPU of each kind of work, in milliseconds, a round after the other over all of them."""
    gc.collect()
    taken = [[cpu(work) for work in kinds] for _ in range(rounds + warm)][warm:]
    return [list(times) for times in zip(*taken, strict=True)]

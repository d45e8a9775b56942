"""A synthetic population that writes and is written to; the same seed tells the same story.

Activity falls as a power of rank; answers come in bursts; one contact is a celebrity, and one
mailbox stands for a whole company.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

CONTACTS = 1_000_000
_SKEW = 0.6  # a rank's share falls with rank ** -0.6: the busiest tenth writes 40 % of it all
CELEBRITY, _CELEBRITY_SHARE = 0, 0.003
COMPANY, _COMPANY_SHARE = 1, 0.002
_BURST_EVERY, _BURST_SECONDS, _BURST_FACTOR = 15, 3, 3
_NEW_CONVERSATION = 0.05

Kind = Literal["sms", "email", "chat", "out"]
_MIX: tuple[tuple[Kind, float], ...] = (("sms", 0.45), ("email", 0.65), ("chat", 0.8), ("out", 1.0))


@dataclass(frozen=True, slots=True)
class Happening:
    """One message: when (seconds from the start), whose, how, and whether it opens a matter."""

    second: int
    contact: int
    kind: Kind
    opens: bool


def happenings(rate: int, seconds: int, *, seed: int = 1) -> Iterator[Happening]:
    """Messages at `rate` a second, on average over each burst and the calm before it."""
    random = Random(seed)
    calm = _calm_rate(rate)
    for second in range(seconds):
        is_burst = second % _BURST_EVERY >= _BURST_EVERY - _BURST_SECONDS
        for _ in range(round(calm * (_BURST_FACTOR if is_burst else 1))):
            drawn = random.random()
            kind = next(kind for kind, up_to in _MIX if drawn < up_to)
            yield Happening(second, _who(random), kind, random.random() < _NEW_CONVERSATION)


def _calm_rate(rate: float) -> float:
    busy = _BURST_SECONDS * (_BURST_FACTOR - 1)
    return rate * _BURST_EVERY / (_BURST_EVERY + busy)


def busiest(rate: float) -> float:
    """Messages a second in a burst."""
    return _calm_rate(1) * _BURST_FACTOR * rate


def _who(random: Random) -> int:
    drawn = random.random()
    if drawn < _CELEBRITY_SHARE:
        return CELEBRITY
    if drawn < _CELEBRITY_SHARE + _COMPANY_SHARE:
        return COMPANY
    return int(CONTACTS * random.random() ** (1 / (1 - _SKEW)))

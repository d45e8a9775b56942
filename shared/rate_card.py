"""The rate card this deployment estimates with."""

from functools import cache
from pathlib import Path

from shared.rules.prices import RateCard


@cache
def rate_card() -> RateCard:
    """The card in `rate_card.json`, read once."""
    return RateCard.from_json(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

"""Money: integer micro-USD, each amount with where it came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one message costs us, in micro-USD (1 000 000 = 1 USD), by the rate card named.

    `provider_micro_usd` is the carrier's and mail service's share, `own_micro_usd` our own AWS
    share; `category` and `units` say what was priced (`sms.segment`, 2).
    """

    provider_micro_usd: int
    own_micro_usd: int
    category: str
    units: int
    rate: str

    @property
    def total_micro_usd(self) -> int:
        """The whole amount, micro-USD."""
        return self.provider_micro_usd + self.own_micro_usd

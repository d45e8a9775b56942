"""Money: integer micro-USD, each amount with where it came from."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one message costs us, in micro-USD (1 000 000 = 1 USD), by the rate card named.

    `provider_micro_usd` is the provider's price, `carrier_fee_micro_usd` what carriers charge
    beside it (no provider's price holds it), `own_micro_usd` our own AWS share; `category` and
    `units` say what was priced (`sms.segment`, 2).
    """

    provider_micro_usd: int
    carrier_fee_micro_usd: int = 0
    own_micro_usd: int
    category: str
    units: int
    rate: str

    @property
    def total_micro_usd(self) -> int:
        """The whole amount, micro-USD."""
        return self.provider_micro_usd + self.carrier_fee_micro_usd + self.own_micro_usd

    def plus(self, other: Self) -> Self:
        """Both amounts; what was priced, and by which rate, is as here."""
        return replace(
            self,
            provider_micro_usd=self.provider_micro_usd + other.provider_micro_usd,
            carrier_fee_micro_usd=self.carrier_fee_micro_usd + other.carrier_fee_micro_usd,
            own_micro_usd=self.own_micro_usd + other.own_micro_usd,
            units=self.units + other.units,
        )

    def reversed(self) -> Self:
        """What takes the amount back."""
        return replace(
            self,
            provider_micro_usd=-self.provider_micro_usd,
            carrier_fee_micro_usd=-self.carrier_fee_micro_usd,
            own_micro_usd=-self.own_micro_usd,
            units=-self.units,
        )


@dataclass(frozen=True, slots=True)
class Price:
    """An amount as a provider named it: a decimal number, and its currency (ISO 4217)."""

    amount: str
    currency: str

"""What a message costs, estimated when it is recorded, from dated rates.

Integers throughout: rates are whole nano-USD, estimates whole micro-USD, rounded half to even once
for the provider's share and once for our own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from shared.model.cost import Cost
from shared.model.entry import Channel, Entry
from shared.model.message import InboundMessage
from shared.rules.segments import segments

ANYWHERE = "*"
EMAIL_CHUNK_BYTES = 256 * 1024  # SES bills each full one of a mail received
_NANO = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The price of one unit (`sms.outbound.segment`) from a day on.

    `prefix` is the start of the phone numbers it holds for, with their country code; `*` for any.
    """

    name: str
    prefix: str
    nano_usd: int
    effective_from: date

    @property
    def id(self) -> str:
        """What an entry's cost names: `sms.outbound.segment/+1/2026-07-05`."""
        return f"{self.name}/{self.prefix}/{self.effective_from}"


@dataclass(frozen=True, slots=True)
class RateCard:
    """All rates, of all days."""

    rates: tuple[Rate, ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The card in `text`. Raises ValueError for an amount that is no whole nano-USD."""
        return cls(
            tuple(
                Rate(
                    name=rate["name"],
                    prefix=rate["prefix"],
                    nano_usd=_nano_usd(rate["usd"]),
                    effective_from=date.fromisoformat(rate["effective_from"]),
                )
                for rate in json.loads(text, parse_float=Decimal)["rates"]
            )
        )

    def rate(self, name: str, number: str, at: datetime) -> Rate | None:
        """The rate for a phone number (or nothing) at a time; None where there is no such rate.

        The longest prefix wins, then the latest day; before the first day the first rate holds,
        for a message is never refused for want of its price.
        """
        fitting = [
            rate
            for rate in self.rates
            if rate.name == name and (rate.prefix == ANYWHERE or number.startswith(rate.prefix))
        ]
        if not fitting:
            return None
        longest = max((rate.prefix for rate in fitting), key=lambda p: (p != ANYWHERE, len(p)))
        dated = sorted(
            (rate for rate in fitting if rate.prefix == longest), key=lambda r: r.effective_from
        )
        begun = [rate for rate in dated if rate.effective_from <= at.date()]
        return begun[-1] if begun else dated[0]


def price_inbound(card: RateCard, message: InboundMessage) -> Cost:
    """The estimate for a message received; a text's rate is that of our number's country."""
    if message.channel is Channel.SMS:
        units = {"segment": message.segments}
    elif message.channel is Channel.EMAIL:
        units = {"message": 1, "chunk": message.size_bytes // EMAIL_CHUNK_BYTES}
    else:
        units = {"message": 1}
    kind = str(message.channel)
    if message.channel is Channel.SMS and message.attachments:
        kind, units = "mms", {"message": 1}
    return _estimate(card, kind, "inbound", units, number=message.recipient, at=message.received_at)


def price_outbound(card: RateCard, entry: Entry) -> Cost:
    """The estimate for a message to be sent; a text's rate is that of its recipient's country."""
    if entry.channel is Channel.SMS:
        parts = segments(entry.text)
        units = {"segment": parts, "carrier_fee": parts}
    else:
        units = {"message": 1}
    number = entry.address.value if entry.address else ""
    kind = str(entry.channel)
    return _estimate(card, kind, "outbound", units, number=number, at=entry.occurred_at)


def round_half_even(nano_usd: int) -> int:
    """Nano-USD in whole micro-USD."""
    micro, rest = divmod(nano_usd, 1000)
    return micro + (rest > 500 or (rest == 500 and micro % 2 == 1))


def _estimate(
    card: RateCard, kind: str, way: str, units: Mapping[str, int], *, number: str, at: datetime
) -> Cost:
    """What these units of a kind of message cost; the first of them names category and rate."""
    priced = [(card.rate(f"{kind}.{way}.{unit}", number, at), n) for unit, n in units.items()]
    own = card.rate(f"{kind}.{way}.own", number, at)
    unit, count = next(iter(units.items()))
    main = priced[0][0]
    return Cost(
        provider_micro_usd=round_half_even(sum(rate.nano_usd * n for rate, n in priced if rate)),
        own_micro_usd=round_half_even(own.nano_usd) if own else 0,
        category=f"{kind}.{unit}",
        units=count,
        rate=main.id if main else "",
    )


def _nano_usd(usd: str | Decimal) -> int:
    nano = Decimal(usd) * _NANO
    if nano != nano.to_integral_value() or nano < 0:
        raise ValueError(f"{usd} USD is no whole number of nano-USD")
    return int(nano)

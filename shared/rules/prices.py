"""What a message costs, estimated when it is recorded, from dated rates.

Integers throughout: rates are whole nano-USD, estimates whole micro-USD, rounded half to even once
for the provider's share, once for carriers' fees and once for our own share.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Self

from shared.model.cost import Cost, Price
from shared.model.entry import Channel, Direction, Entry, Kind
from shared.model.errors import RejectedError
from shared.model.message import InboundMessage
from shared.rules.segments import segments

ANYWHERE = "*"
EMAIL_CHUNK_BYTES = 256 * 1024  # SES bills each full one of a mail received
_NANO = 10**9
_MICRO = 10**6
_FEE = ".carrier_fee"
_AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What one unit of a currency is worth from a day on, in USD, exactly."""

    currency: str
    usd: Decimal
    effective_from: date

    @property
    def id(self) -> str:
        """What a line's cost names: `exchange/EUR/2026-11-20`."""
        return f"exchange/{self.currency}/{self.effective_from}"


@dataclass(frozen=True, slots=True)
class RateCard:
    """All rates and exchange rates, of all days."""

    rates: tuple[Rate, ...]
    exchanges: tuple[Exchange, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The card in `text`; of rates that belong to a plan, those of the plans it chooses.

        Raises ValueError for an amount that is no whole nano-USD.
        """
        read = json.loads(text, parse_float=Decimal)
        chosen = {None, *read.get("plans", {}).values()}
        return cls(
            tuple(
                Rate(
                    name=rate["name"],
                    prefix=rate["prefix"],
                    nano_usd=_nano_usd(rate["usd"]),
                    effective_from=date.fromisoformat(rate["effective_from"]),
                )
                for rate in read["rates"]
                if rate.get("plan") in chosen
            ),
            tuple(
                Exchange(
                    currency=exchange["currency"],
                    usd=Decimal(exchange["usd"]),
                    effective_from=date.fromisoformat(exchange["effective_from"]),
                )
                for exchange in read.get("exchanges", ())
            ),
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

    def convert(self, price: Price, at: datetime) -> tuple[int, str]:
        """A provider's price in micro-USD, rounded once, and the exchange rate's id ("" for USD).

        Providers write what they charge as a negative amount, or as a positive one; both are what
        we owe. Raises RejectedError for what is no plain decimal number, and for a currency that
        the card has no rate for.
        """
        if not _AMOUNT.fullmatch(price.amount):
            raise RejectedError("the price is no decimal number")
        amount = abs(Decimal(price.amount))
        currency, rate_id = price.currency.upper(), ""
        if currency != "USD":
            dated = sorted(
                (each for each in self.exchanges if each.currency == currency),
                key=lambda each: each.effective_from,
            )
            if not dated:
                raise RejectedError("the rate card has no exchange rate for the price's currency")
            begun = [each for each in dated if each.effective_from <= at.date()]
            rate = begun[-1] if begun else dated[0]
            amount, rate_id = amount * rate.usd, rate.id
        return int((amount * _MICRO).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)), rate_id


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
        kind, units = _text_or_mms(entry)
    elif entry.channel is Channel.WHATSAPP:
        kind = "whatsapp"
        is_template = entry.template or entry.kind is Kind.NOTIFICATION
        units = {"message": 1, "utility" if is_template else "service": 1}
    elif entry.channel is Channel.EMAIL:
        attached = sum(attachment.size_bytes for attachment in entry.attachments)
        kind, units = "email", {"message": 1, "attached_megabyte": attached // 10**6}
    else:
        kind, units = str(entry.channel), {"message": 1}
    number = entry.address.value if entry.address else ""
    return _estimate(card, kind, "outbound", units, number=number, at=entry.occurred_at)


def _text_or_mms(entry: Entry) -> tuple[str, Mapping[str, int]]:
    if entry.attachments:
        return "mms", {"message": 1, "carrier_fee": 1}
    parts = segments(entry.text)
    return "sms", {"segment": parts, "carrier_fee": parts}


def price_call(
    card: RateCard, direction: Direction, number: str, seconds: int, at: datetime
) -> Cost:
    """The estimate for a call: each begun minute. `number` is the other side's."""
    units = {"minute": -(-seconds // 60)}
    return _estimate(card, "voice", str(direction), units, number=number, at=at)


def price_failed(card: RateCard, entry: Entry) -> int | None:
    """What a message costs that its provider took and then failed to send, in micro-USD.

    None where that changes nothing.
    """
    number = entry.address.value if entry.address else ""
    rate = card.rate(f"{entry.channel}.outbound.failed", number, entry.occurred_at)
    return round_half_even(rate.nano_usd) if rate else None


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
    fees = sum(rate.nano_usd * n for rate, n in priced if rate and rate.name.endswith(_FEE))
    whole = sum(rate.nano_usd * n for rate, n in priced if rate)
    unit, count = next(iter(units.items()))
    main = priced[0][0]
    return Cost(
        provider_micro_usd=round_half_even(whole - fees),
        carrier_fee_micro_usd=round_half_even(fees),
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

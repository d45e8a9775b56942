"""Each quarter of an hour, and once a day: what Twilio's own list knows and we do not."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache, partial

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.fees import book_fees
from shared.model.entry import Channel
from shared.model.errors import UnavailableError
from shared.model.message import InboundMessage
from shared.model.receipt import ReceiptKey
from shared.providers.twilio import PROVIDER, SERVICE, TwilioList, TwilioUsage, address_on
from shared.rate_card import rate_card
from shared.receive import receive
from shared.reconcile import DAYS_BACK, Found, Reconciler
from shared.record import Outcome
from shared.reprice import reprice
from shared.rules.matching import Policy, policy
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import signing_keys, twilio_account
from shared.runtime.settings import ReconcileSettings
from shared.runtime.telemetry import count, logger
from shared.runtime.unforeseen import discreet
from shared.store.bodies import Bodies
from shared.store.table import Table

_RESERVE = 20_000  # ms in which one message, and one page of the list, come to their end


@cache
def settings() -> ReconcileSettings:
    return ReconcileSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@cache
def linking() -> Policy:
    return policy(settings())


@discreet
def lambda_handler(event: Mapping[str, str], context: LambdaContext) -> None:
    """Do the run its schedule names: `inbound`, `day` or `fees`; doing it again does no harm."""
    account = twilio_account(settings().twilio_secret)
    reconciler = Reconciler(
        provider=PROVIDER,
        messages=TwilioList(account, settings().twilio_api_url),
        table=table(),
        take_in=_take_in,
        reprice=_reprice,
        tell=_tell,
        clock=partial(now, settings().clock_offset),
        has_time=lambda: context.get_remaining_time_in_millis() > _RESERVE,
    )
    if event["run"] == "inbound":
        reconciler.recover_inbound(_our_numbers())
        return
    today = now(settings().clock_offset).date()
    if event["run"] == "fees":
        usage = TwilioUsage(account, settings().twilio_api_url)
        for days in DAYS_BACK:
            _book_fees(today - timedelta(days=days), usage)
        return
    for days in DAYS_BACK:
        if not reconciler.go_through_day(today - timedelta(days=days)):
            raise UnavailableError(f"the list of {days} days ago is longer than there was time for")


def _our_numbers() -> Iterator[str]:
    """Our numbers as Twilio writes them; what a messaging service received, its numbers did."""
    ours = {Channel.SMS: settings().sms_sender, Channel.WHATSAPP: settings().whatsapp_sender}
    for channel, senders in ours.items():
        numbers = (it for it in senders.split(",") if not it.startswith(SERVICE))
        yield from (address_on(channel, number) for number in numbers)


def _book_fees(day: date, usage: TwilioUsage) -> None:
    at = now(settings().clock_offset)
    billed = usage.carrier_fees(day)
    if billed and book_fees(day, billed, table=table(), card=rate_card(), now=at):
        count("CarrierFeesBooked")


def _take_in(message: InboundMessage) -> bool:
    bodies = Bodies(clients.s3, settings().content_bucket)
    recorded, _ = receive(
        message,
        table=table(),
        bodies=bodies,
        now=now(settings().clock_offset),
        price=partial(price_inbound, rate_card()),
        policy=linking(),
    )
    return recorded.outcome is Outcome.RECORDED


def _reprice(key: ReceiptKey, amount: str, currency: str) -> bool:
    at = now(settings().clock_offset)
    return reprice(key, amount, currency, table=table(), card=rate_card(), now=at)


def _tell(found: Found, provider_id: str) -> None:
    count(found)
    logger().info(found, extra={"provider_id": provider_id})

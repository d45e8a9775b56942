"""The courier of this deployment, with its ways out."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial

from shared.deliver import Courier, Outlet
from shared.model.entry import Channel
from shared.model.errors import RejectedError
from shared.providers import chat, ses, twilio
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import chat_sites, public_urls, signing_keys, twilio_account
from shared.runtime.settings import DeliverMessageSettings
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.downloads import Downloads
from shared.store.table import Table


@cache
def settings() -> DeliverMessageSettings:
    return DeliverMessageSettings.from_env()


def courier(milliseconds_left: Callable[[], int]) -> Courier:
    """A courier for one invocation of the function."""
    keys = signing_keys(settings().keys_secret)
    return Courier(
        table=Table(clients.dynamodb(), settings().table_name, keys.identity_key),
        bodies=Bodies(clients.s3, settings().content_bucket),
        outlet=outlet,
        mail_domain=settings().mail_domain,
        reply_keys=keys.keys,
        media_link=Downloads(clients.s3, settings().content_bucket).media_link,
        read_file=Attachments(clients.s3, settings().content_bucket).read,
        clock=partial(now, settings().clock_offset),
        time_left=lambda: timedelta(milliseconds=milliseconds_left()),
    )


def outlet(channel: Channel) -> Outlet:
    """How messages of a channel leave. Raises RejectedError for a channel that has no way out."""
    match channel:
        case Channel.SMS | Channel.WHATSAPP:
            account = twilio_account(settings().twilio_secret)
            public_url = public_urls(settings().public_urls_parameter)[0]
            return Outlet(
                provider="twilio",
                sender=twilio.TwilioSender(account, settings().twilio_api_url),
                sent=twilio.TwilioList(account, settings().twilio_api_url),
                senders=tuple(_twilio_senders(channel).split(",")),
                status_url=partial(twilio.status_url, public_url),
            )
        case Channel.EMAIL:
            return Outlet(
                provider="ses",
                sender=ses.SesSender(clients.sesv2(), settings().ses_configuration_set),
                senders=(settings().mail_sender,),
                public_url=public_urls(settings().public_urls_parameter)[0],
            )
        case Channel.CHAT:
            sender = chat.ChatSender(chat_sites(settings().chat_secret))
            return Outlet(provider=chat.PROVIDER, sender=sender, idempotent=True)
        case _:
            raise RejectedError(f"nothing is sent by {channel}")


def _twilio_senders(channel: Channel) -> str:
    by_text = channel is Channel.SMS
    return settings().sms_sender if by_text else settings().whatsapp_sender

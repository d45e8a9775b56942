"""Who we are to Twilio's REST API, and how it addresses people."""

from shared.model.entry import Channel
from shared.providers.twilio.messages import WHATSAPP
from shared.runtime.secrets import TwilioAccount

SERVICE = "MG"  # what the id of a Messaging Service, a group of numbers, begins with


def messages_path(account: TwilioAccount) -> str:
    """Where the account's messages are made and listed."""
    return f"/2010-04-01/Accounts/{account.account_sid}/Messages"


def credentials(account: TwilioAccount) -> tuple[str, str]:
    """What a request is authenticated by: an API key, if there is one, else the auth token."""
    if account.api_key:
        return account.api_key, account.api_secret
    return account.account_sid, account.auth_token


def address_on(channel: Channel, value: str) -> str:
    """A number or a WhatsApp id as Twilio writes it on a channel."""
    return f"{WHATSAPP}{value}" if channel is Channel.WHATSAPP else value

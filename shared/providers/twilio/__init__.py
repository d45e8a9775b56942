"""Twilio: texts and WhatsApp messages in and out, and what became of them."""

from shared.providers.twilio.account import SERVICE, address_on
from shared.providers.twilio.listing import TwilioList
from shared.providers.twilio.media import TwilioMedia
from shared.providers.twilio.messages import PROVIDER, parse_message
from shared.providers.twilio.sender import TwilioSender
from shared.providers.twilio.signature import SIGNATURE_HEADER, verify
from shared.providers.twilio.statuses import parse_status, receipt_key, status_url
from shared.providers.twilio.usage import TwilioUsage

__all__ = [
    "SERVICE",
    "PROVIDER",
    "SIGNATURE_HEADER",
    "TwilioList",
    "TwilioMedia",
    "TwilioSender",
    "TwilioUsage",
    "address_on",
    "parse_message",
    "parse_status",
    "receipt_key",
    "status_url",
    "verify",
]

"""The environment, read once into one frozen model per function. The only place that reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


class SettingsError(RuntimeError):
    """The environment lacks what this function needs; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every function is told. `clock_offset` (`+8h`) is empty on AWS."""

    clock_offset: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """This function's settings; raises SettingsError naming each variable that is missing."""
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if name.upper() not in env]
        if missing:
            raise SettingsError(f"set these environment variables: {', '.join(missing)}")
        return cls(**{name: env[name.upper()] for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings(Settings):
    """Whoever reads or writes the table."""

    table_name: str
    keys_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkingSettings(TableSettings):
    """Whoever joins contacts: how (`auto`, `suggest`, `off`), and what is the operator's own."""

    link_policy: str
    sms_sender: str
    mail_sender: str
    mail_domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundSmsSettings(LinkingSettings):
    """inbound_sms."""

    twilio_secret: str
    public_urls_parameter: str
    content_bucket: str
    default_region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundChatSettings(LinkingSettings):
    """inbound_chat."""

    chat_secret: str
    content_bucket: str
    default_region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEmailSettings(TableSettings):
    """inbound_email."""

    mail_bucket: str
    content_bucket: str
    mail_domain: str
    default_region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingSettings(TableSettings):
    """Whoever writes messages to customers."""

    content_bucket: str
    default_region: str
    sms_sender: str
    mail_sender: str
    mail_domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyCustomerSettings(WritingSettings):
    """notify_customer. `countries` are comma separated; empty stands for the default region."""

    notify_queue_url: str
    time_zone: str
    countries: str
    notifications_per_hour: str
    texts_per_block: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverMessageSettings(WritingSettings):
    """deliver_message."""

    twilio_secret: str
    chat_secret: str
    public_urls_parameter: str
    twilio_api_url: str
    whatsapp_sender: str
    ses_configuration_set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsTwilioSettings(TableSettings):
    """receipts_twilio."""

    twilio_secret: str
    public_urls_parameter: str
    content_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeSettings(TableSettings):
    """unsubscribe."""

    content_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchMediaSettings(TableSettings):
    """fetch_media."""

    twilio_secret: str
    twilio_api_url: str
    content_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignAgentSettings(TableSettings):
    """assign_agent."""

    assignee_response_seconds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishEventsSettings(Settings):
    """publish_events."""

    bus_name: str
    content_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCostsSettings(Settings):
    """meter_costs. An answer within 0 minutes is not promised; `closed_days` may be empty."""

    table_name: str
    content_bucket: str
    business_hours: str
    closed_days: str
    time_zone: str
    first_response_minutes: str
    next_response_minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(TableSettings):
    """sweep."""

    deliver_queue_url: str
    notify_queue_url: str
    content_bucket: str
    mail_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings(LinkingSettings):
    """reconcile."""

    twilio_secret: str
    twilio_api_url: str
    content_bucket: str
    whatsapp_sender: str


SETTINGS: Mapping[str, type[Settings]] = {
    "inbound_sms": InboundSmsSettings,
    "inbound_chat": InboundChatSettings,
    "inbound_email": InboundEmailSettings,
    "timeline_api": WritingSettings,
    "notify_customer": NotifyCustomerSettings,
    "assign_agent": AssignAgentSettings,
    "fetch_media": FetchMediaSettings,
    "deliver_message": DeliverMessageSettings,
    "receipts_twilio": ReceiptsTwilioSettings,
    "unsubscribe": UnsubscribeSettings,
    "receipts_email": TableSettings,
    "publish_events": PublishEventsSettings,
    "meter_costs": MeterCostsSettings,
    "sweep": SweepSettings,
    "reconcile": ReconcileSettings,
}

"""What sites with a chat tell us: POST /webhooks/chat."""

from functools import cache, partial

from shared.model.message import InboundMessage
from shared.model.sending import StatusReport
from shared.providers import chat
from shared.rate_card import rate_card
from shared.receipts import apply_chat_report
from shared.record import record
from shared.rules.addresses import parse_address
from shared.rules.prices import price_inbound
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.secrets import chat_sites, signing_keys
from shared.runtime.settings import InboundChatSettings
from shared.runtime.telemetry import logger
from shared.runtime.webhook import Response, WebhookRequest, answer, webhook
from shared.store.bodies import Bodies
from shared.store.table import Table

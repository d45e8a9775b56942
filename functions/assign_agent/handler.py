"""Conversations that were opened, from their queue."""

from datetime import timedelta
from functools import cache

from shared.assign import assign
from shared.rules.assignment import read_opened
from shared.runtime import clients
from shared.runtime.clock import now
from shared.runtime.queue import each_message
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import AssignAgentSettings
from shared.runtime.telemetry import logger
from shared.store.table import Table


@cache
def settings() -> AssignAgentSettings:
    return AssignAgentSettings.from_env()


@cache
def table() -> Table:
    keys = signing_keys(settings().keys_secret)
    return Table(clients.dynamodb(), settings().table_name, keys.identity_key)


@each_message
def lambda_handler(body: str, context: object) -> None:
    """Give one conversation to the agent its contact is used to, or say why not."""
    opened = read_opened(body)
    assigned = assign(
        opened,
        table=table(),
        now=now(settings().clock_offset),
        wait=timedelta(seconds=int(settings().assignee_response_seconds)),
    )
    facts = {"event_id": opened.event_id, "conversation_id": opened.conversation_id}
    logger().info(assigned.verdict, extra=facts)

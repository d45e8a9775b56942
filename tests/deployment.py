"""What the template gives a function: its environment, secrets and parameters, on moto."""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from shared.runtime import clients, secrets
from tests.webhooks import ACCOUNT, BASE, OLD_SECRET, SECRET

ENVIRONMENT = {
    "POWERTOOLS_METRICS_NAMESPACE": "Throughline",
    "POWERTOOLS_SERVICE_NAME": "test",
    "CLOCK_OFFSET": "",
    "TABLE_NAME": "throughline",
    "KEYS_SECRET": "keys",
    "TWILIO_SECRET": "twilio",
    "CHAT_SECRET": "chat",
    "PUBLIC_URLS_PARAMETER": "/throughline/public-base-urls",
    "CONTENT_BUCKET": "content",
    "DEFAULT_REGION": "US",
    "LINK_POLICY": "auto",
    "SMS_SENDER": "+14155550000",
    "WHATSAPP_SENDER": "+14155550009",
    "MAIL_SENDER": "support@in.example.com",
    "MAIL_DOMAIN": "in.example.com",
}
SECRETS: Mapping[str, Any] = {
    "keys": {"k1": "a key for tests"},
    "twilio": {"account_sid": ACCOUNT.account_sid, "auth_token": ACCOUNT.auth_token},
    "chat": {
        "sites": {
            "shop": {
                "secrets": [OLD_SECRET, SECRET],
                "vouches": ["email", "phone"],
                "url": "https://shop.example.com/chat",
            }
        }
    },
}


def deploy(monkeypatch: pytest.MonkeyPatch, **stored: Any) -> None:
    """Set the environment and store the secrets; a secret given as None is left out."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name, content in {**SECRETS, **stored}.items():
        if content is not None:
            text = json.dumps(content)
            clients.secretsmanager().create_secret(Name=name, SecretString=text)
    clients.ssm().put_parameter(
        Name=ENVIRONMENT["PUBLIC_URLS_PARAMETER"], Value=BASE, Type="String"
    )


@contextmanager
def fresh_containers(*functions: str) -> Iterator[list[ModuleType]]:
    """The handlers of some functions, each as in a container that has served nobody yet."""
    handlers = [importlib.import_module(f"functions.{name}.handler") for name in functions]
    _forget(handlers)
    yield handlers
    _forget(handlers)


def _forget(handlers: list[ModuleType]) -> None:
    for module in (clients, *handlers):
        for member in vars(module).values():
            if hasattr(member, "cache_clear"):
                member.cache_clear()
    for reader in vars(secrets).values():
        if isinstance(reader, secrets.Kept):
            reader.forget()

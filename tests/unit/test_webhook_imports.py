"""What a webhook's cold start must not pay for (channels.md §4.4, 11)."""

import subprocess
import sys

import pytest

TOO_HEAVY = ("aws_xray_sdk", "phonenumbers", "pydantic", "requests", "twilio.rest")


@pytest.mark.parametrize(
    "function", ["inbound_sms", "inbound_chat", "receipts_twilio", "unsubscribe"]
)
def test_importing_a_webhooks_handler_loads_nothing_heavy(function: str) -> None:
    code = (
        f"import sys, functions.{function}.handler\n"
        f"print([name for name in {TOO_HEAVY} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

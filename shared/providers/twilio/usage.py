"""What carriers charged for a day's messages, by Twilio's Usage Records.

https://www.twilio.com/docs/usage/api/usage-record (read 2026-11-22). A message's own price never
holds these fees, and they are told by the day only, for the whole account.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.model.cost import Price
from shared.model.errors import UnavailableError
from shared.providers.http import NoAnswerError, NotReachedError, get
from shared.providers.twilio.account import credentials
from shared.runtime.secrets import TwilioAccount

_DIGITS = 12  # of a day's amount, before its point
_UNREADABLE = (
    NotReachedError,
    NoAnswerError,
    ValueError,
    TypeError,
    LookupError,
    RecursionError,
)
_CATEGORIES = ("sms-messages-carrierfees", "mms-messages-carrierfees")


class TwilioUsage:
    """The usage of one account; `api_url` has no trailing slash."""

    def __init__(self, account: TwilioAccount, api_url: str) -> None:
        self._url = f"{api_url}/2010-04-01/Accounts/{account.account_sid}/Usage/Records.json"
        self._auth = credentials(account)

    def carrier_fees(self, day: date) -> Price | None:
        """Carriers' fees of a day (UTC); None where nothing is told. Raises UnavailableError."""
        try:
            rows = [row for category in _CATEGORIES for row in self._rows(category, day)]
            amounts = [abs(Decimal(str(row["price"]))) for row in rows]
            currencies = {str(row["price_unit"]).upper() for row in rows}
        except (LookupError, TypeError, InvalidOperation) as error:
            raise UnavailableError("Twilio's usage cannot be understood") from error
        if not rows:
            return None
        if not all(amount.is_finite() and amount.adjusted() < _DIGITS for amount in amounts):
            raise UnavailableError("Twilio's usage holds an amount that is none")
        if len(currencies) > 1 or not "".join(currencies).isascii():
            raise UnavailableError("Twilio's usage is in several currencies, or in none")
        return Price(f"{sum(amounts):f}", currencies.pop())

    def _rows(self, category: str, day: date) -> list[Mapping[str, Any]]:
        params = {"Category": category, "StartDate": f"{day}", "EndDate": f"{day}"}
        try:
            response = get(self._url, params=params, auth=self._auth)
            content = response.json() if response.status_code == 200 else None
            rows: list[Mapping[str, Any]] = content["usage_records"]  # type: ignore[index]  # caught
        except _UNREADABLE as error:
            raise UnavailableError("Twilio's usage cannot be read") from error
        return rows

"""Twilio's own list of messages: what it took from us, and what it received for us.

https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources (read
2026-11-22). The list filters by To, From and DateSent alone, brings the newest first, and may lag
behind by minutes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shared.model.entry import Channel, Direction
from shared.model.errors import MalformedMessageError, UnavailableError
from shared.model.message import InboundMessage
from shared.model.sending import ListedMessage
from shared.providers.http import NoAnswerError, NotReachedError, get
from shared.providers.twilio.account import SERVICE, address_on, credentials, messages_path
from shared.providers.twilio.messages import MOST_MEDIA, parse_message
from shared.providers.twilio.statuses import STATES
from shared.runtime.secrets import TwilioAccount
from shared.runtime.webhook import Form

PAGE = 200
_MOST_PAGES_TO_ONE = 5  # a thousand messages between two numbers in less than an hour are not ours


class TwilioList:
    """The messages of one account; `api_url` has no trailing slash."""

    def __init__(self, account: TwilioAccount, api_url: str) -> None:
        self._api_url = api_url
        self._path = messages_path(account)
        self._auth = credentials(account)

    def sent_to(
        self, channel: Channel, to: str, sender: str, since: datetime
    ) -> tuple[ListedMessage, ...]:
        """What left from `sender` to `to` since then, as far as the list shows it.

        Without a sender, and from a Messaging Service, whatever number of ours it left from.

        Raises UnavailableError unless it was read to its end.
        """
        query = {"To": address_on(channel, to)}
        if sender and not sender.startswith(SERVICE):
            query["From"] = address_on(channel, sender)
        found: list[ListedMessage] = []
        for number, page in enumerate(self._pages(query)):
            listed = [_listed(row) for row in page]
            found += [it for it in listed if it.created_at >= since]
            if listed and all(it.created_at < since for it in listed):
                break
            if number == _MOST_PAGES_TO_ONE - 1:
                raise UnavailableError("Twilio's list is too long to be read to its end")
        return tuple(it for it in found if it.direction is Direction.OUTBOUND)

    def received_at(self, number: str, since: datetime) -> Iterator[ListedMessage]:
        """What `number` (`whatsapp:+1…` on WhatsApp) received since then, newest first.

        Raises UnavailableError.
        """
        for page in self._pages({"To": number}):
            listed = [_listed(row) for row in page]
            yield from (it for it in listed if it.created_at >= since)
            if listed and all(it.created_at < since for it in listed):
                return

    def of_day(self, day: date) -> Iterator[tuple[ListedMessage, ...]]:
        """Every message of a day (UTC), in and out, page by page. Raises UnavailableError."""
        for page in self._pages({"DateSent": day.isoformat()}):
            yield tuple(_listed(row) for row in page)

    def fetch(self, message_id: str, received_at: datetime) -> InboundMessage:
        """A message that somebody sent us, as its webhook would have brought it.

        The list lacks the sender's WhatsApp profile. Its word is as good as the webhook's
        signature: it was asked for with our credentials. Raises UnavailableError and
        MalformedMessageError.
        """
        row = self._get(f"{self._api_url}{self._path}/{message_id}.json")
        fields = {
            "MessageSid": row.get("sid"),
            "From": row.get("from"),
            "To": row.get("to"),
            "Body": row.get("body"),
            "NumSegments": row.get("num_segments"),
            "NumMedia": row.get("num_media"),
            **self._media(message_id, row),
        }
        form = Form({name: [_text(value)] for name, value in fields.items() if value})
        return parse_message(
            form, received_at, evidence="twilio-list", occurred_at=_time(row.get("date_created"))
        )

    def _media(self, message_id: str, row: Mapping[str, Any]) -> dict[str, str]:
        """The files of a message, in a webhook's words."""
        if str(row.get("num_media") or "0") == "0":
            return {}
        answer = self._get(f"{self._api_url}{self._path}/{message_id}/Media.json")
        fields = {}
        for index, media in enumerate(_rows(answer, "media_list")[:MOST_MEDIA]):
            uri = str(media.get("uri", "")).removesuffix(".json")
            fields[f"MediaUrl{index}"] = f"{self._api_url}{uri}"
            fields[f"MediaContentType{index}"] = str(media.get("content_type", ""))
        return fields

    def _pages(self, query: Mapping[str, str]) -> Iterator[Sequence[Mapping[str, Any]]]:
        url, params = f"{self._api_url}{self._path}.json", {**query, "PageSize": str(PAGE)}
        while url:
            answer = self._get(url, params)
            yield _rows(answer, "messages")
            following = str(answer.get("next_page_uri") or "")
            if following and not following.startswith(f"{self._path}.json?"):
                raise UnavailableError("Twilio's list goes on elsewhere")
            url, params = f"{self._api_url}{following}" if following else "", {}

    def _get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            response = get(url, params=params, auth=self._auth)
            content = response.json() if response.status_code == 200 else None
        except (NotReachedError, NoAnswerError, ValueError, RecursionError) as error:
            raise UnavailableError("Twilio's list cannot be read") from error
        if not isinstance(content, dict):
            raise UnavailableError(f"Twilio's list answers http-{response.status_code}")
        return content


def _rows(answer: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """Raises UnavailableError for what is no list of objects."""
    rows = answer.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnavailableError("Twilio's list cannot be understood")
    return rows


def _listed(row: Mapping[str, Any]) -> ListedMessage:
    """Raises UnavailableError for a row that says too little: the list cannot be relied on."""
    try:
        code = row.get("error_code")
        inbound = row["direction"] == "inbound"
        created_at = _time(row["date_created"])
        return ListedMessage(
            provider_id=_text(row["sid"]),
            direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
            to=_text(row["to"] or ""),
            sender=_text(row["from"] or ""),
            text=_text(row["body"] or ""),
            state=STATES.get(row["status"], ""),
            error=_text(code or ""),
            created_at=created_at,
            updated_at=_time(row["date_updated"]) if row.get("date_updated") else created_at,
            price=_text(row.get("price") or ""),
            currency=_text(row.get("price_unit") or "").upper(),
        )
    except (LookupError, TypeError, MalformedMessageError) as error:
        raise UnavailableError("Twilio's list cannot be understood") from error


def _text(value: object) -> str:
    """What JSON can write and UTF-8 cannot, like half of an emoji, becomes `?`."""
    return str(value).encode("utf-8", "replace").decode()


def _time(written: object) -> datetime:
    try:
        at = parsedate_to_datetime(str(written))
    except (ValueError, OverflowError) as error:
        raise MalformedMessageError("a time that is none") from error
    if at.tzinfo is None:
        raise MalformedMessageError("a time without its zone")
    return at

"""One request to a provider: never repeated, never redirected, never waited for long."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 8


class NotReachedError(Exception):
    """No connection was made, so nothing arrived."""


class NoAnswerError(Exception):
    """The request may have arrived; what became of it is not known."""


def post(
    url: str,
    data: bytes | Sequence[tuple[str, str]],
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> "Response":
    """The provider's answer, whatever its status; pairs are posted as a form.

    Raises NotReachedError and NoAnswerError: only after the first may a message be sent again.
    """
    return _ask("POST", url, data=data, headers=headers, auth=auth)


def get(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> "Response":
    """The provider's answer, whatever its status. Raises NotReachedError and NoAnswerError."""
    return _ask("GET", url, params=params, auth=auth)


def _ask(method: str, url: str, **request: Any) -> "Response":
    import requests  # 230 ms that a webhook's cold start need not pay
    from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
    from urllib3.exceptions import NewConnectionError

    try:
        return requests.request(
            method,
            url,
            timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
            allow_redirects=False,
            **request,
        )
    except requests.exceptions.ConnectTimeout as error:
        raise NotReachedError("connect-timeout") from error
    except (InvalidSchema, InvalidURL, MissingSchema) as error:
        raise NotReachedError("bad-url") from error
    except requests.exceptions.ConnectionError as error:
        cause = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(cause, NewConnectionError):
            raise NotReachedError("connection-refused") from error
        raise NoAnswerError("connection-lost") from error
    except requests.exceptions.RequestException as error:
        raise NoAnswerError(type(error).__name__) from error

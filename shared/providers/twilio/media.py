"""The files of messages that came in, fetched from Twilio.

https://www.twilio.com/docs/messaging/api/media-resource (read 2026-11-22). Twilio's API redirects
to where a file lies. What a URL names is looked up once, and the connection is made to the address
that was checked; the account's credentials go to the API alone.
"""

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.model.errors import NotFoundError, RejectedError, UnavailableError
from shared.providers.twilio.account import credentials
from shared.providers.twilio.media_urls import MOST_BYTES, host_and_path, is_public
from shared.runtime.secrets import TwilioAccount

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

API = "https://api.twilio.com"

_MOST_REDIRECTS = 3
_CONNECT_SECONDS = 3
_READ_SECONDS = 8
_FILE_SECONDS = 25  # in all, of the 60 that the function has
_ABSENT = (400, 404, 410)
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 64 * 1024
_HTTPS = 443


def resolve(host: str) -> str:
    """One IPv4 address of a host. Raises UnavailableError."""
    try:
        return str(socket.getaddrinfo(host, _HTTPS, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise UnavailableError("a file's host has no address") from error


class TwilioMedia:
    """Fetches as one account; `api_url` (no trailing slash) stands in for Twilio's API."""

    def __init__(
        self, account: TwilioAccount, api_url: str, resolve: Callable[[str], str] = resolve
    ) -> None:
        self._auth = ":".join(credentials(account))
        self._api_url = api_url
        self._resolve = resolve

    def read(self, url: str) -> bytes:
        """The file at a URL.

        Raises RejectedError where it is never to be had (a URL that may not be fetched, more than
        16 MB), NotFoundError where Twilio has no such file, perhaps not yet, and UnavailableError
        where that is not known: no answer, a refusal of our account.
        """
        until = time.monotonic() + _FILE_SECONDS
        authorized = True
        for _ in range(_MOST_REDIRECTS + 1):
            with self._ask(url, authorized=authorized) as response:
                if response.status == 200:
                    return _content(response, until)
                if response.status in _ABSENT:
                    raise NotFoundError("Twilio has no such file")
                if response.status not in _REDIRECTS:
                    raise UnavailableError(f"a file was not given: http-{response.status}")
                url, authorized = response.headers.get("location", ""), False
        raise RejectedError("a file's URL redirects without end")

    def _ask(self, url: str, *, authorized: bool) -> "BaseHTTPResponse":
        from urllib3.exceptions import HTTPError
        from urllib3.util import make_headers

        pool, host, path = self._pool(url)
        headers = {"Host": host, "Accept-Encoding": "identity"}
        if authorized:
            headers |= make_headers(basic_auth=self._auth)
        try:
            return pool.request(
                "GET", path, headers=headers, redirect=False, retries=False, preload_content=False
            )
        except (HTTPError, OSError) as error:
            raise UnavailableError(f"a file was not given: {type(error).__name__}") from error

    def _pool(self, url: str) -> "tuple[HTTPConnectionPool, str, str]":
        """A connection to the one address that was checked, the host's name and the path."""
        import certifi
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout, connection_from_url

        timeout = Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        if self._api_url != API:
            if url.startswith(f"{API}/"):
                url = self._api_url + url.removeprefix(API)
            if url.startswith(f"{self._api_url}/"):
                own = connection_from_url(self._api_url, timeout=timeout)
                pool: HTTPConnectionPool = own
                return pool, own.host, url.removeprefix(self._api_url)
        host, path = host_and_path(url)
        address = self._resolve(host)
        if not is_public(address):
            raise RejectedError("a file's host has an address that is not public")
        pool = HTTPSConnectionPool(
            address,
            _HTTPS,
            timeout=timeout,
            server_hostname=host,
            assert_hostname=host,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
        )
        return pool, host, path


def _content(response: "BaseHTTPResponse", until: float) -> bytes:
    from urllib3.exceptions import HTTPError

    content = bytearray()
    try:
        for chunk in response.stream(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > MOST_BYTES:
                raise RejectedError("a file is larger than 16 MB")
            if time.monotonic() > until:
                raise UnavailableError("a file takes too long")
    except (HTTPError, OSError) as error:
        raise UnavailableError(f"a file was cut short: {type(error).__name__}") from error
    return bytes(content)

"""Files fetched from Twilio: from nowhere else, and with the account's credentials there alone."""

import base64

import pytest

from shared.model.errors import NotFoundError, RejectedError, UnavailableError
from shared.providers.twilio import media
from shared.providers.twilio.media import TwilioMedia
from shared.runtime.secrets import TwilioAccount
from tests.loopback import Provider, Reply, closed_url, provider

ACCOUNT = TwilioAccount(account_sid="AC1", auth_token="a token for tests")
URL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"


def nowhere(host: str) -> str:
    raise AssertionError(f"{host} was looked up")


def read(twilio: Provider) -> bytes:
    return TwilioMedia(ACCOUNT, twilio.url, nowhere).read(URL)


def test_a_file_is_asked_for_once_with_the_accounts_credentials() -> None:
    with provider(Reply(200, b"JPEG\x00\xff")) as twilio:
        assert read(twilio) == b"JPEG\x00\xff"
    [request] = twilio.requests
    assert request.path == "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"AC1:a token for tests"


def test_no_credentials_go_where_the_api_redirects_to() -> None:
    replies = [Reply(200, b"JPEG"), Reply(307, b"", {"location": f"{URL}?signed"})]
    with provider(replies.pop) as twilio:
        assert read(twilio) == b"JPEG"
    first, second = twilio.requests
    assert "authorization" in first.headers
    assert "authorization" not in second.headers
    assert second.path.endswith("?signed")


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/meta-data/", "https://evil.example/x", "/relative", ""],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    with provider(Reply(302, b"", {"location": location})) as twilio, pytest.raises(RejectedError):
        read(twilio)
    assert len(twilio.requests) == 1


def test_redirects_come_to_an_end() -> None:
    with provider(Reply(302, b"", {"location": URL})) as twilio, pytest.raises(RejectedError):
        read(twilio)
    assert len(twilio.requests) == 4


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.1.2.3"])
def test_a_host_with_an_address_of_our_own_network_is_not_asked(address: str) -> None:
    with pytest.raises(RejectedError, match="not public"):
        TwilioMedia(ACCOUNT, media.API, lambda host: address).read(URL)


def test_a_host_is_connected_to_at_the_address_that_was_checked() -> None:
    pool, host, path = TwilioMedia(ACCOUNT, media.API, lambda host: "54.172.60.0")._pool(URL)
    assert (pool.host, pool.port, host) == ("54.172.60.0", 443, "api.twilio.com")
    assert path == URL.removeprefix(media.API)
    assert pool.conn_kw["server_hostname"] == "api.twilio.com"
    assert pool.assert_hostname == "api.twilio.com"  # type: ignore[attr-defined]  # HTTPS


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_not_there_is_told_from_one_of_which_nobody_knows(status: int) -> None:
    with provider(Reply(status)) as twilio, pytest.raises(NotFoundError):
        read(twilio)


@pytest.mark.parametrize("reply", [Reply(401), Reply(429), Reply(503), Reply(0), Reply(304)])
def test_without_a_clear_answer_it_may_be_had_later(reply: Reply) -> None:
    with provider(reply) as twilio, pytest.raises(UnavailableError):
        read(twilio)
    assert len(twilio.requests) == 1


def test_it_may_be_had_later_when_twilio_was_not_reached() -> None:
    with pytest.raises(UnavailableError):
        TwilioMedia(ACCOUNT, closed_url(), nowhere).read(URL)


def test_a_file_larger_than_any_message_may_bring_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media, "MOST_BYTES", 100_000)
    with (
        provider(Reply(200, b"x" * 100_001)) as twilio,
        pytest.raises(RejectedError, match="16 MB"),
    ):
        read(twilio)

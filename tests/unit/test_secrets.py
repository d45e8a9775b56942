"""Secrets and parameters: read at most once a minute, and never half-configured."""

import base64
import json
from typing import Any

import pytest

from shared.model.errors import UnavailableError
from shared.model.identity import IdentityKind
from shared.runtime import clients, secrets
from shared.runtime.secrets import Kept, SigningKeys, Site, TwilioAccount

SECRET = f"whsec_{base64.b64encode(b'sixteen bytes at least').decode()}"


class Stored:
    """A place to read from, that can be changed and broken."""

    def __init__(self) -> None:
        self.value: str | Exception = "first"
        self.time = 0.0
        self.reads = 0
        self.kept = Kept(self._read, clock=lambda: self.time)

    def _read(self, name: str) -> str:
        self.reads += 1
        if isinstance(self.value, Exception):
            raise self.value
        return f"{name}:{self.value}"


def test_a_value_is_read_at_most_once_a_minute() -> None:
    stored = Stored()
    assert [stored.kept("a"), stored.kept("a"), stored.kept("b")] == ["a:first"] * 2 + ["b:first"]
    stored.value, stored.time = "second", 59.9
    assert (stored.kept("a"), stored.reads) == ("a:first", 2)
    stored.time = 60.0
    assert (stored.kept("a"), stored.reads) == ("a:second", 3)


def test_an_outage_leaves_the_last_value_good() -> None:
    stored = Stored()
    stored.kept("a")
    stored.value, stored.time = ValueError("down"), 60.0
    assert [stored.kept("a"), stored.kept("a")] == ["a:first"] * 2
    assert stored.reads == 2
    stored.value, stored.time = "second", 120.0
    assert stored.kept("a") == "a:second"


def test_a_value_never_read_is_unavailable_and_asked_for_again() -> None:
    stored = Stored()
    stored.value = KeyError("auth_token")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="a cannot be read"):
            stored.kept("a")
    assert stored.reads == 2


# ---- what is stored

TWILIO = {"account_sid": "AC1", "auth_token": "token"}


@pytest.fixture
def store(aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Store a secret or parameter under a name."""
    clients.secretsmanager.cache_clear()
    clients.ssm.cache_clear()
    for reader in (
        secrets.signing_keys,
        secrets.twilio_account,
        secrets.chat_sites,
        secrets.public_urls,
    ):
        reader.forget()

    def put(content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        clients.secretsmanager().create_secret(Name="secret", SecretString=text)

    return put


def test_the_greatest_key_signs_and_the_first_one_hashes_addresses(store: Any) -> None:
    store({"k1": "one", "k9": "nine", "k10": "ten"})
    keys = secrets.signing_keys("secret")
    assert keys.current == "k10"
    assert keys.identity_key == SigningKeys.from_json({"k1": "one"}).identity_key
    assert len(keys.identity_key) == 32
    assert keys.identity_key != b"one"


def test_a_twilio_account_is_read(store: Any) -> None:
    store({**TWILIO, "previous_auth_token": "old", "shared_keys": {"k": "s"}, "other": 1})
    assert secrets.twilio_account("secret") == TwilioAccount(
        account_sid="AC1", auth_token="token", previous_auth_token="old", shared_keys={"k": "s"}
    )


def test_sites_are_read(store: Any) -> None:
    site = {"secrets": [SECRET], "vouches": ["email", "phone"], "url": "https://shop.example.com"}
    store({"sites": {"shop": site}})
    assert secrets.chat_sites("secret") == {
        "shop": Site(
            name="shop",
            url="https://shop.example.com",
            secrets=(SECRET,),
            vouches=frozenset({IdentityKind.EMAIL, IdentityKind.PHONE}),
        )
    }


def test_public_urls_lose_spaces_and_trailing_slashes(store: Any) -> None:
    value = "https://a.example.com/prod/, https://b.example.com"
    clients.ssm().put_parameter(Name="/t/urls", Value=value, Type="String")
    assert secrets.public_urls("/t/urls") == ("https://a.example.com/prod", "https://b.example.com")


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        {},
        {**TWILIO, "auth_token": ""},
        {**TWILIO, "auth_token": None},
        {**TWILIO, "account_sid": ""},
        {**TWILIO, "shared_keys": {"key_1": ""}},
        {**TWILIO, "shared_keys": ["key_1"]},
    ],
)
def test_a_half_configured_account_lets_nobody_in(store: Any, content: Any) -> None:
    store(content)
    with pytest.raises(UnavailableError):
        secrets.twilio_account("secret")


@pytest.mark.parametrize(
    "site",
    [
        {},
        {"url": "", "secrets": ["whsec_"]},
        {"url": "", "secrets": ["whsec_c2hvcnQ="]},
        {"url": "", "secrets": ["whsec_???"]},
        {"url": "", "secrets": [SECRET], "vouches": ["shoe size"]},
    ],
)
def test_a_half_configured_site_lets_nobody_in(store: Any, site: Any) -> None:
    store({"sites": {"shop": site}})
    with pytest.raises(UnavailableError):
        secrets.chat_sites("secret")


@pytest.mark.parametrize("name", ["a:b", "", "Shop", "a#b"])
def test_a_sites_name_cannot_be_taken_for_another_identity(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Site.from_json(name, {"url": "", "secrets": [SECRET]})


@pytest.mark.parametrize("key_id", ["new", "K2", "k02", "k1000", "k2 ", ""])
def test_a_key_whose_id_no_token_could_carry_is_passed_over(store: Any, key_id: str) -> None:
    """A slip of the operator's must not keep messages from leaving."""
    store({"k1": "one", key_id: "two"})
    keys = secrets.signing_keys("secret")
    assert (keys.current, keys.keys) == ("k1", {"k1": b"one"})


@pytest.mark.parametrize("content", [{}, {"k2": "two"}, {"k1": ""}, {"k1": 7}])
def test_without_the_first_key_there_are_no_keys(store: Any, content: Any) -> None:
    store(content)
    with pytest.raises(UnavailableError):
        secrets.signing_keys("secret")


def test_a_missing_secret_or_parameter_is_unavailable(store: Any) -> None:
    with pytest.raises(UnavailableError):
        secrets.twilio_account("missing")
    with pytest.raises(UnavailableError):
        secrets.public_urls("/missing")


def test_nothing_secret_is_shown() -> None:
    account = TwilioAccount(
        account_sid="AC1", auth_token="hush", previous_auth_token="hush", shared_keys={"k": "hush"}
    )
    site = Site(name="shop", url="", secrets=("hush",))
    keys = SigningKeys(current="k1", keys={"k1": b"hush"}, identity=b"hush")
    assert "hush" not in f"{account} {site} {keys}"


def test_ses_is_asked_only_once_and_no_client_waits_a_minute(store: Any) -> None:
    for get in (clients.sesv2, clients.dynamodb, clients.s3, clients.sqs, clients.events):
        get.cache_clear()
        config: Any = get().meta.config
        assert config.connect_timeout == 1
        assert config.read_timeout <= 5
        attempts = config.retries["total_max_attempts"]
        assert attempts == (1 if get is clients.sesv2 else 3)


def test_what_a_webhook_asks_answers_or_is_given_up_within_ten_seconds(store: Any) -> None:
    for get in (clients.dynamodb, clients.secretsmanager, clients.ssm):
        get.cache_clear()
        config: Any = get().meta.config
        waits = 1 + 2  # seconds at most between three tries, in botocore's standard mode
        assert config.retries["total_max_attempts"] * config.read_timeout + waits < 10

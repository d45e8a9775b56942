"""What must not be in the environment: signing keys, provider accounts, our own public URLs."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shared.model.errors import UnavailableError
from shared.model.identity import IdentityKind
from shared.runtime import clients

_KEPT_SECONDS = 60.0
_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_KEY_ID = re.compile(r"k[1-9][0-9]{0,2}")
_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of every such secret

# AWS did not answer, or what is stored is not of the shape we expect.
_UNREADABLE = (ClientError, BotoCoreError, AttributeError, LookupError, TypeError, ValueError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """Our own keys by id. `current` signs, all of them verify; `identity` signs nothing."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    identity: bytes = field(repr=False)

    @classmethod
    def from_json(cls, secret: Mapping[str, str]) -> Self:
        """Keys as stored, `{"k1": "…", "k2": "…"}`; the greatest id is the current one's.

        What addresses are hashed by derives from `identity`, where there is none from `k1`: a `k1`
        that leaked moves there and verifies nothing any more. Ids other than `k1` to `k999` are
        passed over, as no token could carry them. Raises ValueError.
        """
        filled = {key_id: _filled(value).encode() for key_id, value in secret.items()}
        keys = {key_id: key for key_id, key in filled.items() if _KEY_ID.fullmatch(key_id)}
        identity = filled.get("identity") or keys.get("k1")
        if not keys or identity is None:
            raise ValueError("the first signing key, k1, must stay, or become `identity`")
        current = max(keys, key=lambda key_id: (len(key_id), key_id))
        return cls(current=current, keys=keys, identity=identity)

    @property
    def identity_key(self) -> bytes:
        """The key of every address's stored hash; it must never change."""
        return hmac.digest(self.identity, b"throughline:identity", hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """A Twilio account. `shared_keys` are its webhook signing keys (id to secret).

    `api_key` and `api_secret`, when set, send instead of the auth token.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    previous_auth_token: str = field(default="", repr=False)
    shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)

    @classmethod
    def from_json(cls, secret: Mapping[str, Any]) -> Self:
        """An account as stored. Raises ValueError for an empty token: anyone could sign with it."""
        shared_keys = secret.get("shared_keys") or {}
        return cls(
            account_sid=_filled(secret["account_sid"]),
            auth_token=_filled(secret["auth_token"]),
            previous_auth_token=secret.get("previous_auth_token") or "",
            shared_keys={key_id: _filled(key) for key_id, key in shared_keys.items()},
            api_key=secret.get("api_key") or "",
            api_secret=secret.get("api_secret") or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A web site with a chat. `secrets` are valid side by side while one is rotated.

    `vouches` are the kinds of identity its word is taken for; `url` is where answers go.
    """

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    vouches: frozenset[IdentityKind] = frozenset()

    @classmethod
    def from_json(cls, name: str, site: Mapping[str, Any]) -> Self:
        """One site as stored. Raises ValueError for a bad name, kind, or secret."""
        if not _SITE_NAME.fullmatch(name):
            raise ValueError("a site's name is lower-case letters, digits and dashes")
        return cls(
            name=name,
            url=site["url"],
            secrets=tuple(_webhook_secret(secret) for secret in site["secrets"]),
            vouches=frozenset(IdentityKind(kind) for kind in site.get("vouches", ())),
        )


ChatSites = Mapping[str, Site]


class Kept(Generic[T]):
    """A reader that asks at most once a minute, so a rotation is seen without a deploy.

    When asking again fails, the last answer stays good: an outage of the secrets must not lose
    messages. Without one, UnavailableError.
    """

    def __init__(
        self, read: Callable[[str], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._answers: dict[str, tuple[float, T]] = {}

    def __call__(self, name: str) -> T:
        """What is stored under `name`."""
        now = self._clock()
        kept = self._answers.get(name)
        if kept and now - kept[0] < _KEPT_SECONDS:
            return kept[1]
        try:
            answer = self._read(name)
        except _UNREADABLE as error:
            if not kept:
                raise UnavailableError(f"{name} cannot be read") from error
            answer = kept[1]
        self._answers[name] = (now, answer)
        return answer

    def forget(self) -> None:
        """Ask again next time."""
        self._answers.clear()


@Kept
def signing_keys(secret: str) -> SigningKeys:
    """Our own keys."""
    return SigningKeys.from_json(_secret(secret))


@Kept
def twilio_account(secret: str) -> TwilioAccount:
    """The Twilio account."""
    return TwilioAccount.from_json(_secret(secret))


@Kept
def chat_sites(secret: str) -> ChatSites:
    """The sites with a chat, by name."""
    sites = _secret(secret)["sites"]
    return {name: Site.from_json(name, site) for name, site in sites.items()}


@Kept
def public_urls(parameter: str) -> tuple[str, ...]:
    """The base URLs the world knows us by, without trailing slash, the preferred one first."""
    value = clients.ssm().get_parameter(Name=parameter)["Parameter"]["Value"]
    return tuple(url.strip().rstrip("/") for url in value.split(",") if url.strip())


def _secret(name: str) -> dict[str, Any]:
    content = json.loads(clients.secretsmanager().get_secret_value(SecretId=name)["SecretString"])
    if not isinstance(content, dict):
        raise TypeError("a secret is a JSON object")
    return content


def _filled(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a secret's value is a text that is not empty")
    return value


def _webhook_secret(secret: str) -> str:
    encoded = secret.removeprefix(_WEBHOOK_SECRET_PREFIX)
    padded = encoded + "=" * (-len(encoded) % 4)
    if len(base64.b64decode(padded, validate=True)) < 16:
        raise ValueError("a chat secret is at least 16 random bytes")
    return secret

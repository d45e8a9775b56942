"""An OpenID Connect issuer with one RSA key, which mints the agents' tokens of this machine."""

import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from infrastructure.local.standins.server import Reply, Request, Route

AUDIENCE = "throughline"
KEY_ID = "local-1"
DAY = 24 * 60 * 60  # seconds
EVERY_SCOPE = (
    "timeline:read timeline:write messages:send messages:override contacts:write contacts:merge "
    "contacts:erase conversations:write consent:write costs:read operations"
)


class Issuer:
    """Signs with the key in `key_file`, which is made when it is not there."""

    def __init__(self, url: str, key_file: Path) -> None:
        self.url = url
        if not key_file.exists():
            write_new_key(key_file)
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  # we wrote it
        self._key = key

    def token(self, subject: str, scope: str) -> str:
        """A token for one agent, good for a day."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "scope": scope}
        return jwt.encode(
            {**claims, "iat": now, "exp": now + DAY},
            self._key,
            algorithm="RS256",
            headers={"kid": KEY_ID},
        )

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/.well-known/openid-configuration", self._configuration),
            Route("GET", "/.well-known/jwks.json", self._key_set),
        ]

    def _configuration(self, _: Request) -> Reply:
        return Reply.of({"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks.json"})

    def _key_set(self, _: Request) -> Reply:
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return Reply.of({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]})


def write_new_key(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

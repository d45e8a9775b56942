"""The providers' credentials of one hub: made at random once, then kept with its data."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass

from infrastructure.local.place import Place


@dataclass(frozen=True)
class Credentials:
    """What Twilio and the site sign with, and what the functions find in Secrets Manager."""

    account_sid: str
    auth_token: str
    chat_secret: str

    @classmethod
    def of(cls, place: Place) -> "Credentials":
        """This hub's credentials, made when it has none yet."""
        file = place.credentials_file
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls(
            account_sid=f"AC{secrets.token_hex(16)}",
            auth_token=secrets.token_hex(16),
            chat_secret="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(made)))
        return made

    def twilio_secret(self) -> str:
        return json.dumps({"account_sid": self.account_sid, "auth_token": self.auth_token})

    def chat_secret_of(self, site_url: str) -> str:
        site = {"secrets": [self.chat_secret], "vouches": ["email", "phone"], "url": site_url}
        return json.dumps({"sites": {"default": site}})

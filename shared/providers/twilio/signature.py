"""Twilio's webhook signatures.

https://www.twilio.com/docs/usage/security and, for keys of their own (HMAC-SHA256, beta),
https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys (both read 2026-11-21).
"""

import hashlib
import hmac
from urllib.parse import parse_qs

from twilio.request_validator import (  # type: ignore[import-untyped]
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)

from shared.model.errors import InvalidSignatureError
from shared.runtime.secrets import TwilioAccount
from shared.runtime.webhook import Form, WebhookRequest

SIGNATURE_HEADER = "x-twilio-signature"
_SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"


def verify(request: WebhookRequest, account: TwilioAccount, public_urls: tuple[str, ...]) -> None:
    """Return only if Twilio signed this request for this account; else InvalidSignatureError.

    Any of our public URLs may be the signed one, with or without port, and either of two auth
    tokens while one replaces the other.
    """
    signature = request.proof(SIGNATURE_HEADER)
    settings = request.headers.get(_SETTINGS_HEADER, "")
    algorithm = get_signature_algorithm(settings)
    if algorithm.upper() not in (HMAC_SHA1, HMAC_SHA256):  # the validator would log it
        raise InvalidSignatureError("the signature is made in a way that is not known")
    signed = _signed_fields(request)
    for secret in _secrets(account, settings):
        validator = RequestValidator(secret)
        for url in request.urls(public_urls):
            if validator.validate(url, signed, signature, algorithm):
                return
    raise InvalidSignatureError("the signature is not Twilio's")


def _secrets(account: TwilioAccount, settings: str) -> tuple[str, ...]:
    """What may have signed: the shared key that the request names, else the auth tokens."""
    if not settings:
        return tuple(filter(None, (account.auth_token, account.previous_auth_token)))
    pairs = (part.partition("=") for part in settings.split(","))
    named = {name.strip(): value.strip() for name, _, value in pairs}
    secret = account.shared_keys.get(named.get("key", ""))
    if not secret:
        raise InvalidSignatureError("the signature names a key that is not ours")
    return (secret,)


def _signed_fields(request: WebhookRequest) -> Form:
    """The fields that were signed beside the URL: a form's; none of a body whose hash is in it.

    The validator's own check of that hash fails on bytes, so it is made here.
    """
    hashes = parse_qs(request.query).get("bodySHA256")
    if not hashes:
        return request.form()
    digest = hashlib.sha256(request.body).hexdigest()
    if not hmac.compare_digest(digest.encode(), hashes[0].encode()):
        raise InvalidSignatureError("the body is not the one that was signed")
    return Form()

"""Which URLs a message's files may be fetched from: a provider's, never our own network's."""

import re
from ipaddress import IPv6Address, ip_address

from shared.model.errors import RejectedError

MOST_BYTES = (
    16 * 1024 * 1024
)  # https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
NEUTRAL_TYPE = "application/octet-stream"

_URL = re.compile(r"https://((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63})(/[!-\[\]-~]{0,4000})", re.ASCII)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", re.ASCII)
_HOSTS = (".twilio.com", ".twiliocdn.com")
# Where Twilio's API redirects to for older files: S3, by the bucket's name in the path.
_BUCKET = ("s3-external-1.amazonaws.com", "/media.twiliocdn.com/")


def host_and_path(url: str) -> tuple[str, str]:
    """What to ask which of a provider's hosts for. Raises RejectedError for any other URL."""
    match = _URL.fullmatch(url)
    if match is None:
        raise RejectedError("a file's URL is none that is fetched")
    host, path = match.groups()
    bucket, folder = _BUCKET
    if not host.endswith(_HOSTS) and not (host == bucket and path.startswith(folder)):
        raise RejectedError("a file is on a host that is not its provider's")
    return host, path


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: no private, local or link-local one."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return False  # some of them stand for IPv4 addresses; providers have both
    return parsed.is_global and not parsed.is_multicast


def media_type(told: str) -> str:
    """A file's type as its provider calls it, without parameters; a neutral one if it is none."""
    bare = told.partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else NEUTRAL_TYPE

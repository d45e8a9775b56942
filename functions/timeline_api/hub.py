"""What routes work with."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from shared.rules.signed_tokens import Keys
from shared.runtime import clients, clock
from shared.runtime.secrets import signing_keys
from shared.runtime.settings import WritingSettings
from shared.store.attachments import Attachments
from shared.store.bodies import Bodies
from shared.store.downloads import Downloads
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One deployment, at the time of one request. `keys` sign cursors and the ids of files."""

    table: Table
    bodies: Bodies
    downloads: Downloads
    attachments: Attachments
    keys: Keys
    now: datetime
    default_region: str
    mail_domain: str


@cache
def settings() -> WritingSettings:
    """What this function is told."""
    return WritingSettings.from_env()


def hub() -> Hub:
    """This deployment, now; its keys are read anew at most once a minute."""
    told = settings()
    keys = signing_keys(told.keys_secret)
    return Hub(
        table=Table(clients.dynamodb(), told.table_name, keys.identity_key),
        bodies=Bodies(clients.s3, told.content_bucket),
        downloads=Downloads(clients.s3, told.content_bucket),
        attachments=Attachments(clients.s3, told.content_bucket),
        keys=keys.keys,
        now=clock.now(told.clock_offset),
        default_region=told.default_region,
        mail_domain=told.mail_domain,
    )

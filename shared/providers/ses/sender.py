"""Mail out, through SES's SendEmail.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html (read 2026-11-22).
"""

from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from shared.model.errors import InvalidRequestError
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, Unknown
from shared.providers.refusals import Verdict, refused
from shared.providers.ses.composing import compose
from shared.providers.ses.refusals import TABLE
from shared.providers.ses.tags import to_tags

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

_NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)

_UNVERIFIED = "not verified"  # MessageRejected: an address of ours, or any in SES's sandbox


class SesSender:
    """Sends through one configuration set, whose events report what became of the mail."""

    def __init__(self, client: "SESV2Client", configuration_set: str) -> None:
        """Raises ValueError for a client that retries: SES would send the mail twice."""
        retries = client.meta.config.retries  # type: ignore[attr-defined]
        if retries.get("total_max_attempts") != 1:
            raise ValueError("the SES client must ask once: total_max_attempts=1")
        self._client = client
        self._configuration_set = configuration_set

    def send(self, message: OutboundMessage) -> SendResult:
        """Send once. A refusal's reason is SES's error code."""
        try:
            content = compose(message)
        except InvalidRequestError:
            return Refused("InvalidAddress", final=True)
        tags = to_tags(message.key)
        try:
            answer = self._client.send_email(
                FromEmailAddress=message.sender,
                Destination={"ToAddresses": [message.to.routable]},
                Content={"Raw": {"Data": content}},
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                ConfigurationSetName=self._configuration_set,
            )
        except ClientError as error:
            return _refusal(error)
        except _NOT_REACHED as error:
            return Refused(type(error).__name__, final=False)
        except _NO_CREDENTIALS as error:
            return Refused(type(error).__name__, final=False, misconfigured=True)
        except BotoCoreError as error:
            return Unknown(type(error).__name__)
        ses_id = answer.get("MessageId")
        return Accepted(ses_id, self._message_ids(ses_id)) if ses_id else Unknown("NoMessageId")

    def _message_ids(self, ses_id: str) -> tuple[str, ...]:
        """The Message-IDs SES may have given it: the first in us-east-1, the second elsewhere."""
        region = self._client.meta.region_name
        return (f"{ses_id}@email.amazonses.com", f"{ses_id}@{region}.amazonses.com")


def _refusal(error: ClientError) -> SendResult:
    code = error.response["Error"]["Code"]
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        return Unknown(code)
    if _UNVERIFIED in error.response["Error"].get("Message", ""):
        return Refused(code, final=False, misconfigured=True)
    return refused(TABLE, code, code, otherwise=Verdict.FINAL)

"""What SES's error codes ask of us.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html and
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html; read on READ_ON. A 4xx
with a code that is not here is about the message and final, a 5xx leaves it unknown whether the
mail left.
"""

from datetime import date

from shared.providers.refusals import Refusal, Verdict

READ_ON = date(2026, 11, 22)

TABLE = {
    row.code: row
    for row in (
        Refusal("LimitExceededException", Verdict.LATER, "too many of something"),
        Refusal("RequestLimitExceeded", Verdict.LATER, "too many requests"),
        Refusal("Throttling", Verdict.LATER, "the daily quota or the rate"),
        Refusal("ThrottlingException", Verdict.LATER, "the daily quota or the rate"),
        Refusal("TooManyRequestsException", Verdict.LATER, "too many requests"),
        Refusal("AccessDenied", Verdict.ACCOUNT, "our role may not send so"),
        Refusal("AccessDeniedException", Verdict.ACCOUNT, "our role may not send so"),
        Refusal("AccountSuspendedException", Verdict.ACCOUNT, "may not send any more"),
        Refusal("ExpiredToken", Verdict.ACCOUNT, "credentials that are over"),
        Refusal("ExpiredTokenException", Verdict.ACCOUNT, "credentials that are over"),
        Refusal("IncompleteSignature", Verdict.ACCOUNT, "credentials or clock"),
        Refusal("InvalidClientTokenId", Verdict.ACCOUNT, "credentials"),
        Refusal("InvalidSignatureException", Verdict.ACCOUNT, "credentials or clock"),
        Refusal("MailFromDomainNotVerifiedException", Verdict.ACCOUNT, "our MAIL FROM domain"),
        Refusal("MissingAuthenticationToken", Verdict.ACCOUNT, "credentials"),
        Refusal("NotFoundException", Verdict.ACCOUNT, "no such configuration set"),
        Refusal("OptInRequired", Verdict.ACCOUNT, "the account has no SES"),
        Refusal("SendingPausedException", Verdict.ACCOUNT, "paused, by us or by AWS"),
        Refusal("SignatureDoesNotMatch", Verdict.ACCOUNT, "credentials"),
        Refusal("UnrecognizedClientException", Verdict.ACCOUNT, "credentials"),
        Refusal("BadRequestException", Verdict.FINAL, "this mail cannot be sent"),
        Refusal("MessageRejected", Verdict.FINAL, "its content; or an address not verified"),
    )
}

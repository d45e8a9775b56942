"""What can go wrong, split by what the caller should do.

ThroughlineError
├─ RejectedError            the input is wrong: never retry it (4xx, or parked with its reason)
│  ├─ MalformedMessageError     a provider's payload that cannot be read (400)
│  ├─ InvalidSignatureError     nobody proved who sent this (403)
│  ├─ InvalidRequestError       an agent app's request that breaks a rule (422, names the field)
│  └─ InvalidCursorError        a cursor that is not ours, or not for this query (400)
├─ NotFoundError            no such contact, conversation, entry (404)
├─ GoneError                the contact was erased; carries the certificate (410)
├─ ConflictError            true when read, no longer true when written (409)
│  ├─ UnwantedError            they do not want it, or nothing arrives there (409 with the reason)
│  └─ UnnamedMembersError       erasing several contacts at once takes the names of all (409)
└─ UnavailableError         something we depend on is down or busy: try again (503, batch failure)
"""

from shared.model.erasure import Certificate


class ThroughlineError(Exception):
    """The root of all errors this product raises."""


class RejectedError(ThroughlineError):
    """The input is wrong and will stay wrong."""


class MalformedMessageError(RejectedError):
    """A provider's payload cannot be read."""


class InvalidSignatureError(RejectedError):
    """A webhook's sender did not prove who they are."""


class InvalidRequestError(RejectedError):
    """A request breaks a rule; `field` names the part that does."""

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.field = field


class InvalidCursorError(RejectedError):
    """A cursor is not ours, or was made for another query."""


class NotFoundError(ThroughlineError):
    """The thing asked for does not exist."""


class GoneError(ThroughlineError):
    """The contact was erased, or is being erased just now; `certificate` says how far."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__("this contact was erased")
        self.certificate = certificate


class ConflictError(ThroughlineError):
    """The state changed, or does not allow this."""


class UnwantedError(ConflictError):
    """They do not want to be written to there, or nothing arrives: `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"nothing may be sent there: {reason}")
        self.reason = reason


class UnnamedMembersError(ConflictError):
    """What is asked for concerns all `members` of a contact, and not all of them were named."""

    def __init__(self, members: frozenset[str]) -> None:
        super().__init__("this contact was merged from several: name all of them")
        self.members = members


class UnavailableError(ThroughlineError):
    """A dependency failed or is busy; the same call may succeed later."""

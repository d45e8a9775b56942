"""A question to an agent: are these two addresses one person's? And what was decided about them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SuggestionState(StrEnum):
    """Where a suggestion stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDONE = "undone"  # accepted, and the merge was taken back


class Evidence(StrEnum):
    """Why two addresses may be one person's."""

    VOUCHED = "vouched"  # one signed message is proof of both
    CLAIMED_EMAIL = "claimed_email"  # the person at one typed the other
    CLAIMED_PHONE = "claimed_phone"


class Caution(StrEnum):
    """Why proof does not join them by itself."""

    UNVERIFIED = "unverified"  # an address of theirs was never proven
    SHARED = "shared"  # several people use an address of theirs
    SEPARATED = "separated"  # an agent split an address of theirs off
    SECOND_ACCOUNT = "second_account"  # one phone, and two accounts at one site
    DECLINED = "declined"  # an agent said before that they are two people
    FULL = "full"  # more addresses or members than one person has


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One pair of addresses, whatever was said about it.

    `pair` are their keys in order, `homes` where each was homed when it was suggested: hints. `at`
    is when it was opened. `by`, `decided_at` and `reason` belong to the last decision; of a policy,
    `by` is `policy`. `revision` is the one that was read, 0 of one that is not kept yet.
    """

    pair: tuple[str, str]
    evidence: frozenset[Evidence]
    at: datetime
    cautions: frozenset[Caution] = frozenset()
    score: int = 0
    state: SuggestionState = SuggestionState.OPEN
    homes: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    merge_id: str = ""
    revision: int = 0

    @property
    def id(self) -> str:
        """Its name: `sug_` and what the two addresses' keys hash to."""
        return suggestion_id(*self.pair)


def suggestion_id(one: str, other: str) -> str:
    """The id of the suggestion about two address keys, in whatever order they are named."""
    digest = hashlib.sha256("|".join(sorted((one, other))).encode()).hexdigest()
    return f"sug_{digest[:32]}"

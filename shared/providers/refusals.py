"""What a provider's refusal asks of us; each provider has a table of its own, dated."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.model.sending import Refused

Code = TypeVar("Code", int, str)


class Verdict(StrEnum):
    """What a refusal is about, and so what is done."""

    LATER = "later"  # nothing left; the same request may be taken later
    ACCOUNT = "account"  # our account or its settings: no message's fault
    FINAL = "final"  # this message, for good


@dataclass(frozen=True, slots=True)
class Refusal(Generic[Code]):
    """One row: a provider's code, what it asks of us, and what it means in the provider's words."""

    code: Code
    verdict: Verdict
    meaning: str


def refused(
    table: Mapping[Code, Refusal[Code]], code: Code, reason: str, *, otherwise: Verdict
) -> Refused:
    """The refusal with this code; a code that the table lacks is judged `otherwise`."""
    row = table.get(code)
    verdict = row.verdict if row else otherwise
    return Refused(
        reason,
        final=verdict is Verdict.FINAL,
        misconfigured=verdict is Verdict.ACCOUNT,
    )

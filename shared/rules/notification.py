"""Whether an event is announced to a customer, and where (outbound.md §4).

Each check gives the reason why it is not, or None; the first that does decides. The checks of the
cause need the event alone and come first.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shared.model.entry import AuthorType, Channel, Kind
from shared.model.errors import MalformedMessageError
from shared.model.identity import Identity, IdentityKind, Trust

STALE_AFTER = timedelta(hours=24)  # a replay of the archive must not text anyone

_KINDS = {
    Channel.SMS: IdentityKind.PHONE,
    Channel.EMAIL: IdentityKind.EMAIL,
    Channel.CHAT: IdentityKind.CHAT,
}
_PURPOSES = frozenset({"conversation", "transactional", "marketing", "survey"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event that may lead to a notification; `home` is the contact it happened to.

    What an event does not tell (only entries have a trust, an author and a kind) is None.
    """

    id: str
    time: datetime
    correlation: str
    depth: int
    home: str
    conversation_id: str
    automatic: bool = False
    trust: Trust | None = None
    author: AuthorType | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a rule in template.yaml asks for: its constants, and the event.

    `ladder` names channels, the first choice first. Waiting (seconds) and `urgent` are the rule's
    word on timing.
    """

    rule: str
    template: str
    purpose: str
    ladder: tuple[Channel, ...]
    wait_seconds: int
    debounce_seconds: int
    urgent: bool
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a notification goes."""

    channel: Channel
    identity: Identity


# ---- the checks, in order


def _stale(cause: Cause, now: datetime) -> str | None:
    return "stale" if now - cause.time > STALE_AFTER else None


def _loop(cause: Cause, now: datetime) -> str | None:
    own = cause.author is AuthorType.SYSTEM or cause.kind is Kind.NOTIFICATION
    return "loop" if cause.automatic or cause.depth >= 1 or own else None


def _untrusted(cause: Cause, now: datetime) -> str | None:
    return "untrusted" if cause.trust is Trust.CLAIMED else None


CAUSE_CHECKS: tuple[Callable[[Cause, datetime], str | None], ...] = (_stale, _loop, _untrusted)


def _untrusted_target(target: Target) -> str | None:
    """Or anyone who can write a mail could have a stranger texted."""
    identity = target.identity
    asserted = identity.trust is Trust.ASSERTED and not identity.shared
    return None if identity.trust is Trust.VERIFIED or asserted else "untrusted_target"


TARGET_CHECKS: tuple[Callable[[Target], str | None], ...] = (_untrusted_target,)


def objection_to_cause(cause: Cause, now: datetime) -> str | None:
    """Why this event leads to no notification, or None."""
    return next(filter(None, (check(cause, now) for check in CAUSE_CHECKS)), None)


def objection_to_target(target: Target) -> str | None:
    """Why nothing is sent there, or None."""
    return next(filter(None, (check(target) for check in TARGET_CHECKS)), None)


def choose_target(ladder: Iterable[Channel], identities: Iterable[Identity]) -> Target | None:
    """The first channel of the ladder that the contact has an address for.

    Of several addresses the best proven one, and of those the one seen last.
    """
    living = [identity for identity in identities if not identity.erased_at]
    for channel in ladder:
        fitting = [i for i in living if i.address.kind is _KINDS[channel]]
        if fitting:
            best = max(fitting, key=lambda i: (i.trust.rank, i.seen))
            return Target(channel=channel, identity=best)
    return None


# ---- what a rule hands over


def parse_request(body: str) -> Request:
    """The request in a queue's message: exactly these fields, each of its type.

    Raises MalformedMessageError for anything else: a rule in the template is wrong then.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        raise MalformedMessageError("the request is not JSON") from error
    if not isinstance(content, dict) or content.keys() != _FIELDS:
        raise MalformedMessageError("the request has not the fields of a notification")
    purpose = _field(content, "purpose", str)
    if purpose not in _PURPOSES:
        raise MalformedMessageError("there is no such purpose")
    return Request(
        rule=_filled(content, "rule"),
        template=_filled(content, "template"),
        purpose=purpose,
        ladder=_ladder(_field(content, "ladder", list)),
        wait_seconds=_seconds(content, "wait_seconds"),
        debounce_seconds=_seconds(content, "debounce_seconds"),
        urgent=_field(content, "urgent", bool),
        cause=_cause(_field(content, "event", dict)),
    )


_FIELDS = {
    "rule",
    "template",
    "purpose",
    "ladder",
    "wait_seconds",
    "debounce_seconds",
    "urgent",
    "event",
}


def _cause(event: dict[str, Any]) -> Cause:
    detail = _field(event, "detail", dict)
    metadata = _field(detail, "metadata", dict)
    try:
        time = datetime.fromisoformat(_field(metadata, "time", str))
        if time.tzinfo is None:
            raise ValueError("a time without its zone")
        return Cause(
            id=_filled(metadata, "id"),
            time=time,
            correlation=_field(metadata, "correlation", str),
            depth=_field(metadata, "depth", int),
            home=_filled(detail, "home_contact_id"),
            conversation_id=_filled(detail, "conversation_id"),
            automatic=detail.get("automatic") is True,
            trust=Trust(detail["trust"]) if "trust" in detail else None,
            author=AuthorType(detail["author_type"]) if "author_type" in detail else None,
            kind=Kind(detail["kind"]) if "kind" in detail else None,
        )
    except ValueError as error:
        raise MalformedMessageError("the event is none of ours") from error


def _ladder(names: list[Any]) -> tuple[Channel, ...]:
    ladder = tuple(channel for channel in _KINDS if channel in names)
    if not names or len(ladder) != len(names):
        raise MalformedMessageError("the ladder is not made of channels that can be sent by")
    return tuple(sorted(ladder, key=names.index))


def _seconds(content: dict[str, Any], name: str) -> int:
    seconds = _field(content, name, int)
    if seconds < 0:
        raise MalformedMessageError(f"{name} is negative")
    return seconds


def _filled(content: dict[str, Any], name: str) -> str:
    text = _field(content, name, str)
    if not text:
        raise MalformedMessageError(f"{name} is empty")
    return text


def _field(content: dict[str, Any], name: str, kind: type[T]) -> T:
    value = content.get(name)
    if type(value) is not kind:  # not isinstance: True is no number here
        raise MalformedMessageError(f"{name} is missing or not of type {kind.__name__}")
    return value

"""Whether two addresses are one person's, and who decides that (design.md §3 rule 6).

Only proof joins, and only where nothing speaks against it. Everything weaker is a suggestion.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.message import InboundMessage
from shared.model.suggestion import Caution, Evidence, Suggestion, SuggestionState
from shared.rules.addresses import NOBODY

# More addresses of one kind than this are no person's, unless an agent says so.
KIND_CAP = 10

# Mailboxes that belong to a task and not to a person: RFC 2142, and what companies use beside.
_ROLES = frozenset(
    {
        "abuse", "accounting", "accounts", "admin", "administrator", "billing", "careers",
        "commercial", "contact", "contacto", "contato", "customercare", "customerservice",
        "enquiries", "finance", "hello", "help", "helpdesk", "hostmaster", "hr", "info",
        "information", "infos", "inquiries", "invoice", "invoices", "jobs", "kontakt",
        "kundenservice", "legal", "mail", "marketing", "media", "news", "newsletter", "noc",
        "office", "orders", "postmaster", "press", "privacy", "reception", "rechnung", "root",
        "sales", "security", "service", "services", "shop", "soporte", "suporte", "support",
        "team", "usenet", "vendas", "ventas", "vertrieb", "webmaster", "www",
    }
)  # fmt: skip
_MACHINES = re.compile(
    r"(?:no|donot|dont|never)(?:re(?:ply|spond|sponse)|responder?)\w*"
    r"|mailerdaemon|bounces?|autoreply|notifications?|alerts?"
)
_PLACEHOLDER = re.compile(r"[\W_0]*|test(?:er|ing|user|email|mail)?\d*|nobody|noe?mail|noname")
_RESERVED_DOMAIN = re.compile(r"(?:.*\.)?(?:invalid|localhost|test)")  # RFC 6761 §6
# What telephone networks put for a caller who shows no number: a word, typed on a keypad.
_WITHHELD = frozenset(
    {
        "+266696687",  # ANONYMOUS
        "+2562533",  # BLOCKED
        "+7378742833",  # RESTRICTED
        "+86282452253",  # UNAVAILABLE
        "+8656696",  # UNKNOWN
    }
)
_SHORTEST_NUMBER = 7  # digits; shorter ones are a network's own, and any network has them
_ACCOUNTS = frozenset(
    {
        IdentityKind.CHAT,
        IdentityKind.MESSENGER,
        IdentityKind.INSTAGRAM,
        IdentityKind.EXTERNAL,
    }
)

_WORTH = {Evidence.VOUCHED: 90, Evidence.CLAIMED_EMAIL: 40, Evidence.CLAIMED_PHONE: 30}
_FURTHER = 5
_COSTS = {
    Caution.UNVERIFIED: 20,
    Caution.SHARED: 40,
    Caution.SEPARATED: 40,
    Caution.SECOND_ACCOUNT: 40,
    Caution.DECLINED: 30,
    Caution.FULL: 20,
}


class Joining(StrEnum):
    """What proof that two contacts are one leads to."""

    AUTO = "auto"  # a merge where nothing speaks against it, else a suggestion
    SUGGEST = "suggest"
    OFF = "off"  # nothing, and no weaker evidence does either


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the operator wants it. `own` are the operator's addresses, `own_domain` their mail's."""

    joining: Joining = Joining.AUTO
    own: frozenset[Address] = frozenset()
    own_domain: str = ""


class Told(Protocol):
    """What an operator says about joining; several numbers are separated by commas."""

    @property
    def link_policy(self) -> str: ...
    @property
    def sms_sender(self) -> str: ...
    @property
    def mail_sender(self) -> str: ...
    @property
    def mail_domain(self) -> str: ...


def policy(told: Told) -> Policy:
    """The policy in an operator's words. Raises ValueError for an unknown way of joining."""
    numbers = {Address(IdentityKind.PHONE, number) for number in told.sms_sender.split(",")}
    own = frozenset(numbers | {Address(IdentityKind.EMAIL, told.mail_sender)})
    return Policy(joining=Joining(told.link_policy), own=own, own_domain=told.mail_domain)


# ---- what identifies anybody


def identifies(address: Address, policy: Policy) -> bool:
    """Whether this address can tell who somebody is.

    Not a placeholder, a role's or a machine's mailbox, a withheld number, or one of the operator's.
    """
    value = address.canonical.casefold()
    if any(address.kind is own.kind and value == own.canonical.casefold() for own in policy.own):
        return False
    if address.kind is IdentityKind.EMAIL:
        return _is_persons_mailbox(value, policy.own_domain.casefold())
    if address.kind is IdentityKind.PHONE:
        digits = value.removeprefix("+")
        endless = len(set(digits[-_SHORTEST_NUMBER:])) == 1
        number = digits.isdecimal() and len(digits) >= _SHORTEST_NUMBER
        return number and not endless and value not in _WITHHELD
    name = value.rpartition(":")[2]
    return name not in NOBODY and not _PLACEHOLDER.fullmatch(name)


def _is_persons_mailbox(value: str, own_domain: str) -> bool:
    local, _, domain = value.rpartition("@")
    if _RESERVED_DOMAIN.fullmatch(domain) or (own_domain and domain == own_domain):
        return False
    name = local.partition("+")[0]
    plain = re.sub(r"[._-]", "", name)
    return not (
        plain in _ROLES
        or name in NOBODY
        or _MACHINES.fullmatch(plain)
        or _PLACEHOLDER.fullmatch(plain)
    )


def screen(message: InboundMessage, policy: Policy) -> InboundMessage:
    """The message, vouching only for addresses that identify somebody; the others are claims.

    The address it was sent to is the operator's own.
    """
    able = tuple(
        address
        for address in message.vouched
        if address.value != message.recipient and identifies(address, policy)
    )
    if len(able) == len(message.vouched):
        return message
    others = tuple(address for address in message.vouched if address not in able)
    return replace(message, vouched=able, claims=(*message.claims, *others))


def is_account_by_phone(account: Address, vouched: Address) -> bool:
    """Whether it is a phone that says whose an account is.

    Families share a phone, while a site rarely lets two accounts have one e-mail address.
    """
    return account.kind in _ACCOUNTS and vouched.kind is IdentityKind.PHONE


def is_second_account(account: Address, theirs: Iterable[Address]) -> bool:
    """Whether they, who have these addresses, have another account at the same site."""
    return any(
        other.kind is account.kind
        and other.canonical != account.canonical
        and _issuer(other) == _issuer(account)
        for other in theirs
    )


def _issuer(account: Address) -> str:
    """The site, page or system that gave this account its id."""
    return account.value.rpartition(":")[0]


def has_room(held: Counter[IdentityKind], kind: IdentityKind) -> bool:
    """Whether a contact that holds so many of each kind gets one more without an agent's word."""
    return held[kind] < KIND_CAP


# ---- what speaks for joining two contacts, and against it


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two contacts that `evidence` about an address of each holds to be one.

    `one` and `two` are all their identities, `full` whether they would have too many members or
    addresses together. `declined`: an agent said of a pair of theirs that it is two people's.
    """

    evidence: Evidence
    sender: Identity
    other: Address
    one: Sequence[Identity]
    two: Sequence[Identity]
    full: bool = False
    declined: bool = False


def cautions(match: Match, policy: Policy) -> frozenset[Caution]:
    """All that speaks against joining them without asking anybody."""
    both = (*match.one, *match.two)
    held = Counter(identity.address.kind for identity in both)
    account = match.sender.address
    second = is_account_by_phone(account, match.other) and is_second_account(
        account, (identity.address for identity in match.two)
    )
    found = {
        Caution.UNVERIFIED: any(identity.trust is not Trust.VERIFIED for identity in both),
        Caution.SHARED: any(i.shared or not identifies(i.address, policy) for i in both),
        Caution.SEPARATED: any(identity.separated for identity in both),
        Caution.SECOND_ACCOUNT: second,
        Caution.DECLINED: match.declined,
        Caution.FULL: match.full or max(held.values(), default=0) > KIND_CAP,
    }
    return frozenset(caution for caution, holds in found.items() if holds)


def joins(evidence: Evidence, against: frozenset[Caution], policy: Policy) -> bool:
    """Whether evidence joins two contacts without asking anybody."""
    return policy.joining is Joining.AUTO and evidence is Evidence.VOUCHED and not against


def score(evidence: Iterable[Evidence], against: Iterable[Caution]) -> int:
    """How likely two addresses are one person's, 1 to 99; only to sort suggestions by."""
    worth = sorted((_WORTH[each] for each in evidence), reverse=True)
    total = worth[0] + _FURTHER * (len(worth) - 1) - sum(_COSTS[each] for each in against)
    return min(max(total, 1), 99)


# ---- a suggestion's life


def proposed(
    seen: Suggestion | None,
    match: Match,
    pair: tuple[str, str],
    against: frozenset[Caution],
    *,
    now: datetime,
) -> Suggestion:
    """The suggestion with this evidence added, open again whatever was decided before."""
    known = seen.evidence if seen else frozenset()
    evidence = known | {match.evidence}
    if seen and was_declined(seen):
        against |= {Caution.DECLINED}
    one, other = sorted(pair)
    homes = {identity.key: identity.home for identity in (*match.one, *match.two)}
    return Suggestion(
        pair=(one, other),
        evidence=evidence,
        cautions=against,
        score=score(evidence, against),
        homes={key: homes[key] for key in (one, other) if key in homes},
        at=seen.at if seen and seen.state is SuggestionState.OPEN else now,
        revision=seen.revision if seen else 0,
    )


def was_declined(seen: Suggestion) -> bool:
    """Whether a decision stands against it; asked of addresses that are two contacts'.

    Even one accepted does: an agent has taken the two apart since.
    """
    return seen.state is not SuggestionState.OPEN or Caution.DECLINED in seen.cautions


def decided(
    seen: Suggestion, state: SuggestionState, *, by: str, at: datetime, reason: str
) -> Suggestion:
    """The suggestion with a decision: who, when and why."""
    return replace(seen, state=state, by=by, decided_at=at, reason=reason)

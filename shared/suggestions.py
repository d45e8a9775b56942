"""What agents are asked about who is who: list it, accept it, reject it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.attach import attach
from shared.merge import Decision, merge, seniority
from shared.model.errors import ConflictError
from shared.model.identity import Address, Identity, Trust
from shared.model.suggestion import Suggestion, SuggestionState
from shared.rules import matching
from shared.rules.ordering import to_milliseconds
from shared.store import contacts, suggestions
from shared.store.roots import roots_of
from shared.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of a suggestion's two addresses, and whose it is now; "" of nobody's."""

    contact_id: str
    address: Address
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A suggestion with what an agent needs to see to decide: both addresses, unless erased."""

    suggestion: Suggestion
    sides: tuple[Side, ...]

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to decide any more."""
        return len({side.contact_id for side in self.sides}) < 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Open questions, newest first, and where to go on (None: the end)."""

    questions: tuple[Question, ...]
    position: str | None


def list_open(table: Table, *, limit: int, position: str | None = None) -> Page:
    """One page of at most `limit` (up to 50); what has settled itself is left out.

    Eventually consistent. `position` is what the page before gave.
    """
    page = suggestions.list_open(table, limit=limit, position=position)
    questions = _read(table, page.suggestions)
    return Page(
        questions=tuple(question for question in questions if not question.is_settled),
        position=page.position,
    )


def _read(table: Table, found: Sequence[Suggestion]) -> list[Question]:
    known = contacts.get_identities(table, (key for each in found for key in each.pair))
    roots = roots_of(table, (i.home for i in known.values() if not i.erased_at))
    questions = []
    for suggestion in found:
        sides = (_side(table, suggestion, key, known, roots) for key in suggestion.pair)
        questions.append(Question(suggestion=suggestion, sides=tuple(filter(None, sides))))
    return questions


def _side(
    table: Table,
    suggestion: Suggestion,
    key: str,
    known: Mapping[str, Identity],
    roots: Mapping[str, str],
) -> Side | None:
    identity = known.get(key)
    if identity is None:
        address = _surplus(table, suggestion, key)
        return Side(contact_id="", address=address, trust=Trust.CLAIMED) if address else None
    if identity.erased_at:
        return None
    return Side(contact_id=roots[identity.home], address=identity.address, trust=identity.trust)


def _surplus(table: Table, suggestion: Suggestion, key: str) -> Address | None:
    """An address that was proven, and that its contact had no room for."""
    homes = (home for other, home in suggestion.homes.items() if other != key)
    return next((contacts.get_claim(table, home, key) for home in homes), None)


def accept(table: Table, suggestion_id: str, decision: Decision, *, now: datetime) -> Question:
    """They are one person: the older contact survives, and the merge can be undone.

    An address that was nobody's is added. Raises NotFoundError, ConflictError (decided already;
    several people use the address; no longer possible, as `merge`), UnavailableError.
    """
    accepted = _decided(table, suggestion_id, SuggestionState.ACCEPTED, decision, now)
    pair = suggestions.look(table, *accepted.pair)
    one, other = pair.one, pair.other
    if (one and one.erased_at) or (other and other.erased_at):
        raise ConflictError("one of these addresses was erased")
    if one and other:
        accepted = _join(table, accepted, (one, other), decision, now=now)
    else:
        _add(table, accepted, one or other, decision, now=now)
    return _read(table, [accepted])[0]


def _join(
    table: Table,
    accepted: Suggestion,
    both: tuple[Identity, Identity],
    decision: Decision,
    *,
    now: datetime,
) -> Suggestion:
    sides = [(contacts.get_contact(table, each.home), each.home) for each in both]
    if sides[0][0].root.id == sides[1][0].root.id:
        suggestions.keep(table, accepted)
        return accepted
    if any(each.shared for each in both):
        raise ConflictError(
            "several people use this address: if its contact is one person's nevertheless, "
            "merge the contacts"
        )
    (_, survivor), (_, joined) = sorted(sides, key=lambda side: seniority(side[0]))
    record = merge(table, survivor, joined, replace(decision, suggestion=accepted), now=now)
    return replace(accepted, merge_id=record.id)


def _add(
    table: Table,
    accepted: Suggestion,
    known: Identity | None,
    decision: Decision,
    *,
    now: datetime,
) -> None:
    missing = (key for key in accepted.pair if known and key != known.key)
    address = next((_surplus(table, accepted, key) for key in missing), None)
    if known is None or address is None:
        raise ConflictError("these addresses are no longer anybody's")
    attach(table, known.home, address, now=now, by=decision.by)
    suggestions.keep(table, accepted)


def reject(table: Table, suggestion_id: str, decision: Decision, *, now: datetime) -> Question:
    """They are two people: nothing joins them by itself, and only new evidence asks again.

    Raises NotFoundError, ConflictError (decided already), UnavailableError.
    """
    rejected = _decided(table, suggestion_id, SuggestionState.REJECTED, decision, now)
    suggestions.keep(table, rejected)
    return _read(table, [rejected])[0]


def _decided(
    table: Table, suggestion_id: str, state: SuggestionState, decision: Decision, now: datetime
) -> Suggestion:
    seen = suggestions.get(table, suggestion_id)
    if seen.state is not SuggestionState.OPEN:
        raise ConflictError(f"this suggestion is {seen.state} already")
    return matching.decided(
        seen, state, by=decision.by, at=to_milliseconds(now), reason=decision.reason
    )

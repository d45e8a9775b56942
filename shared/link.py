"""Join what a message proves to be one person's, and suggest what it makes likely.

It runs after recording, on what recording read: a message that brings nothing new costs no call.
When it fails or dies the provider's retry finds the message recorded, and this is done then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import uniform
from time import sleep

from shared.merge import POLICY, Decision, merge, seniority
from shared.model.contact import OPEN_CAP
from shared.model.errors import ConflictError, GoneError, UnavailableError
from shared.model.identity import Address, Identity, IdentityKind
from shared.model.ids import NewId, new_id
from shared.model.merge import Merge
from shared.model.message import InboundMessage
from shared.model.suggestion import Caution, Evidence, Suggestion, SuggestionState
from shared.record import Outcome, Recorded
from shared.rules import matching, membership
from shared.rules.matching import Joining, Match, Policy
from shared.rules.ordering import to_milliseconds
from shared.rules.threading import is_proven
from shared.store import contacts, suggestions
from shared.store.contacts import ADDRESS_CAP, Contact
from shared.store.roots import roots_of
from shared.store.suggestions import Pair
from shared.store.table import Table

_TRIES = 5
_CLAIMED = {
    IdentityKind.EMAIL: Evidence.CLAIMED_EMAIL,
    IdentityKind.PHONE: Evidence.CLAIMED_PHONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOutcome:
    """The ids of the merges and of the suggestions that a message led to."""

    merged: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()


def link(
    message: InboundMessage,
    recorded: Recorded,
    *,
    table: Table,
    now: datetime,
    policy: Policy,
    make_id: NewId = new_id,
) -> LinkOutcome:
    """Link a recorded message's sender to the other addresses that it vouches for or claims.

    Repeating it changes nothing. Raises UnavailableError when the table is down or stays busy.
    """
    if (
        recorded.outcome is Outcome.ERASED
        or policy.joining is Joining.OFF
        or not matching.identifies(message.sender, policy)
    ):
        return LinkOutcome()
    linking = _Linking(table, message, to_milliseconds(now), policy, make_id)
    merged, suggested = [], []
    for address, evidence in _evidence(message, recorded, policy):
        match linking.consider(address, evidence):
            case Merge(id=merge_id):
                merged.append(merge_id)
            case Suggestion(id=suggestion_id):
                suggested.append(suggestion_id)
    return LinkOutcome(merged=tuple(merged), suggested=tuple(suggested))


def _evidence(
    message: InboundMessage, recorded: Recorded, policy: Policy
) -> Iterable[tuple[Address, Evidence]]:
    known = [(address, Evidence.VOUCHED) for address in recorded.elsewhere]
    known += [(a, _CLAIMED[a.kind]) for a in message.claims if a.kind in _CLAIMED]
    for address, evidence in known:
        if address.value != message.recipient and matching.identifies(address, policy):
            yield address, evidence


@dataclass(frozen=True, slots=True)
class _Linking:
    """One message's sender, and how it is linked."""

    table: Table
    message: InboundMessage
    now: datetime
    policy: Policy
    make_id: NewId

    def consider(self, address: Address, evidence: Evidence) -> Merge | Suggestion | None:
        """What evidence that an address is the sender's leads to; None: nothing new."""
        for number in range(_TRIES):
            try:
                return self._consider(address, evidence)
            except ConflictError:  # something was faster: look again
                sleep(uniform(0, 0.02 * 2**number))  # noqa: S311 jitter is no secret
            except GoneError:
                return None
        raise UnavailableError("these contacts are changing too fast; try again")

    def _consider(self, address: Address, evidence: Evidence) -> Merge | Suggestion | None:
        sender_key = self.table.address_key(self.message.sender)
        seen = suggestions.look(self.table, sender_key, self.table.address_key(address))
        sender, other = seen.one, seen.other
        if sender is None or sender.erased_at or sender_key == self.table.address_key(address):
            return None
        if not is_proven(self.message.trust, sender):
            return None
        if other is None:
            return self._suggest_surplus(seen, sender, address, evidence)
        is_known = seen.suggestion is not None and evidence in seen.suggestion.evidence
        if other.erased_at or (is_known and evidence is not Evidence.VOUCHED):
            return None
        if self._are_one(sender, other) or is_known:
            return None
        return self._judge(seen, sender, other, evidence)

    def _are_one(self, sender: Identity, other: Identity) -> bool:
        roots = roots_of(self.table, (sender.home, other.home))
        root = roots[sender.home]
        if roots[other.home] != root:
            return False
        for identity in (sender, other):
            if identity.root != root:
                contacts.remember_root(self.table, identity, root)
        return True

    def _judge(
        self, seen: Pair, sender: Identity, other: Identity, evidence: Evidence
    ) -> Merge | Suggestion:
        one = contacts.get_contact(self.table, sender.home)
        two = contacts.get_contact(self.table, other.home)
        match = Match(
            evidence=evidence,
            sender=sender,
            other=other.address,
            one=one.identities,
            two=two.identities,
            full=_are_full(one, two),
            declined=self._was_declined(seen, one, two),
        )
        against = matching.cautions(match, self.policy)
        pair = (sender.key, other.key)
        suggestion = matching.proposed(seen.suggestion, match, pair, against, now=self.now)
        if matching.joins(evidence, against, self.policy):
            return self._merge(suggestion, (one, sender), (two, other))
        if evidence is Evidence.VOUCHED and (other.shared or Caution.SECOND_ACCOUNT in against):
            contacts.mark_shared(self.table, other, sender.home)
        suggestions.keep(self.table, suggestion)
        return suggestion

    def _was_declined(self, seen: Pair, one: Contact, two: Contact) -> bool:
        """Whether an agent holds these contacts to be two people, for whatever addresses."""
        if seen.suggestion and matching.was_declined(seen.suggestion):
            return True
        ones, twos = ([i.key for i in contact.identities] for contact in (one, two))
        between = suggestions.between(self.table, ones, twos)
        return any(matching.was_declined(each) for each in between)

    def _merge(
        self, suggestion: Suggestion, one: tuple[Contact, Identity], two: tuple[Contact, Identity]
    ) -> Merge:
        """The older contact survives: whoever comes first decides alike."""
        older, younger = sorted((one, two), key=lambda side: seniority(side[0]))
        reason = f"one signed message proves an address of each ({self.message.evidence})"
        accepted = matching.decided(
            suggestion, SuggestionState.ACCEPTED, by=POLICY, at=self.now, reason=reason
        )
        return merge(
            self.table,
            older[1].home,
            younger[1].home,
            Decision(by=POLICY, reason=reason, suggestion=accepted, proven=(one[1], two[1])),
            now=self.now,
            make_id=self.make_id,
        )

    def _suggest_surplus(
        self, seen: Pair, sender: Identity, address: Address, evidence: Evidence
    ) -> Suggestion | None:
        """An address of nobody's, proven but one too many: an agent may add it."""
        if evidence is not Evidence.VOUCHED or seen.suggestion:
            return None
        match = Match(evidence=evidence, sender=sender, other=address, one=(sender,), two=())
        pair = (sender.key, self.table.address_key(address))
        against = frozenset({Caution.FULL})
        suggestion = matching.proposed(None, match, pair, against, now=self.now)
        suggestions.keep(self.table, suggestion)
        return suggestion


def _are_full(one: Contact, two: Contact) -> bool:
    ones, twos = len(one.identities), len(two.identities)
    return (
        len(one.members) + len(two.members) > membership.MEMBER_CAP
        or ones + twos > ADDRESS_CAP
        or len(one.root.open) + len(two.root.open) > OPEN_CAP
        or ones * twos > suggestions.MOST_PAIRS
    )

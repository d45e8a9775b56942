"""Erase a person: everything they said and were, over all members, provably and for good (T7).

Kept are a tombstone for each address, what the messages cost without a name to it, and the
certificate. Every step may be repeated, by anybody, and goes on where another was cut short.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from random import uniform
from time import sleep
from typing import TypeVar

from shared.model.contact import Profile
from shared.model.erasure import Certificate
from shared.model.errors import ConflictError, UnavailableError, UnnamedMembersError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.rules.erasure import never_sent, without_person
from shared.rules.ordering import to_milliseconds
from shared.store import contacts, erasing, keys
from shared.store.downloads import export_key
from shared.store.erasing import Stretch
from shared.store.merging import MovedOnError
from shared.store.objects import Objects
from shared.store.table import Table

_TRIES = 8

T = TypeVar("T")


def begin(table: Table, contact_id: str, named: Set[str], *, by: str, now: datetime) -> Certificate:
    """Stop everything else for this contact; `finish`, or the sweep, does the rest.

    `named` must list every member where there are several. Asking again changes nothing. Raises
    NotFoundError, UnnamedMembersError, ConflictError (a split is under way), UnavailableError.
    """

    def attempt() -> Certificate:
        contact = contacts.get_contact_or_remains(table, contact_id)
        root = contact.root
        if root.certificate:
            return root.certificate
        if len(root.members) > 1 and named != root.members:
            raise UnnamedMembersError(root.members)
        at = to_milliseconds(now)
        erasing.flag(table, root, contact.members, by=by, at=at)
        return Certificate(members=tuple(sorted(root.members)), by=by, requested_at=at)

    return _until_settled(attempt)


def finish(
    table: Table,
    contact_id: str,
    *,
    content: Objects,
    mails: Objects,
    now: datetime,
    go_on: Callable[[], bool] = lambda: True,
    make_id: NewId = new_id,
) -> Certificate:
    """Erase what `begin` has marked, for as long as `go_on` says.

    Answers with the certificate, or with how far it came: a message that is just being sent is
    waited for. Raises NotFoundError, ConflictError (not begun), UnavailableError.
    """
    contact = contacts.get_contact_or_remains(table, contact_id)
    certificate = contact.root.certificate
    if certificate is None:
        raise ConflictError("nobody asked for this contact to be erased")
    if certificate.finished_at is None:
        erasure = _Erasure(table, contact.root, content, mails, now, go_on, make_id)
        addresses = sorted(key for member in contact.members for key in member.addresses)
        if erasure.bury(addresses) and erasure.sweep():
            _until_settled(erasure.certify)
    root = contacts.get_profile(table, contact.root.id)
    return root.certificate or certificate


@dataclass(frozen=True, slots=True)
class _Erasure:
    """One go at erasing a contact. Each step says whether it came to its end."""

    table: Table
    root: Profile
    content: Objects
    mails: Objects
    now: datetime
    go_on: Callable[[], bool]
    make_id: NewId

    def bury(self, addresses: list[str]) -> bool:
        at = self.root.erasing or self.now
        for key in addresses:
            if not self.go_on():
                return False
            _until_settled(partial(erasing.bury, self.table, self.root, key, at))
        return True

    def sweep(self) -> bool:
        for conversation_id in sorted(self.root.open):
            if not self.go_on():
                return False
            self._forget_conversation(conversation_id)
        for member in sorted(self.root.members):
            if not self._sweep_member(member):
                return False
            self.content.forget([export_key(member)])
        return True

    def _sweep_member(self, member: str) -> bool:
        position: str | None = None
        while self.go_on():
            stretch = erasing.look(self.table, member, position, self.now)
            if stretch.held:
                return False
            try:
                self._forget(stretch)
            except MovedOnError:
                continue
            position = stretch.position
            if position is None:
                return True
        return False

    def _forget(self, stretch: Stretch) -> None:
        """Remove a stretch, but first of all whatever it points at."""
        self.content.forget([*stretch.object_keys, *stretch.html_keys])
        self.mails.forget(stretch.raw_keys)
        for conversation_id in sorted({e.conversation_id for e in stretch.entries} - {""}):
            if not self._forget_conversation(conversation_id):
                erasing.withdraw(self.table, conversation_id, stretch.entries)
        erasing.forget_decisions(self.table, self.root, stretch)
        erasing.forget_pointers(self.table, stretch)
        kept = without_person(stretch.lines, keys.ERASED, self.make_id)
        voided = never_sent(stretch.receipts, keys.ERASED, self.now, self.make_id)
        erasing.remove(self.table, self.root, stretch, kept=kept, voided=voided, now=self.now)

    def _forget_conversation(self, conversation_id: str) -> bool:
        return _until_settled(
            partial(erasing.forget_conversation, self.table, self.root, conversation_id)
        )

    def certify(self) -> None:
        """Nothing is left to count, so the counts are what they will always be."""
        certificate = contacts.get_profile(self.table, self.root.id).certificate
        if certificate is None or certificate.finished_at:
            return
        finished = replace(certificate, finished_at=to_milliseconds(self.now))
        change = Change(
            events=("ContactErased",),
            cause=f"agent:{certificate.by}",
            correlation=self.root.id,
            by=certificate.by,
        )
        erasing.certify(self.table, self.root, finished, change)


def _until_settled(attempt: Callable[[], T]) -> T:
    for number in range(_TRIES):
        try:
            return attempt()
        except MovedOnError:
            sleep(uniform(0, 0.02 * 2**number))  # noqa: S311 jitter is no secret
    raise UnavailableError("this contact is changing too fast; try again")

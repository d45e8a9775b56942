"""Keep what somebody says of being written to, whoever says it and by whatever way it comes."""

from random import uniform
from time import sleep

from shared.model.consent import ConsentState
from shared.model.errors import ConflictError, UnavailableError
from shared.model.events import Change
from shared.model.statement import ConsentRequest, Statement
from shared.rules import consent as rules
from shared.store import consents, contacts
from shared.store.consents import MovedError
from shared.store.table import Table

_TRIES = 8


def say(
    table: Table,
    address_key: str,
    said: Statement,
    *,
    cause: str,
    correlation: str = "",
    answered: tuple[tuple[str, ConsentRequest], ...] = (),
) -> bool:
    """Write a statement about an address; whether it makes a difference.

    Of somebody who was erased only a denial is kept, without words. Raises ConflictError when it
    would lift what the person stopped themselves, UnavailableError.
    """
    by = said.by.id or str(said.by.type)
    change = Change(events=(), cause=cause, correlation=correlation or said.id, by=by)
    for attempt in range(_TRIES):
        before = contacts.get_identity_by_key(table, address_key)
        if before is None:
            return False
        if rules.is_overruled(before.consent, said):
            raise ConflictError("they stopped this themselves: only they can start it again")
        planned = rules.change(
            said,
            before,
            home=before.home,
            address=before.address,
            address_key=address_key,
            trust=before.trust,
        )
        try:
            if before.erased_at is None:
                consents.write(table, before, planned, change, answered=answered)
            elif said.state is ConsentState.DENIED:
                consents.write_bare(table, before, planned)
            return planned.entry is not None
        except MovedError:
            sleep(uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
    raise UnavailableError("the table stayed busy with this address")

"""Whether somebody may be written to, and what a statement of theirs changes.

What is kept of an address maps `medium:purpose` to a state. A denial holds for the whole contact:
on each of their addresses that the same medium reaches. It is computed, never copied, so undoing a
merge leaves nothing behind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Channel, Direction, Entry, Kind
from shared.model.identity import Address, Identity, IdentityKind, Trust
from shared.model.statement import ConsentChange, Statement

NO_CONSENT = "no_consent"
BOUNCED = "bounced"

MEDIA: Mapping[Channel, Medium] = {
    Channel.SMS: Medium.TEXT,
    Channel.WHATSAPP: Medium.WHATSAPP,
    Channel.VOICE: Medium.VOICE,
    Channel.EMAIL: Medium.EMAIL,
    Channel.CHAT: Medium.CHAT,
}
_KINDS: Mapping[Medium, tuple[IdentityKind, ...]] = {
    Medium.TEXT: (IdentityKind.PHONE,),
    Medium.WHATSAPP: (IdentityKind.PHONE, IdentityKind.WHATSAPP),
    Medium.VOICE: (IdentityKind.PHONE,),
    Medium.EMAIL: (IdentityKind.EMAIL,),
    Medium.CHAT: (IdentityKind.CHAT,),
}
# What nobody is sent who has not asked for it, by name.
_ASKED_FOR = (Purpose.MARKETING, Purpose.SURVEY)
_ASKED_AGAIN_WITHIN = timedelta(hours=24)  # as with an Idempotency-Key
_NO = (ConsentState.DENIED, ConsentState.STOPPED)

Kept = Mapping[str, str]


def key(medium: Medium, purpose: Purpose) -> str:
    """What a state is kept under."""
    return f"{medium}:{purpose}"


def denial(
    identities: Iterable[Identity], target: Identity, medium: Medium, purpose: Purpose
) -> str:
    """Why nothing may be sent to `target` by this medium for this purpose, or nothing.

    `identities` are the addresses of the contact it belongs to.
    """
    if medium is Medium.EMAIL and target.bounced:
        return BOUNCED
    if purpose is Purpose.LEGAL:
        return ""
    if any(is_denied(each.consent, medium, purpose) for each in (target, *identities)):
        return NO_CONSENT
    return "" if _is_allowed(target, medium, purpose) else NO_CONSENT


def reaches(medium: Medium, address: Address) -> bool:
    """Whether a medium leads to an address at all."""
    return address.kind in _KINDS[medium]


def is_denied(kept: Kept, medium: Medium, purpose: Purpose) -> bool:
    """Whether these states forbid it, for every purpose or for this one."""
    return any(kept.get(key(medium, said)) in _NO for said in (Purpose.EVERY, purpose))


def _is_allowed(target: Identity, medium: Medium, purpose: Purpose) -> bool:
    """Whether nothing but a denial stands against it.

    Without a record an address may be answered that they wrote from, or that is known to be theirs.
    """
    if kept_for(target.consent, medium, purpose) is ConsentState.GRANTED:
        return True
    if purpose in _ASKED_FOR:
        return False
    granted = kept_for(target.consent, medium, Purpose.EVERY) is ConsentState.GRANTED
    return granted or target.messages > 0 or target.trust is not Trust.CLAIMED


def kept_for(kept: Kept, medium: Medium, purpose: Purpose) -> ConsentState | None:
    """The state kept for exactly this medium and purpose, or None."""
    state = kept.get(key(medium, purpose))
    return ConsentState(state) if state else None


# ---- what a statement changes


def is_overruled(kept: Kept, said: Statement) -> bool:
    """Whether somebody else's word would lift what the person stopped themselves."""
    if said.own or said.state is not ConsentState.GRANTED:
        return False
    stopped = (kept_for(kept, said.medium, purpose) for purpose in (Purpose.EVERY, said.purpose))
    return ConsentState.STOPPED in stopped


def matters(said: Statement, before: Identity | None) -> bool:
    """Whether a keyword is about consent at all: a `yes` is, only where there was a STOP before."""
    if said.state is not ConsentState.GRANTED:
        return True
    if before is None:
        return False
    lifts = kept_for(before.consent, said.medium, said.purpose) in _NO
    return lifts or bool(said.senders & before.blocked_senders)


def is_known(said: Statement, before: Identity) -> bool:
    """Whether their own stop was kept before, so that hearing of it again says nothing new."""
    stops = said.own and said.state is ConsentState.DENIED
    is_kept = kept_for(before.consent, said.medium, said.purpose) is ConsentState.STOPPED
    return stops and is_kept and said.senders <= before.blocked_senders


def repeats(said: Statement, log: Iterable[Statement]) -> bool:
    """Whether somebody's last word was the same, within a day: asked twice, not said twice."""
    about = key(said.medium, said.purpose)
    last = next((it for it in reversed([*log]) if key(it.medium, it.purpose) == about), None)
    if last is None or said.at - last.at >= _ASKED_AGAIN_WITHIN:
        return False
    return replace(last, id=said.id, at=said.at) == said


def after(kept: Kept, said: Statement) -> Kept:
    """The states once this was said. The log's statements in turn, from none, give what is kept."""
    before = kept_for(kept, said.medium, said.purpose)
    if is_overruled(kept, said):
        return kept
    state = said.state
    if state is not ConsentState.GRANTED:
        is_own = said.own or before is ConsentState.STOPPED
        state = ConsentState.STOPPED if is_own else ConsentState.DENIED
    return {**kept, key(said.medium, said.purpose): state}


def current(log: Iterable[Statement]) -> Mapping[str, Statement]:
    """The statements that count now, by what their states are kept under."""
    kept: Kept = {}
    counting: dict[str, Statement] = {}
    for said in log:
        then = after(kept, said)
        if then != kept:
            counting[key(said.medium, said.purpose)] = said
        kept = then
    return counting


# ---- telling of it

_THINGS = {
    Medium.TEXT: "texts",
    Medium.WHATSAPP: "WhatsApp messages",
    Medium.VOICE: "calls",
    Medium.EMAIL: "e-mail",
    Medium.CHAT: "chat messages",
}


def describe(said: Statement) -> str:
    """The words of the entry that tells of a statement."""
    purpose = "" if said.purpose is Purpose.EVERY else f"{said.purpose} "
    what = f"{purpose}{_THINGS[said.medium]}"
    if said.state is ConsentState.GRANTED:
        return f"{'Wants' if said.own else 'May be sent'} {what} ({said.source})"
    return f"{'Wants no' if said.own else 'May not be sent'} {what} any more ({said.source})"


def change(
    said: Statement,
    before: Identity | None,
    *,
    home: str,
    address: Address,
    address_key: str,
    trust: Trust,
) -> ConsentChange:
    """What a statement changes at an address, which was `before` and is homed at `home`.

    It is dated behind the last one there is: clocks differ, and the log's order counts.
    """
    last = before.consent_at if before else None
    if last and said.at <= last:
        said = replace(said, at=last + timedelta(milliseconds=1))
    kept = before.consent if before else {}
    now = after(kept, said)
    entry = Entry(
        id=said.id,
        home=home,
        kind=Kind.EVENT,
        channel=Channel.INTERNAL,
        direction=Direction.INTERNAL,
        occurred_at=said.at,
        received_at=said.at,
        author=said.by,
        address=address,
        address_key=address_key,
        trust=trust,
        text=describe(said),
    )
    return ConsentChange(statement=said, last=last, kept=now, entry=None if now == kept else entry)

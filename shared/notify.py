"""Tell a customer about something that happened: decide, wait, write a message (outbound.md §4).

Nothing is sent from here. The message is one more entry, which leaves like any other; until it is
written there is nothing on the timeline and nothing is owed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zlib import crc32

from shared.model.consent import Purpose
from shared.model.conversation import Conversation
from shared.model.cost import Cost
from shared.model.entry import Author, AuthorType, Channel, Direction, Entry, Kind
from shared.model.errors import (
    ConflictError,
    GoneError,
    NotFoundError,
    RejectedError,
    UnavailableError,
    UnwantedError,
)
from shared.model.events import Change
from shared.model.ids import NewId, new_id, show_reference
from shared.model.notification import (
    Notice,
    NoticeKey,
    NoticeKind,
    Release,
    Request,
    SentTimes,
    Target,
)
from shared.model.receipt import Receipt, ReceiptKey
from shared.rules import ladder, numbers, quiet_hours
from shared.rules import notification as rules
from shared.rules.ladder import Verdict
from shared.rules.notification import Offer, Policy, order_number
from shared.rules.ordering import to_milliseconds
from shared.send import SendRequest, send
from shared.store import contacts, conversations, entries, limits, notices, receipts
from shared.store.bodies import Bodies
from shared.store.contacts import Contact
from shared.store.limits import ChangedError
from shared.store.recording import RecordingRefusedError
from shared.store.table import Table
from shared.templates import Rendered, templates

_TRIES = 8
_JITTER = 300  # seconds over which what waited for the morning leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """What became of it: an entry, a notice that waits until `due`, or why there is neither.

    `stopped` is the reason why `rule` told nothing. `repeated`: the same event had led to the same
    notification before.
    """

    entry_id: str = ""
    notice: NoticeKey | None = None
    due: datetime | None = None
    stopped: str = ""
    rule: str = ""
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """Whom a notification is about, and what."""

    contact: Contact
    conversation: Conversation | None
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """What is sent, and what it counts towards; `before` is what did not come through."""

    target: Target
    words: Rendered
    sent: tuple[SentTimes, ...]
    before: Receipt | None


class _Stopped(Exception):  # noqa: N818 a decision, not an error
    """Nothing is sent, for this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """What deciding about notifications takes."""

    table: Table
    bodies: Bodies
    policy: Policy
    price: Callable[[Entry], Cost]
    mail_domain: str
    now: datetime
    make_id: NewId = new_id

    def admit(self, request: Request) -> Notified:
        """Let an event lead to a notification, at most once for each rule, event and contact.

        Raises RejectedError (no such template), UnavailableError.
        """
        window = timedelta(seconds=request.debounce_seconds)
        due = request.cause.time + window
        if window and due < self.now:
            due = self.now + window  # an outage is over: what comes late comes all at once
        notice = Notice(kind=NoticeKind.DEBOUNCE, request=request, due=to_milliseconds(due))
        key = NoticeKey(notice.kind, notice.home, notice.id)
        for _ in range(_TRIES):
            try:
                if reason := rules.objection_to_cause(request.cause, self.now):
                    raise _Stopped(reason)
                self._offer(request, self._matter(request), first=0)
                new = notices.admit(self.table, notice, self.now)
            except notices.BeforeRestoreError:
                return self._stop(request, "restored")
            except _Stopped as stop:
                return self._stop(request, str(stop))
            except ChangedError:
                continue
            return replace(self.release(key), repeated=not new)
        raise UnavailableError("the table stayed busy with this matter")

    def release(self, key: NoticeKey, *, failed: str = "") -> Notified:
        """Do what a notice is due for; asking twice does it once.

        `failed` is an entry that did not reach anybody: its ladder goes on at once. Raises
        UnavailableError.
        """
        for _ in range(_TRIES):
            notice = notices.get(self.table, key)
            if notice is None:
                return Notified()
            at_once = notice.after is not None and notice.after.entry_id == failed
            if notice.due > self.now and not at_once:
                return Notified(notice=key, due=notice.due)
            try:
                return self._act(notice)
            except _Stopped as stop:
                return self._stop(notice.request, str(stop), notice)
            except RejectedError:  # a template that was there when it was admitted
                return self._stop(notice.request, "no_template", notice)
            except (ChangedError, RecordingRefusedError, UnwantedError):
                continue
        raise UnavailableError("the table stayed busy with this notice")

    def fall_back(self, message: ReceiptKey) -> Notified:
        """A message did not reach anybody: the next rung of its ladder, if it has one."""
        receipt = receipts.get_receipt(self.table, message)
        if receipt is None or not receipt.ladder_id:
            return Notified()
        home, _, notice_id = receipt.ladder_id.partition("#")
        key = NoticeKey(NoticeKind.LADDER, home, notice_id)
        return self.release(key, failed=message.entry_id)

    # ---- deciding

    def _act(self, notice: Notice) -> Notified:
        before = None
        if notice.after:
            before = receipts.get_receipt(self.table, notice.after)
            if before is None or self._verdict(before, notice.after) is Verdict.SUCCESS:
                notices.clear(self.table, notice)
                return Notified()
        request = notice.request
        matter = self._matter(request)
        if matter.conversation and (
            reason := rules.objection_to_conversation(request.cause, matter.conversation)
        ):
            raise _Stopped(reason)
        target, words = self._offer(request, matter, first=notice.rung)
        if (morning := self._quiet_until(request, matter, target)) > self.now:
            notices.move(self.table, notice, morning)
            return Notified(notice=NoticeKey(notice.kind, notice.home, notice.id), due=morning)
        sent = self._within_caps(request, matter, target)
        decision = _Decision(target=target, words=words, sent=sent, before=before)
        return self._record(notice, matter, decision)

    def _verdict(self, receipt: Receipt, message: ReceiptKey) -> Verdict:
        number = ""
        if receipt.channel == Channel.SMS:
            entry, _ = receipts.get(self.table, message)
            number = entry.address.value if entry.address else ""
        return ladder.verdict(receipt, number, self.now)

    def _matter(self, request: Request) -> _Matter:
        cause = request.cause
        conversation = None
        home = cause.home
        try:
            if cause.conversation_id:
                conversation = conversations.get(self.table, cause.conversation_id)
                home = conversation.home
            contact = contacts.get_contact(self.table, home)
        except (GoneError, NotFoundError) as error:
            raise _Stopped("erased") from error
        if contact.root.erasing:
            raise _Stopped("erased")
        facts = {"name": contact.root.name}
        if conversation:
            facts["reference"] = show_reference(conversation.reference)
        if cause.kind is Kind.ORDER and cause.occurred_at:
            order = entries.get(self.table, cause.home, cause.occurred_at, cause.entry_id)
            facts["order"] = order_number(order)
        return _Matter(contact=contact, conversation=conversation, facts=facts)

    def _offer(self, request: Request, matter: _Matter, *, first: int) -> tuple[Target, Rendered]:
        """The first rung that nothing is said against, with its words."""
        reason = ""
        while target := self._next_target(request, matter, first):
            words = templates().render(
                request.template, target.channel, matter.contact.root.locale, matter.facts
            )
            offer = Offer(
                target=target,
                text=words.text,
                request=request,
                identities=matter.contact.identities,
                policy=self.policy,
                now=self.now,
            )
            objection = rules.objection_to_target(offer)
            if objection is None:
                return target, words
            reason = reason or objection
            first = target.rung + 1
        raise _Stopped(reason or "no_target")

    def _next_target(self, request: Request, matter: _Matter, first: int) -> Target | None:
        conversation = matter.conversation
        return rules.choose_target(
            request.ladder,
            matter.contact.identities,
            first=first,
            last_in=conversation.last_in if conversation else None,
        )

    def _quiet_until(self, request: Request, matter: _Matter, target: Target) -> datetime:
        if request.urgent or target.channel not in rules.BY_PHONE:
            return self.now
        zones = quiet_hours.zones_of(
            matter.contact.root.time_zone,
            numbers.zones_of(target.identity.address.value),
            self.policy.time_zone,
        )
        jitter = timedelta(seconds=crc32(request.cause.id.encode()) % _JITTER)
        return quiet_hours.next_allowed(self.now, zones, jitter)

    def _within_caps(
        self, request: Request, matter: _Matter, target: Target
    ) -> tuple[SentTimes, ...]:
        capped = rules.caps(request, target, matter.contact.root.id, self.policy)
        sent = limits.sent_times(self.table, capped)
        for times, cap in zip(sent, capped.values(), strict=True):
            if not rules.is_within(times, cap, self.now):
                raise _Stopped("cap")
        if target.channel in rules.BY_PHONE:
            block = numbers.block_of(target.identity.address.value)
            cap = self.policy.block_cap
            if not limits.count_towards_block(
                self.table, block, cap, self.now, lot=request.cause.id
            ):
                raise _Stopped("block_cap")
        return tuple(sent)

    # ---- writing

    def _record(self, notice: Notice, matter: _Matter, decision: _Decision) -> Notified:
        request, target, before = notice.request, decision.target, decision.before
        answers = matter.conversation and matter.conversation.subject
        following = None
        if self._next_target(request, matter, target.rung + 1):
            following = replace(
                notice,
                kind=NoticeKind.LADDER,
                due=to_milliseconds(self.now + timedelta(seconds=request.wait_seconds)),
                rung=target.rung + 1,
            )
        written = send(
            SendRequest(
                contact_id=matter.contact.root.id,
                author=Author(AuthorType.SYSTEM, id=request.rule),
                marker=notices.once_marker(notice, f"sent#{target.rung}"),
                change=_change(request),
                text=decision.words.text,
                html=decision.words.html,
                subject="" if answers else decision.words.subject,  # one thread in their mails
                channel=target.channel,
                conversation_id=matter.conversation.id if matter.conversation else "",
                to=target.identity.address,
                kind=Kind.NOTIFICATION,
                purpose=Purpose(request.purpose),
                automatic=True,
                release=Release(
                    notice=notice,
                    sent=decision.sent,
                    next=following,
                    passed_over=(before.key, before.revision) if before else None,
                ),
            ),
            table=self.table,
            bodies=self.bodies,
            now=self.now,
            price=self.price,
            mail_domain=self.mail_domain,
            make_id=self.make_id,
        )
        return Notified(entry_id=written.entry.id)

    def _stop(self, request: Request, reason: str, notice: Notice | None = None) -> Notified:
        """Count it, and the first of the day put on the timeline, where an agent sees it."""
        home = request.cause.home
        told = Entry(
            id=self.make_id("ent", self.now),
            home=home,
            kind=Kind.NOTIFICATION,
            channel=Channel.INTERNAL,
            direction=Direction.INTERNAL,
            occurred_at=to_milliseconds(self.now),
            received_at=to_milliseconds(self.now),
            author=Author(AuthorType.SYSTEM, id=request.rule),
            conversation_id=request.cause.conversation_id,
            text=f"Not sent: {request.rule} ({reason}).",
            automatic=True,
        )
        unremarkable = reason in rules.UNREMARKABLE
        try:
            limits.count_stop(
                self.table,
                request,
                reason,
                now=self.now,
                done=(notices.done_leg(notice),) if notice else (),
                told=None if unremarkable else (told, _change(request)),
            )
        except (NotFoundError, ConflictError, ChangedError):
            if notice:
                raise UnavailableError("the notice has changed") from None
        return Notified(stopped=reason, rule=request.rule)


def _change(request: Request) -> Change:
    return Change(
        events=("EntryRecorded",),
        cause=request.cause.id,
        correlation=request.cause.correlation,
        depth=request.cause.depth + 1,
        by=f"rule:{request.rule}",
    )

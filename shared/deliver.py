"""Hand one message out to its provider: once, and never again without knowing what became of it.

The claim is the last thing before the first byte, and the answer is kept right after the last one.
Whoever dies in between leaves a claim that runs out; then nobody knows whether the message left,
and it is not sent again blindly (outbound.md §1, §2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.consent import say
from shared.model.due import Due
from shared.model.entry import Attachment, AuthorType, Channel, Entry, File
from shared.model.errors import UnavailableError
from shared.model.events import Change
from shared.model.ids import NewId, new_id
from shared.model.receipt import Receipt, ReceiptKey, ReceiptState
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, Unknown
from shared.rate_card import rate_card
from shared.reprice import settled
from shared.resolve import Finding, Search, SentList
from shared.rules import delivery, unsubscribe
from shared.rules import receipts as rules
from shared.rules.delivery import Facts, Turn
from shared.rules.envelope import outbound_message
from shared.rules.opt_out import heard_by_provider
from shared.rules.reply_tokens import Keys
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.receipts import Outbound, OvertakenError
from shared.store.table import Table

_TRIES = 8
# A provider is given eleven seconds (providers/http.py), and its answer must still be written.
_NEEDED = timedelta(seconds=15)
_GRACE = timedelta(seconds=30)  # that long after its end, whoever held a claim is surely gone


class Outcome(StrEnum):
    """What a message's turn came to; each value is also the name of a metric."""

    ACCEPTED = "MessagesAccepted"
    REFUSED = "MessagesRefused"  # for now: it is tried again
    FAILED = "MessagesFailed"
    STOPPED = "MessagesStopped"
    UNKNOWN = "MessagesUnknown"
    FOUND = "MessagesFound"  # it had left, says its provider's list
    RESENT = "MessagesResent"  # it had not, says the list: it is sent again
    UNCONFIRMED = "MessagesUnconfirmed"
    DOUBLE = "DoubleSend"
    NOT_DUE = "MessagesNotDue"
    SETTLED = "MessagesSettledBefore"


class Sender(Protocol):
    """A provider's way out. It asks once only, and says so when it does not know the outcome."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """How messages of one channel leave: by which provider, from which addresses of ours.

    `status_url` says where the provider is to report on a message, `public_url` where recipients
    reach us. `sent`: the provider's list of
    what it took, if it has one. `idempotent`: the provider goes by our entry's id; it drops
    repeats, and may report on a message before it has answered.
    """

    provider: str
    sender: Sender
    senders: Sequence[str] = ()
    status_url: Callable[[ReceiptKey], str] = lambda key: ""
    sent: SentList | None = None
    public_url: str = ""
    idempotent: bool = False

    @property
    def only_sender(self) -> str:
        """Our address, where there is but one that a message can have left from."""
        return self.senders[0] if len(self.senders) == 1 else ""

    @property
    def looks(self) -> Sequence[timedelta]:
        """How long after a message was lost it is looked into."""
        return delivery.LOOKS_AT_LIST if self.sent else delivery.LOOKS_FOR_REPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What handing messages out takes.

    `outlet` raises for a channel without one. `media_link` makes a URL from which a provider may
    fetch an object of ours, `read_file` reads what we keep of a file. `clock` is the present (UTC),
    `time_left` how long this process may still take.
    """

    table: Table
    bodies: Bodies
    outlet: Callable[[Channel], Outlet]
    mail_domain: str
    reply_keys: Keys
    media_link: Callable[[str], str]
    read_file: Callable[[Attachment], bytes]
    clock: Callable[[], datetime]
    time_left: Callable[[], timedelta]
    make_id: NewId = new_id

    def deliver(self, key: ReceiptKey) -> Outcome:
        """Do what it is this message's turn for; asking twice does it once.

        Raises NotFoundError (no such message) and UnavailableError: ask again later. Nothing is
        lost and nothing sent twice by that. A provider that refuses our account is such a case:
        the message stays queued until the account is put right.
        """
        outbound = receipts.get_outbound(self.table, key)
        match delivery.turn(outbound.receipt, outbound.due, self.clock()):
            case Turn.SEND:
                return self._send(outbound)
            case Turn.HELD:
                raise UnavailableError("another sender holds this message")
            case Turn.ORPHANED:
                return self._adopt(outbound)
            case Turn.LOOK:
                return self._look(outbound)
            case Turn.NOT_DUE:
                return Outcome.NOT_DUE
            case Turn.SETTLED:
                if outbound.due:
                    receipts.clear(self.table, outbound.due)
                return Outcome.SETTLED

    def _send(self, outbound: Outbound) -> Outcome:
        entry = self.bodies.restore(outbound.entry)
        outlet = self.outlet(entry.channel)
        parties = receipts.get_parties(self.table, entry)
        identity, conversation = parties.identity, parties.conversation
        facts = Facts(entry=entry, identity=identity, others=parties.others, senders=outlet.senders)
        reason = "overtaken" if outbound.receipt.passed_over else None
        if reason := reason or delivery.objection(facts):
            return self._stop(outbound, reason)
        message = outbound_message(
            entry,
            outbound.receipt,
            conversation,
            sender=delivery.choose_sender(outlet.senders, identity),
            status_url=outlet.status_url(outbound.receipt.key),
            unsubscribe_url=self._unsubscribe_url(entry, outlet),
            mail_domain=self.mail_domain,
            reply_keys=self.reply_keys,
            media_urls=self._media_urls(entry),
            files=self._files(entry),
        )
        if outlet.idempotent:
            receipts.point(self.table, entry, outlet.provider, entry.id)
        claimed = self._claim(outbound)
        match outlet.sender.send(message):
            case Accepted(provider_id, message_ids):
                if not outlet.idempotent:
                    home = conversation.home if conversation else entry.home
                    receipts.point(
                        self.table,
                        entry,
                        outlet.provider,
                        provider_id,
                        message_ids=message_ids,
                        conversation_home=home,
                    )
                return self._accept(claimed, outlet.provider, provider_id)
            case Refused(reason, misconfigured=True):
                self._advance(claimed, lambda r: rules.release(r, claimed.claim_id))
                raise UnavailableError(f"{outlet.provider} refuses our account: {reason}")
            case Refused(reason, opted_out=True):
                self._keep_opt_out(claimed, message, f"{outlet.provider} {reason}")
                return self._fail(claimed, outlet.provider, reason, entry)
            case Refused(reason, final=final):
                try_at = None if final else delivery.next_try(claimed, self.clock())
                if try_at is None:
                    return self._fail(claimed, outlet.provider, reason, entry)
                return self._retry(claimed, reason, try_at)
            case Unknown(reason):
                return self._lose(claimed, claimed.claim_id, reason, outlet)

    def _unsubscribe_url(self, entry: Entry, outlet: Outlet) -> str:
        """Mail that a rule sent says how to get no more of it; an agent's own answer does not."""
        by_rule = entry.author.type is AuthorType.SYSTEM and entry.channel is Channel.EMAIL
        if not (by_rule and entry.purpose and outlet.public_url):
            return ""
        return unsubscribe.url(outlet.public_url, self.reply_keys, entry.address_key, entry.purpose)

    def _media_urls(self, entry: Entry) -> tuple[str, ...]:
        if entry.channel not in (Channel.SMS, Channel.WHATSAPP):
            return ()
        return tuple(self.media_link(it.object_key) for it in entry.attachments if it.object_key)

    def _files(self, entry: Entry) -> tuple[File, ...]:
        if entry.channel is not Channel.EMAIL:
            return ()
        return tuple(File(it, self.read_file(it)) for it in entry.attachments if it.object_key)

    def _claim(self, outbound: Outbound) -> Receipt:
        """Take the message for this sender alone, or raise UnavailableError."""
        left, now = self.time_left(), self.clock()
        if left < _NEEDED:
            raise UnavailableError("too little time is left to send and to keep the answer")
        claim_id = self.make_id("clm", now)
        claimed = rules.claim(outbound.receipt, claim_id, now + left + _GRACE, now)
        try:
            return receipts.save(self.table, outbound.receipt, claimed, woken_by=outbound.due)
        except OvertakenError as error:
            if error.receipt.claim_id == claim_id:
                return error.receipt  # it was our own write, whose answer got lost
            raise UnavailableError("another sender was faster") from error

    def _adopt(self, outbound: Outbound) -> Outcome:
        """The sender is gone, and with it what it knew."""
        receipt = outbound.receipt
        outlet = self.outlet(outbound.entry.channel)
        if outlet.idempotent:
            return self._retry(receipt, "claim-ran-out", self.clock())
        return self._lose(receipt, receipt.claim_id, "claim-ran-out", outlet)

    # ---- what became of it

    def _accept(self, claimed: Receipt, provider: str, provider_id: str) -> Outcome:
        receipt = self._advance(
            claimed,
            lambda r: rules.accept(r, claimed.claim_id, provider, provider_id, self.clock()),
        )
        return Outcome.DOUBLE if rules.is_double(receipt, provider_id) else Outcome.ACCEPTED

    def _keep_opt_out(self, claimed: Receipt, message: OutboundMessage, reason: str) -> None:
        """The carrier knows of a STOP that we have not heard; kept before the refusal is."""
        now = self.clock()
        said = heard_by_provider(
            message.channel,
            reason,
            statement_id=self.make_id("ent", now),
            at=now,
            sender=message.sender,
        )
        say(self.table, claimed.address_key, said, cause="deliver_message")

    def _retry(self, claimed: Receipt, reason: str, try_at: datetime) -> Outcome:
        self._advance(
            claimed,
            lambda r: rules.retry(r, claimed.claim_id, reason, self.clock()),
            wake_at=try_at,
        )
        return Outcome.REFUSED

    def _fail(
        self,
        claimed: Receipt,
        provider: str,
        reason: str,
        entry: Entry,
    ) -> Outcome:
        self._advance(
            claimed,
            lambda r: rules.fail(r, claimed.claim_id, provider, reason, self.clock()),
            entry=entry,
        )
        return Outcome.FAILED

    def _stop(self, outbound: Outbound, reason: str) -> Outcome:
        receipt = self._advance(
            outbound.receipt,
            lambda r: rules.stop(r, reason, self.clock()),
            woken_by=outbound.due,
            entry=outbound.entry,
        )
        if receipt.state is not ReceiptState.STOPPED:
            raise UnavailableError("another sender was faster")
        return Outcome.STOPPED

    def _lose(self, receipt: Receipt, claim_id: str, reason: str, outlet: Outlet) -> Outcome:
        now = self.clock()
        lost = self._advance(
            receipt,
            lambda r: rules.lose(r, claim_id, reason, now),
            wake_at=now + outlet.looks[0],
        )
        return Outcome.UNKNOWN if lost.state is ReceiptState.UNKNOWN else Outcome.SETTLED

    def _look(self, outbound: Outbound) -> Outcome:
        """Nothing was heard of a message that may have left: ask, wait on, in the end say so."""
        receipt, due, now = outbound.receipt, outbound.due, self.clock()
        outlet = self.outlet(outbound.entry.channel)
        finding = Finding.UNCLEAR
        if outlet.sent:
            search = Search(
                provider=outlet.provider, messages=outlet.sent, sender=outlet.only_sender
            )
            entry = self.bodies.restore(outbound.entry)
            finding = search.look_up(entry, receipt, table=self.table, now=now)
        if finding is Finding.FOUND:
            if due:
                receipts.clear(self.table, due)
            return Outcome.FOUND
        unread = finding is Finding.UNREAD
        look_at = delivery.next_look(receipt, outlet.looks, now, unread=unread)
        if look_at and due:
            wake_at = Due(key=receipt.key, at=look_at, revision=due.revision + 1)
            receipts.postpone(self.table, due, wake_at)
            return Outcome.NOT_DUE
        if finding is Finding.ABSENT and not rules.was_resent(receipt):
            self._advance(receipt, lambda r: rules.resend(r, now), woken_by=due, wake_at=now)
            return Outcome.RESENT
        self._advance(receipt, lambda r: rules.give_up(r, now), woken_by=due)
        return Outcome.UNCONFIRMED

    def _advance(
        self,
        receipt: Receipt,
        rule: Callable[[Receipt], Receipt],
        *,
        woken_by: Due | None = None,
        wake_at: datetime | None = None,
        entry: Entry | None = None,
    ) -> Receipt:
        """Move a receipt by a rule, as often as somebody else is faster; the rest goes with it.

        `entry` is the message's, where the rule may change what is owed for it.
        """
        for _ in range(_TRIES):
            after = rule(receipt)
            if after == receipt:
                return receipt
            booking = None
            if entry and after.booked_micro_usd != receipt.booked_micro_usd:
                after, booking = settled(
                    self.table, entry, receipt, after, card=rate_card(), now=self.clock()
                )
            try:
                return receipts.save(
                    self.table,
                    receipt,
                    after,
                    change=_change(receipt, after),
                    woken_by=woken_by,
                    wake_at=_due(receipt, wake_at) if wake_at else None,
                    booking=booking,
                )
            except OvertakenError as error:
                receipt = error.receipt
        raise UnavailableError("the receipt stayed busy")


def _change(before: Receipt, after: Receipt) -> Change | None:
    if not rules.is_announced(before, after):
        return None
    return Change(
        events=("ReceiptChanged",),
        cause="deliver_message",
        correlation=before.key.entry_id,
        by="deliver_message",
    )


def _due(receipt: Receipt, at: datetime) -> Due:
    return Due(
        key=receipt.key,
        at=at,
        revision=receipt.revision + 1,
        address_key=receipt.address_key,
    )

"""Whatever dies on the way and whatever is lost, each provider's promise holds (outbound.md §1).

Random deaths of the sender at every call it makes, random fates of its requests, a list that lags
and reports that come late or never; then the message is brought again until it is settled.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.errors import UnavailableError
from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey, ReceiptState
from shared.model.sending import Accepted, OutboundMessage, SendResult, Unknown
from shared.rules import receipts as rules
from shared.store import receipts
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import chat, mail, sms
from tests.outbound import Carrier, Killed, Office, key_of

Deaths = list[tuple[int, str] | None]
ArmDeath = Callable[[int, str, BaseException], None]

LIST_PROVES = timedelta(minutes=16)  # a list that lags longer proves nothing
_numbers = count(1)
deaths = st.lists(
    st.none() | st.tuples(st.integers(1, 7), st.sampled_from(["before", "after"])), max_size=4
)
fates = st.lists(
    st.sampled_from(
        ["answered", "answer-lost", "request-lost", "killed-before", "killed-after", "busy"]
    ),
    max_size=3,
)
minutes = st.integers(0, 40).map(lambda number: timedelta(minutes=number))
histories = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bring_until_settled(office: Office, key: ReceiptKey, at_call: ArmDeath, dying: Deaths) -> None:
    """The queue brings the message, each turn with its death, until nothing is left to do."""
    on_queue = True
    for turn in range(60):
        number, when = (dying[turn] if turn < len(dying) else None) or (0, "")
        at_call(number, when, Killed())
        try:
            office.deliver(key)
            on_queue = False
        except (UnavailableError, Killed):
            on_queue = True
        at_call(0, "", Killed())
        due = receipts.get_outbound(office.table, key).due
        if on_queue:
            office.wait(minutes=6)
        elif due:
            office.now = max(office.now, due.at)
        else:
            return
        if office.carrier:
            office.carrier.report(office.table)
    raise AssertionError("it was never settled")


def wrote(office: Office, message: Callable[..., Any], sender: Address) -> ReceiptKey:
    field = {"visitor": sender} if message is chat else {"sender": sender}
    recorded = office.hub.receive(message(received_at=office.now, **field), now=office.now)
    return key_of(office.answer(recorded.contact_id))


@histories
@given(dying=deaths, fates=fates, silence=st.tuples(minutes, st.none() | minutes))
def test_a_text_leaves_once_unless_list_and_reports_are_silent_for_16_minutes(  # noqa: PLR0917
    table: Table,
    bodies: Bodies,
    at_call: ArmDeath,
    dying: Deaths,
    fates: list[str],
    silence: tuple[timedelta, timedelta | None],
) -> None:
    lag, reports_after = silence
    office = Office(table, bodies)
    carrier = Carrier(lambda: office.now, list(fates), lag, reports_after)
    office.carrier = carrier
    number = Address(IdentityKind.PHONE, f"+1415555{next(_numbers):04}")
    key = wrote(office, sms, number)

    bring_until_settled(office, key, at_call, dying)

    receipt, left = office.receipt(key), len(carrier.taken)
    heard_in_time = reports_after is not None and reports_after < LIST_PROVES
    if lag < LIST_PROVES or heard_in_time:
        assert left <= 1
    assert left <= 2
    if receipt.state is ReceiptState.UNCONFIRMED:
        assert left == 0 or (lag >= LIST_PROVES and not heard_in_time)
    else:
        assert left >= 1
        assert receipt.rank >= rules.rank("twilio", "accepted")
        assert receipt.provider_id in {it.provider_id for it in carrier.taken}


class Post:
    """A provider like SES: it has no list, and no idea of repeats."""

    def __init__(self, fates: list[str]) -> None:
        self.fates, self.taken = fates, list[str]()

    def send(self, message: OutboundMessage) -> SendResult:
        fate = self.fates.pop(0) if self.fates else "answered"
        if fate == "killed-before":
            raise Killed
        if fate == "request-lost":
            return Unknown("no-answer")
        self.taken.append(message.key.entry_id)
        if fate == "killed-after":
            raise Killed
        return Unknown("no-answer") if fate == "answer-lost" else Accepted(f"out-{next(_numbers)}")


@histories
@given(dying=deaths, fates=fates)
def test_a_mail_never_leaves_twice_and_is_never_lost_silently(
    table: Table, bodies: Bodies, at_call: ArmDeath, dying: Deaths, fates: list[str]
) -> None:
    office = Office(table, bodies)
    post = Post(list(fates))
    office.provider = post  # type: ignore[assignment]
    key = wrote(office, mail, Address(IdentityKind.EMAIL, f"a{next(_numbers)}@example.com"))

    bring_until_settled(office, key, at_call, dying)

    receipt = office.receipt(key)
    assert len(post.taken) <= 1
    assert receipt.state in (ReceiptState.ACCEPTED, ReceiptState.UNCONFIRMED)
    if receipt.state is ReceiptState.ACCEPTED:
        assert len(post.taken) == 1


@histories
@given(dying=deaths, fates=fates)
def test_a_chat_message_is_seen_once_by_a_site_that_drops_repeats(
    table: Table, bodies: Bodies, at_call: ArmDeath, dying: Deaths, fates: list[str]
) -> None:
    office = Office(table, bodies)
    site = Post([fate for fate in fates if fate in ("killed-before", "killed-after")])
    office.provider = site  # type: ignore[assignment]
    key = wrote(office, chat, Address(IdentityKind.CHAT, f"v-{next(_numbers)}"))

    bring_until_settled(office, key, at_call, dying)

    assert set(site.taken) == {key.entry_id}
    assert office.receipt(key).state is ReceiptState.ACCEPTED

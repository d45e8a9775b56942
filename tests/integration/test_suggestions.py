"""What agents are asked about who is who, and that their answers hold."""

from dataclasses import replace

import pytest

from shared import merge as merging
from shared import suggestions
from shared.erase import begin
from shared.merge import Decision
from shared.model.errors import ConflictError, GoneError, NotFoundError
from shared.model.identity import Address, IdentityKind
from shared.model.suggestion import Suggestion, SuggestionState
from shared.receive import receive
from shared.rules.matching import Policy
from shared.store import merging as stored_merges
from shared.store import suggestions as stored
from shared.store.bodies import Bodies
from shared.store.table import Table
from shared.suggestions import Question
from tests.builders import ANA_EMAIL, ANA_PHONE, chat, later, mail, price, sms
from tests.hub import Hub
from tests.world import World

AGENT = Decision(by="agent-1", reason="she says so on the phone")
VISITOR = Address(IdentityKind.CHAT, "shop:v-12")
NOW = later(days=1)


@pytest.fixture
def hub(table: Table, bodies: Bodies) -> Hub:
    return Hub(table, bodies)


def type_in(hub: Hub, *claims: Address, visitor: Address = VISITOR, minutes: float = 0) -> None:
    """A visitor types addresses before a chat."""
    receive(
        chat(visitor=visitor, verified=False, claims=claims),
        table=hub.table,
        bodies=hub.bodies,
        now=later(minutes=minutes),
        price=price,
        policy=Policy(),
    )


def questions(hub: Hub) -> tuple[Question, ...]:
    return suggestions.list_open(hub.table, limit=10).questions


def ask(hub: Hub) -> Suggestion:
    """The one suggestion there is: a visitor typed the address of a known customer."""
    hub.receive(mail())
    type_in(hub, ANA_EMAIL)
    (question,) = questions(hub)
    return question.suggestion


def test_an_agent_sees_both_addresses_whose_they_are_and_why_they_are_asked(hub: Hub) -> None:
    by_mail = hub.receive(mail())
    type_in(hub, ANA_EMAIL, minutes=5)
    (question,) = questions(hub)
    known = {side.address: side for side in question.sides}
    assert known.keys() == {ANA_EMAIL, VISITOR}
    assert known[ANA_EMAIL].contact_id == by_mail.contact_id
    assert known[VISITOR].contact_id == hub.contact(VISITOR).root.id
    assert known[VISITOR].trust != known[ANA_EMAIL].trust
    assert question.suggestion.evidence == {"claimed_email"}
    assert question.suggestion.at == later(minutes=5)
    assert 0 < question.suggestion.score < 50


def test_the_newest_question_comes_first_page_by_page(hub: Hub) -> None:
    hub.receive(mail())
    visitors = [replace(VISITOR, value=f"shop:v-{number}") for number in range(5)]
    for number, visitor in enumerate(visitors):
        type_in(hub, ANA_EMAIL, visitor=visitor, minutes=number)
    shown: list[Address] = []
    position = None
    for size in (2, 2, 1):
        page = suggestions.list_open(hub.table, limit=2, position=position)
        assert len(page.questions) == size
        shown += [
            side.address for q in page.questions for side in q.sides if side.address in visitors
        ]
        position = page.position
    assert position is None
    assert shown == visitors[::-1]


def test_accepting_merges_into_the_older_contact_and_says_who_when_and_why(hub: Hub) -> None:
    asked = ask(hub)
    accepted = suggestions.accept(hub.table, asked.id, AGENT, now=NOW)
    older = hub.contact(ANA_EMAIL).root
    assert {side.contact_id for side in accepted.sides} == {older.id}
    assert hub.contact(VISITOR).root == older
    kept = stored.get(hub.table, asked.id)
    assert kept.state is SuggestionState.ACCEPTED
    assert (kept.by, kept.decided_at, kept.reason) == (AGENT.by, NOW, AGENT.reason)
    record = stored_merges.get(hub.table, kept.merge_id)
    assert (record.by, record.reason, record.pair) == (AGENT.by, AGENT.reason, asked.pair)
    assert questions(hub) == ()
    World.of(hub.table).check()


def test_an_accepted_suggestion_can_be_undone_and_says_so(hub: Hub) -> None:
    asked = ask(hub)
    merge_id = suggestions.accept(hub.table, asked.id, AGENT, now=NOW).suggestion.merge_id
    merging.undo(hub.table, merge_id, Decision(by="agent-2", reason="two people"), now=NOW)
    assert hub.contact(VISITOR).root.id != hub.contact(ANA_EMAIL).root.id
    undone = stored.get(hub.table, asked.id)
    assert (undone.state, undone.by, undone.reason) == ("undone", "agent-2", "two people")
    type_in(hub, ANA_EMAIL)
    assert questions(hub) == ()


def test_a_rejected_suggestion_changes_nobody_and_is_remembered(hub: Hub) -> None:
    asked = ask(hub)
    suggestions.reject(hub.table, asked.id, AGENT, now=NOW)
    assert hub.contact(VISITOR).root.id != hub.contact(ANA_EMAIL).root.id
    kept = stored.get(hub.table, asked.id)
    assert kept.state is SuggestionState.REJECTED
    assert (kept.by, kept.decided_at, kept.reason) == (AGENT.by, NOW, AGENT.reason)
    type_in(hub, ANA_EMAIL)
    assert questions(hub) == ()


def test_a_decision_is_made_once(hub: Hub) -> None:
    asked = ask(hub)
    suggestions.reject(hub.table, asked.id, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="rejected already"):
        suggestions.accept(hub.table, asked.id, AGENT, now=NOW)
    with pytest.raises(ConflictError, match="rejected already"):
        suggestions.reject(hub.table, asked.id, AGENT, now=NOW)
    with pytest.raises(NotFoundError):
        suggestions.accept(hub.table, "sug_none", AGENT, now=NOW)


def test_a_decision_on_what_has_changed_since_it_was_read_is_refused(hub: Hub) -> None:
    asked = ask(hub)
    stored.keep(hub.table, asked)
    with pytest.raises(ConflictError):
        stored.keep(hub.table, asked)


def test_what_settled_itself_is_not_asked_and_accepting_it_merges_nothing(hub: Hub) -> None:
    asked = ask(hub)
    by_mail, visitor = (hub.contact(address).root.id for address in (ANA_EMAIL, VISITOR))
    merging.merge(hub.table, by_mail, visitor, AGENT, now=NOW)
    assert questions(hub) == ()
    accepted = suggestions.accept(hub.table, asked.id, AGENT, now=NOW)
    assert (accepted.suggestion.state, accepted.suggestion.merge_id) == ("accepted", "")


def test_an_address_that_several_people_use_is_no_ones_to_merge(hub: Hub) -> None:
    son = replace(VISITOR, value="shop:v-99")
    for visitor in (VISITOR, son):
        receive(
            chat(visitor=visitor, vouched=(ANA_PHONE,)),
            table=hub.table,
            bodies=hub.bodies,
            now=NOW,
            price=price,
            policy=Policy(),
        )
    (question,) = questions(hub)
    with pytest.raises(ConflictError, match="several people"):
        suggestions.accept(hub.table, question.suggestion.id, AGENT, now=NOW)
    assert questions(hub) == (question,)


def test_nobody_is_joined_to_whom_an_erasure_is_taking(hub: Hub) -> None:
    asked = ask(hub)
    begin(hub.table, hub.contact(ANA_EMAIL).root.id, frozenset(), by="agent-1", now=NOW)
    with pytest.raises(GoneError):
        suggestions.accept(hub.table, asked.id, AGENT, now=NOW)
    type_in(hub, ANA_EMAIL, visitor=replace(VISITOR, value="shop:v-99"))
    assert len(questions(hub)) == 1


def test_a_suggestion_holds_no_address(hub: Hub) -> None:
    asked = ask(hub)
    hub.receive(sms())
    assert ANA_EMAIL.value not in repr(asked)
    assert "v-12" not in repr(asked)

"""The ledger's promise: entries and deltas are the totals, whatever repeats and overtakes."""

import json
import random

import pytest

from functions.meter_costs.documents import emit_line
from shared.model.sending import Refused
from shared.store.bodies import Bodies
from shared.store.table import Table
from tests.builders import ANA_PHONE, sms
from tests.ledger_history import History, Metered, check, check_meter
from tests.outbound import Office, key_of


def test_what_never_left_for_somebody_who_was_erased_is_not_owed(
    table: Table, bodies: Bodies
) -> None:
    office = Office(Metered(table), bodies)
    contact = office.hub.receive(sms()).contact_id
    office.deliver(key_of(office.answer(contact)))
    spent = office.hub.contact(ANA_PHONE).identities[0].cost_micro_usd
    office.answer(contact)
    office.provider.answers = [Refused("20429", final=False)]
    office.deliver(key_of(office.answer(contact)))
    history = History(office, random.Random(1), contacts=[contact])
    history.erase()
    history.office.wait(days=1)
    history.sweep()
    lines = check(office)
    added = check_meter(office, lines, history.dice)
    assert sum(line.cost.total_micro_usd for line in lines) == spent
    assert sum(line.cost.total_micro_usd for line in added) == spent


def test_entries_and_deltas_are_the_contacts_totals_to_the_micro_dollar(
    table: Table,
    bodies: Bodies,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Throughline")
    dice, office = random.Random(4), Office(Metered(table), bodies)
    history = History(office, dice, decides=0.2)
    history.run(40)
    lines = check(office)
    added = check_meter(office, lines, dice)
    assert {"merge", "undo", "split", "join", "erase"} <= history.steps.keys()
    assert len({line.kind for line in lines}) >= 3
    repeated = dice.choices(added, k=len(added)) + added
    dice.shuffle(repeated)
    capsys.readouterr()
    for line in repeated:
        emit_line(line)
    documents = map(json.loads, capsys.readouterr().out.splitlines())
    amounts = {document["fact_id"]: document["micro_usd"] for document in documents}
    assert amounts == {line.id: line.cost.total_micro_usd for line in added}
    assert sum(amounts.values()) == sum(line.cost.total_micro_usd for line in lines)

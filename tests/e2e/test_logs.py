"""The logs of the whole run, looked through for its people (conftest.py runs this last)."""

from infrastructure.local.entrances import Entrances
from infrastructure.local.story import customer
from tests.e2e.machine import Machine
from tests.e2e.overheard import kept, of_customers
from tests.personal import leaks, pieces


def test_no_log_tells_what_anybody_wrote_or_where_they_are_reached(
    machine: Machine, entrances: Entrances, said: set[str]
) -> None:
    told = of_customers({*said, *kept(entrances)}, entrances.hub)
    ada = customer(0)
    assert {ada.email, ada.phone, ada.name} <= told
    assert len([text for text in told if pieces(text)]) > 10
    log = "\n".join((*machine.earlier, machine.logs()))
    for function in ("inbound_chat", "inbound_email", "inbound_sms", "deliver_message"):
        assert f'"service":"{function}"' in log
    assert leaks(log, told) == {}

"""What each function is brought, by whom, and how often they try when it goes wrong."""

from tests.faults.scenarios import api, background, inbound, outbound

SCENARIOS = (
    *inbound.SCENARIOS,
    *api.SCENARIOS,
    *outbound.SCENARIOS,
    *background.SCENARIOS,
)

"""A pytest plugin that ends a run by saying how many tests of which kind ran (`make test`)."""

from collections import Counter

import pytest

KINDS = ("unit", "integration", "e2e")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: Counter[str] = Counter()
    for outcome in ("passed", "failed", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            ran[report.nodeid.removeprefix("tests/").split("/")[0]] += 1
    kinds = [*KINDS, *sorted(ran.keys() - set(KINDS))]
    terminalreporter.write_line("tests run: " + ", ".join(f"{ran[kind]} {kind}" for kind in kinds))

"""The simulation of many contacts, at a size that a test can afford."""

from itertools import islice

from tests.scale import __main__ as scale
from tests.scale.heat import heat_of
from tests.scale.population import CELEBRITY, happenings


def test_the_same_seed_tells_the_same_story() -> None:
    assert list(happenings(50, 20)) == list(happenings(50, 20))
    assert list(happenings(50, 20)) != list(happenings(50, 20, seed=2))


def test_a_few_contacts_write_much_and_bursts_are_bursts() -> None:
    told = list(happenings(1_000, 30))
    by_second = [sum(each.second == second for each in told) for second in (0, 14)]
    assert abs(by_second[1] - 3 * by_second[0]) <= 3
    assert sum(each.contact == CELEBRITY for each in told) > len(told) / 500
    assert sum(each.contact < 100_000 for each in told) > len(told) / 3


def test_only_the_celebritys_keys_get_warm() -> None:
    heat = heat_of(happenings(200, 15))
    assert heat.hottest["CONTACT"].endswith("0")
    assert heat.writes["DELIVERY"] == 2
    assert heat.total_writes > 8 * heat.messages


def test_a_key_over_the_limit_needs_an_answer() -> None:
    heat = heat_of(islice(happenings(200, 15), 500))
    assert scale.unanswered([heat]) == []
    heat.writes["CONTACT"] = scale.MOST_WRITES + 1
    heat.writes["INBOX"] = scale.MOST_WRITES + 1
    assert scale.unanswered([heat]) == ["CONTACT"]

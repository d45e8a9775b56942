"""The tools of `make bench`, not what they measure."""

import json
from pathlib import Path

from tests.benchmarks import artifacts, measuring
from tests.benchmarks.figures import Figure, middle, table, undisturbed, write_json
from tests.template import FUNCTIONS, package

HELD = Figure(name="a", value=1.25, unit="x", target=1.3)
MISSED = Figure(name="b", value=1.4, unit="x", target=1.3, note="once")
SHOWN = Figure(name="c", value=12_345, unit="KB")


def test_a_figure_holds_up_to_its_target() -> None:
    assert [figure.holds for figure in (HELD, MISSED, SHOWN)] == [True, False, True]


def test_the_list_names_value_unit_target_and_verdict(tmp_path: Path) -> None:
    write_json(tmp_path / "build" / "bench.json", [HELD, SHOWN])
    assert json.loads((tmp_path / "build" / "bench.json").read_text()) == [
        {"name": "a", "value": 1.25, "unit": "x", "target": 1.3, "holds": True},
        {"name": "c", "value": 12345.0, "unit": "KB", "target": None, "holds": True},
    ]


def test_the_table_shows_what_was_missed() -> None:
    assert table([HELD, MISSED, SHOWN]).splitlines()[2:] == [
        "| a | 1.25 x | 1.3 x | holds |",
        "| b (once) | 1.4 x | 1.3 x | MISSED |",
        "| c | 12,345 KB |  |  |",
    ]


def test_a_burst_moves_neither_the_median_nor_the_quietest_tenth() -> None:
    calm = [1.0, 1.1, 1.2] * 5
    assert middle([*calm, 90.0]) == 1.1
    assert undisturbed([*calm, 90.0]) == 1.0


def test_two_works_take_turns_and_their_ratio_is_of_the_same_round() -> None:
    done: list[str] = []
    kinds = [lambda: done.append("ours")] * 4, [lambda: done.append("other")] * 4
    pair = measuring.side_by_side(*kinds, warm=2)
    assert done == ["other", "ours", "ours", "other"] * 2
    assert (len(pair.ours), len(pair.other)) == (2, 2)
    assert measuring.Pair(ours=[2, 30], other=[1, 10]).ratio == 2.5


def test_every_function_is_measured() -> None:
    assert set(artifacts.PACKAGES.values()) == {package(name) for name in FUNCTIONS}

"""How many segments a text takes (channels.md §1.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.segments import segments

FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # an escape pair is never torn apart
        ("é" * 160, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("It’s" + "a" * 96, 2),
        ("📦" * 35, 1),
        ("📦" * 36, 2),
        ("a" * 70 + "\N{NO-BREAK SPACE}", 2),
        ("a" * 70 + "\t", 2),
        (FAMILY * 10, 2),
        ("\n\r@£$¥_[]{}^~|\\" * 4, 1),
    ],
)
def test_known_texts(text: str, count: int) -> None:
    assert segments(text) == count


@given(st.text(max_size=400), st.text(max_size=20))
def test_a_longer_text_never_takes_fewer(text: str, more: str) -> None:
    assert segments(text) <= segments(text + more)


@given(st.text(max_size=400))
def test_segments_are_at_least_what_the_units_fill(text: str) -> None:
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert -(-len(text) // 160) <= segments(text) <= max(1, -(-units // 66))

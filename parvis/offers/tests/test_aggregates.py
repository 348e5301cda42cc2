"""Figures from three institutions on, and none that a subtraction gives back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parvis.offers.aggregates import SMALLEST, published

CELLS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20), min_size=1)


@given(CELLS)
def test_what_is_not_said_cannot_be_subtracted(counts: dict[str, int]) -> None:
    shown = published(counts)
    hidden = [cell for cell, count in shown.items() if count is None]
    assert all(count is None or count >= SMALLEST for count in shown.values())
    assert all(count is None or count == counts[cell] for cell, count in shown.items())
    if hidden and len(hidden) < len(counts):
        assert len(hidden) >= 2
        assert sum(counts[cell] for cell in hidden) >= SMALLEST


def test_the_smallest_others_go_with_a_small_cell() -> None:
    assert published({"a": 1, "b": 4, "c": 9}) == {"a": None, "b": None, "c": 9}
    assert published({"a": 3, "b": 4, "c": 9}) == {"a": 3, "b": 4, "c": 9}
    assert published({"a": 0, "b": 9}) == {"a": None, "b": None}
    assert published({"a": 2}) == {"a": None}

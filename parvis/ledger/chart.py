"""Bars, as SVG made here: no script, no colour of its own, and always beside a table that says the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 720, 160, 2


@dataclass(frozen=True, slots=True)
class Bar:
    """In the units of the drawing. `title`: what the bar says to whoever points at it."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def bars(values: Sequence[tuple[str, int]]) -> Chart:
    """Upright, one beside the other; the least that is not nothing is seen."""
    most = max((value for _title, value in values), default=0)
    if not values or most <= 0:
        return Chart((), 0)
    step = WIDTH / len(values)
    drawn = []
    for place, (title, value) in enumerate(values):
        height = max(1.5, round(value / most * HEIGHT, 2)) if value > 0 else 0.0
        drawn.append(Bar(round(place * step, 2), round(HEIGHT - height, 2), round(step - GAP, 2), height, title))
    return Chart(tuple(drawn), most)

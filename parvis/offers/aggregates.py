"""How many institutions did what, without letting anybody work out who did."""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST = 3  # institutions behind a figure that the alliance reads


def published(counts: Mapping[str, int], *, smallest: int = SMALLEST) -> dict[str, int | None]:
    """The same cells, None for those not said.

    Cells under `smallest` are not said, zeros included: that nobody did is also something about each. As the total is known,
    what is not said must hold at least `smallest` institutions in at least two cells, or a subtraction would tell it: the
    smallest of the others go with them (complementary suppression).
    """
    hidden = {cell for cell, count in counts.items() if count < smallest}
    rest = sorted((cell for cell in counts if cell not in hidden), key=lambda cell: (counts[cell], cell))
    while hidden and rest and (sum(counts[cell] for cell in hidden) < smallest or len(hidden) < 2):
        hidden.add(rest.pop(0))
    if hidden and sum(counts[cell] for cell in hidden) < smallest:
        hidden = set(counts)
    return {cell: None if cell in hidden else count for cell, count in counts.items()}

"""What is done when a budget refuses, in the order that its administrator chose: said to the person, never silently."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from parvis.ledger.budgets.messages import Code, Refused


class Step(StrEnum):
    SMALLER = "smaller"  # a model that costs less
    QUEUE = "queue"  # wait until what others hold comes back, or until the budget begins again
    EXTRACTIVE = "extractive"  # quotations only: no model, no cost
    STOP = "stop"


QUEUE_SECONDS = 0.5  # between two looks at whether there is room
USUAL = (Step.SMALLER, Step.QUEUE, Step.EXTRACTIVE, Step.STOP)
LONGEST_QUEUE = 30.0  # seconds that a person may wait before an answer


def next_step(refused: Refused, *, possible: Collection[Step], tried: Collection[Step], now: float) -> Step:
    """The first of the budget's own that is possible here and was not tried. STOP at the end, whatever was chosen."""
    steps: Sequence[Step] = [Step(step) for step in refused.way_down if step in set(Step)]
    if refused.code in (Code.STORE_DOWN, Code.NO_BUDGET):
        steps = [Step.EXTRACTIVE]  # nothing that costs may be tried
    for step in steps:
        if step is Step.QUEUE and not _is_soon(refused, now):
            continue
        if step in possible and step not in tried:
            return step
    return Step.STOP


@dataclass(slots=True)
class WayDown:
    """Of one request: what was tried of it already."""

    tried: set[Step] = field(default_factory=set)
    since: float = 0.0

    def next(self, refused: Refused, *, has_smaller: bool) -> Step:
        """SMALLER as long as there is one that costs less; QUEUE until it is over, then what comes after it."""
        now = time.monotonic()
        if Step.QUEUE in self.tried and now - self.since < LONGEST_QUEUE:
            return Step.QUEUE
        possible = {Step.QUEUE, Step.EXTRACTIVE} | ({Step.SMALLER} if has_smaller else set())
        step = next_step(refused, possible=possible, tried=self.tried, now=time.time())
        if step is Step.QUEUE:
            self.tried.add(step)
            self.since = now
        return step


def _is_soon(refused: Refused, now: float) -> bool:
    """Whether waiting may help: calls that run end, and a day ends at midnight."""
    if refused.code is Code.HELD:
        return True
    return refused.code is Code.OVER_LIMIT and refused.resets_at is not None and refused.resets_at - now <= LONGEST_QUEUE

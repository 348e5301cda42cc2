"""The way down."""

from __future__ import annotations

from parvis.ledger.budgets.descent import USUAL, Step, next_step
from parvis.ledger.budgets.messages import Code, Refused


def test_the_way_down_is_taken_in_the_order_of_the_budget() -> None:
    refused = Refused(Code.OVER_LIMIT, 1, resets_at=10_000.0, way_down=tuple(USUAL))
    everything = set(Step)
    assert next_step(refused, possible=everything, tried=set(), now=0.0) is Step.SMALLER
    assert next_step(refused, possible=everything, tried={Step.SMALLER}, now=0.0) is Step.EXTRACTIVE  # nobody waits for hours
    assert next_step(refused, possible=everything, tried={Step.SMALLER}, now=9_990.0) is Step.QUEUE
    assert next_step(refused, possible={Step.QUEUE}, tried=set(), now=0.0) is Step.STOP
    assert next_step(Refused(Code.OVER_LIMIT), possible=everything, tried=set(), now=0.0) is Step.STOP


def test_nothing_that_costs_is_tried_while_budgets_cannot_be_read() -> None:
    refused = Refused(Code.STORE_DOWN, way_down=tuple(USUAL))
    assert next_step(refused, possible=set(Step), tried=set(), now=0.0) is Step.EXTRACTIVE

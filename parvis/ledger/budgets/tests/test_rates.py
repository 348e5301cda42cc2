"""Token buckets, and the way down."""

from __future__ import annotations

import math
from random import Random

from parvis.ledger.budgets.descent import USUAL, Step, next_step
from parvis.ledger.budgets.messages import Code, Refused
from parvis.ledger.budgets.rates import Bucket, Rate

RATE = Rate(per_second=1.0, burst=3)


def test_a_burst_then_the_rate() -> None:
    bucket = Bucket.full(RATE, 0.0)
    assert [bucket.take(RATE, 0.0) for _call in range(4)] == [0, 0, 0, 1]
    assert bucket.take(RATE, 0.5) == 0.5
    assert bucket.take(RATE, 1.0) == 0
    assert math.isinf(bucket.take(RATE, 100.0, count=4))
    assert bucket.is_full(RATE, 100.0)


def test_never_more_than_a_burst_and_the_rate() -> None:
    random, bucket, now, taken = Random(1), Bucket.full(RATE, 0.0), 0.0, 0
    for _call in range(1_000):
        now += random.expovariate(2.0)
        taken += bucket.take(RATE, now) == 0
        assert taken <= RATE.burst + RATE.per_second * now + 1e-6


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

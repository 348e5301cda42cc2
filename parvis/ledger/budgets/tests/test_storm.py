"""Workers that are killed, calls that are cancelled, limits at every level: at one per cent of what `bench.budgets` tries."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from bench import budgets
from parvis.ledger.budgets.models import Lease
from parvis.ledger.budgets.settler import settling


@pytest.mark.django_db(transaction=True)
def test_no_limit_is_exceeded_at_any_level(tmp_path: Path) -> None:
    folder = tmp_path / "budgets"
    world = budgets.build(Random(1), people=6, calls=160)
    with settling(folder):
        found = budgets.storm(folder, world, processes=2, clients=16, attempts=10, kills=1, seed=1)
        until = time.monotonic() + 10
        while Lease.unscoped.exists() and time.monotonic() < until:
            time.sleep(0.05)
    assert set(budgets.overspent(world, found).values()) == {0}
    assert found.calls > 30
    assert found.refused["over_limit"] > 0
    assert budgets.undercounted(world, found) == 0

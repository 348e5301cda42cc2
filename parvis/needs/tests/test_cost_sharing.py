from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.needs.cost_sharing import by_volume, shapley, whole_units
from parvis.needs.tests.oracles import textbook_shapley

UNIT = 1_000_000_000  # nano-euro in a euro


def tiered(volumes: dict[int, int]) -> int:
    """A volume at its tier's price: the more, the cheaper each."""
    volume = sum(volumes.values())
    percent = next(percent for least, percent in ((10_000, 70), (3_000, 80), (1_000, 90), (0, 100)) if volume >= least)
    return volume * 12 * UNIT * percent // 100


@given(st.dictionaries(st.integers(1, 100), st.integers(0, 9_000), min_size=1, max_size=12))
def test_shares_add_up_and_nobody_pays_more_than_alone(volumes: dict[int, int]) -> None:
    total = tiered(volumes)
    alone = {who: tiered({who: volume}) for who, volume in volumes.items()}
    if sum(alone.values()) < total:  # just above a tier, together may round worse
        total = sum(alone.values())
    shares = by_volume(total, volumes, alone)
    assert sum(shares.values()) == total
    assert all(0 <= share <= alone[who] for who, share in shares.items())
    assert all(
        shares[who] <= shares[other] + 1 or shares[other] == alone[other]
        for who in shares
        for other in shares
        if volumes[who] <= volumes[other]
    )


def test_one_capped_at_its_cost_alone_leaves_the_rest_to_the_others() -> None:
    assert by_volume(100, {1: 50, 2: 50}, {1: 20, 2: 90}) == {1: 20, 2: 80}
    assert by_volume(100, {1: 0, 2: 0, 3: 0}, {1: 100, 2: 100, 3: 100}) == {1: 34, 2: 33, 3: 33}
    with pytest.raises(ValueError, match="costs more"):
        by_volume(100, {1: 1, 2: 1}, {1: 49, 2: 50})


@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=5))
def test_shapley_equals_the_mean_over_every_order(volumes: list[int]) -> None:
    def cost(coalition: frozenset[int]) -> int:
        return tiered({who: volumes[who] for who in coalition})

    members = list(range(len(volumes)))
    exact = shapley(frozenset(members), cost)
    assert exact == textbook_shapley(members, cost)
    assert sum(exact.values()) == cost(frozenset(members))


def test_many_institutions_are_sampled_and_still_add_up() -> None:
    def cost(coalition: frozenset[int]) -> int:
        return tiered({who: 100 + 10 * who for who in coalition})

    members = frozenset(range(14))
    shares = shapley(members, cost, orders=50, seed=1)
    assert shares == shapley(members, cost, orders=50, seed=1)
    assert sum(shares.values()) == cost(members)


def test_rounding_keeps_the_sum() -> None:
    assert whole_units(10, {1: Fraction(10, 3), 2: Fraction(10, 3), 3: Fraction(10, 3)}) == {1: 4, 2: 3, 3: 3}
    with pytest.raises(ValueError, match="add up"):
        whole_units(10, {1: Fraction(9)})

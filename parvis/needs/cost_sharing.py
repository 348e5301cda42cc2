"""Sharing one cost between institutions that buy together. Amounts are integers (nano-euro) and every sharing adds up exactly.

Kept by default: in proportion to volume, nobody above what it would pay alone. The Shapley value, each institution's mean
added cost over every order of arrival, is the audit column beside it: on volume tiers both agree within a point.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import factorial
from typing import TypeVar

MOST_EXACT = 10  # institutions: 1,024 coalitions; beyond, orders of arrival are drawn

Cost = Callable[[frozenset[int]], int]
_Key = TypeVar("_Key", int, str)


def by_volume(total: int, volumes: Mapping[int, int], alone: Mapping[int, int]) -> dict[int, int]:
    """`total` in proportion to volume, nobody above `alone`: what is above is shared by the others in the same way. Equal to
    `alone` for each when buying together costs what buying apart does; ValueError when it costs more."""
    if sum(alone[who] for who in volumes) < total:
        raise ValueError("buying together costs more than buying apart")
    shares: dict[int, Fraction] = {}
    sharing = set(volumes)
    while sharing:
        missing = total - sum(shares.values())
        volume = sum(volumes[who] for who in sharing)
        wanted = {who: _part(missing, volumes[who], volume, len(sharing)) for who in sharing}
        above = {who for who in sharing if wanted[who] > alone[who]}
        shares |= {who: Fraction(alone[who]) for who in above} if above else wanted
        sharing = sharing - above if above else set()
    return whole_units(total, shares)


def shapley(institutions: frozenset[int], cost: Cost, *, orders: int = 2_000, seed: int = 0) -> dict[int, Fraction]:
    """Exact up to MOST_EXACT institutions; beyond, the mean over `orders` drawn orders of arrival, which adds up exactly too.
    `cost` is of a coalition, 0 for nobody."""
    if len(institutions) > MOST_EXACT:
        return _drawn(sorted(institutions), cost, orders, random.Random(seed))  # noqa: S311 - a sample, not a secret
    return {who: _mean_added(who, sorted(institutions - {who}), cost) for who in institutions}


def whole_units(total: int, shares: Mapping[_Key, Fraction]) -> dict[_Key, int]:
    """Whole amounts that add up to `total`, each its share rounded down or up: the largest remainders are rounded up, equal
    ones by key. The shares add up to `total`."""
    whole = {who: share.numerator // share.denominator for who, share in shares.items()}
    missing = total - sum(whole.values())
    if sum(shares.values()) != total:
        raise ValueError("the shares do not add up")
    largest = sorted(shares, key=lambda who: (whole[who] - shares[who], who))
    return whole | {who: whole[who] + 1 for who in largest[:missing]}


def _part(missing: Fraction | int, volume: int, volumes: int, count: int) -> Fraction:
    return Fraction(missing) * volume / volumes if volumes else Fraction(missing) / count


def _mean_added(who: int, others: list[int], cost: Cost) -> Fraction:
    size = len(others) + 1
    total = Fraction(0)
    for mask in range(1 << len(others)):
        before = frozenset(other for place, other in enumerate(others) if mask >> place & 1)
        weight = Fraction(factorial(len(before)) * factorial(size - len(before) - 1), factorial(size))
        total += weight * (cost(before | {who}) - cost(before))
    return total


def _drawn(institutions: list[int], cost: Cost, orders: int, chance: random.Random) -> dict[int, Fraction]:
    added = dict.fromkeys(institutions, 0)
    for _ in range(orders):
        present: frozenset[int] = frozenset()
        for who in chance.sample(institutions, len(institutions)):
            added[who] += cost(present | {who}) - cost(present)
            present |= {who}
    return {who: Fraction(amount, orders) for who, amount in added.items()}

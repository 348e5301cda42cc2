"""Figures about people, told of no fewer than k of them. Pure.

What is hidden could be found again by taking what is shown away from the total: so rows of few people are told together, with
others until they are enough, and a group is not shown if what it leaves of another, or of everybody, is few people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """`people`: who is behind it; nobody, for what programs did in their own name."""

    label: T
    people: frozenset[int] = field(repr=False)
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """`together` adds up the rows that are not shown by themselves; None where there is none, or where even together they
    are of fewer than k people: then `is_withheld`."""

    shown: tuple[Row[T], ...]
    together: Row[int] | None = None  # its label is how many
    is_withheld: bool = False


def told(rows: Iterable[Row[T]], k: int = K) -> Told[T]:
    """Of rows that share no call."""
    shown: list[Row[T]] = []
    few: list[Row[T]] = []
    for row in rows:
        (few if 0 < len(row.people) < k else shown).append(row)
    if not few:
        return Told(tuple(shown))
    people = frozenset().union(*(row.people for row in few))
    for row in sorted((row for row in shown if row.people), key=lambda row: (len(row.people), row.values)):
        if len(people) >= k and len(few) > 1:
            break
        shown.remove(row)
        few.append(row)
        people |= row.people
    if len(people) < k:
        return Told(tuple(shown), None, True)
    sums = tuple(sum(column) for column in zip(*(row.values for row in few), strict=True))
    return Told(tuple(shown), Row(len(few), people, sums))


def told_groups(rows: Sequence[Row[T]], everybody: frozenset[int], k: int = K) -> Told[T]:
    """Of groups, in which one may be several times. The largest are shown first."""
    shown: list[Row[T]] = []
    for row in sorted(rows, key=lambda row: -len(row.people)):
        others = [everybody, *(one.people for one in shown)]
        covered = frozenset().union(*(one.people for one in shown), row.people)
        if len(row.people) < k or any(row.people < other and len(other - row.people) < k for other in others):
            continue
        if 0 < len(everybody - covered) < k:
            continue
        shown.append(row)
    kept = {id(row) for row in shown}
    return Told(tuple(row for row in rows if id(row) in kept), None, len(shown) < len(rows))

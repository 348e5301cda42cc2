"""A shared envelope by the Method of Equal Shares (Peters, Pierczyński, Skowron, NeurIPS 2021), with who paid for what.

The envelope is first divided between institutions, equally or by a weight such as their students. A need is bought by those
who approve it and by nobody else: each pays the same price per unit of weight, or all it has left if that is less. The next
need bought is always the one whose price is lowest; of equal prices, the one approved by more weight, then the cheaper, then
the one of smaller number. It stops when no need can be paid by those who approve it. A need served counts as one, whatever
it costs. So a group that is a tenth of the whole decides on a tenth of the money, and nobody can outvote it.

What is left is the price of that fairness, often a quarter of the envelope, so a completion rule is published with it:

none: what is left stays with those who have it.
most approved: needs not bought yet are taken by approving weight, largest first, then the cheaper, then the smaller number;
each that all the money left can pay is bought. Those who approve it pay all they have left, the others what is missing, in
proportion to what they have left. Raising endowments until the envelope is spent ("add1u") was not kept: it lets an
institution pay more than its share, and the table would tell of money nobody has.

Every amount is an exact fraction of the unit of the costs: payments add up to each cost, and with what is left to the
envelope. `cost_sharing.whole_units` rounds a row without losing its sum.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Completion(StrEnum):
    NONE = "none"
    MOST_APPROVED = "most approved"


@dataclass(frozen=True, slots=True)
class Ballot:
    institution: int
    approves: frozenset[int]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Priced:
    need: int
    cost: int


@dataclass(frozen=True, slots=True)
class Bought:
    """`paid` names those who paid something. `price` is per unit of weight, None for a need bought by completion."""

    need: int
    cost: int
    paid: Mapping[int, Fraction]
    price: Fraction | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`bought` in the order of buying."""

    bought: tuple[Bought, ...]
    endowments: Mapping[int, Fraction]
    left: Mapping[int, Fraction]
    completion: Completion


def equal_shares(
    envelope: int, needs: Sequence[Priced], ballots: Sequence[Ballot], *, completion: Completion = Completion.NONE
) -> Outcome:
    """One ballot for each institution, weights above 0; costs and envelope in one unit, costs above 0."""
    _check(envelope, needs, ballots)
    weights = {ballot.institution: ballot.weight for ballot in ballots}
    endowments = {who: Fraction(envelope * weight, sum(weights.values())) for who, weight in weights.items()}
    approving = {one.need: [ballot.institution for ballot in ballots if one.need in ballot.approves] for one in needs}
    left, waiting, bought = dict(endowments), {one.need: one for one in needs}, []
    while (cheapest := _cheapest(waiting.values(), approving, weights, left)) is not None:
        price, one = cheapest
        paid = {who: min(left[who], price * weights[who]) for who in approving[one.need]}
        bought.append(_bought(one, paid, price, left))
        del waiting[one.need]
    if completion is Completion.MOST_APPROVED:
        for one in sorted(waiting.values(), key=lambda one: _preferred(one, approving, weights)):
            if approving[one.need] and one.cost <= sum(left.values()):
                bought.append(_bought(one, _completed(one.cost, approving[one.need], left), None, left))
    return Outcome(tuple(bought), endowments, left, completion)


def price_for(cost: int, having: Mapping[int, Fraction], weights: Mapping[int, int]) -> Fraction | None:
    """The least price per unit of weight at which these payers, each with no more than it has, pay `cost`; None if they
    cannot."""
    missing, weight = Fraction(cost), sum(weights[who] for who in having)
    for who in sorted(having, key=lambda who: having[who] / weights[who]):
        price = missing / weight
        if price * weights[who] <= having[who]:
            return price
        missing, weight = missing - having[who], weight - weights[who]
    return None


def _check(envelope: int, needs: Sequence[Priced], ballots: Sequence[Ballot]) -> None:
    numbers = [one.need for one in needs], [ballot.institution for ballot in ballots]
    if any(len(set(some)) < len(some) for some in numbers):
        raise ValueError("a need or an institution is there twice")
    if envelope < 0 or any(one.cost <= 0 for one in needs) or any(ballot.weight <= 0 for ballot in ballots):
        raise ValueError("costs and weights are above 0, and the envelope is not below")


def _cheapest(
    waiting: Collection[Priced],
    approving: Mapping[int, Sequence[int]],
    weights: Mapping[int, int],
    left: Mapping[int, Fraction],
) -> tuple[Fraction, Priced] | None:
    affordable = []
    for one in waiting:
        price = price_for(one.cost, {who: left[who] for who in approving[one.need]}, weights)
        if price is not None:
            affordable.append((price, one))
    return min(affordable, key=lambda found: (found[0], _preferred(found[1], approving, weights)), default=None)


def _preferred(one: Priced, approving: Mapping[int, Sequence[int]], weights: Mapping[int, int]) -> tuple[int, int, int]:
    return -sum(weights[who] for who in approving[one.need]), one.cost, one.need


def _completed(cost: int, approving: Sequence[int], left: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """Those who approve could not pay it alone, or it would be bought already."""
    paid = {who: left[who] for who in approving}
    missing = cost - sum(paid.values())
    others = {who: amount for who, amount in left.items() if who not in paid}
    return paid | {who: missing * amount / sum(others.values()) for who, amount in others.items()}


def _bought(one: Priced, paid: Mapping[int, Fraction], price: Fraction | None, left: dict[int, Fraction]) -> Bought:
    for who, amount in paid.items():
        left[who] -= amount
    return Bought(one.need, one.cost, {who: amount for who, amount in paid.items() if amount}, price)

"""The same results by the shortest road from the definitions, however slow: what tests and benches compare with."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, permutations

from parvis.needs.cost_sharing import Cost
from parvis.needs.equal_shares import Ballot, Priced

# Per need bought, in order: who paid what.
Table = list[tuple[int, dict[int, Fraction]]]


def textbook_equal_shares(envelope: int, needs: list[Priced], ballots: list[Ballot]) -> tuple[Table, dict[int, Fraction]]:
    """Each round: of every need, every set of payers that might give all they have, and the price left to the others; the
    least of the prices that pay exactly the cost."""
    weight = {one.institution: one.weight for one in ballots}
    money = {who: Fraction(envelope) * weight[who] / sum(weight.values()) for who in weight}
    table: Table = []
    while True:
        rounds = []
        for one in needs:
            if one.need in dict(table):
                continue
            payers = [ballot.institution for ballot in ballots if one.need in ballot.approves]
            for size in range(len(payers)):
                for emptied in combinations(payers, size):
                    rest = [who for who in payers if who not in emptied]
                    price = (one.cost - sum(money[who] for who in emptied)) / Fraction(sum(weight[who] for who in rest))
                    paid = {who: min(money[who], price * weight[who]) for who in payers}
                    if price >= 0 and sum(paid.values()) == one.cost:
                        rounds.append((price, -sum(weight[who] for who in payers), one.cost, one.need, paid))
        if not rounds:
            return table, money
        _, _, _, need, paid = min(rounds, key=lambda found: found[:4])
        table.append((need, {who: amount for who, amount in paid.items() if amount}))
        money = {who: money[who] - paid.get(who, 0) for who in money}


def random_election(chance: random.Random, *, weighted: bool) -> tuple[int, list[Priced], list[Ballot]]:
    """Small, with prices that often tie."""
    needs = [Priced(number, chance.randint(1, 12)) for number in range(chance.randint(1, 7))]
    ballots = [
        Ballot(
            100 + number,
            frozenset(one.need for one in needs if chance.random() < 0.5),
            chance.choice([1, 2, 3, 10]) if weighted else 1,
        )
        for number in range(chance.randint(1, 6))
    ]
    return chance.randint(0, 40), needs, ballots


def textbook_shapley(institutions: list[int], cost: Cost) -> Mapping[int, Fraction]:
    orders = list(permutations(institutions))
    added = dict.fromkeys(institutions, Fraction(0))
    for order in orders:
        for place, who in enumerate(order):
            added[who] += cost(frozenset(order[: place + 1])) - cost(frozenset(order[:place]))
    return {who: amount / len(orders) for who, amount in added.items()}
